package network

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
)

// client dials through the network from an address of its own.
func client(n *Network) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: n.Host("127.0.0.9").Dial}, Timeout: 30 * time.Second}
}

func TestHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(1)
		ln, err := n.Host(ipA).Listen("tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body) // the client will see if it is short
			w.Write(body)
		})}
		served := make(chan error)
		go func() { served <- server.Serve(ln) }()
		c := client(n)
		defer func() {
			c.CloseIdleConnections()
			server.Close()
			if err := <-served; !errors.Is(err, http.ErrServerClosed) {
				t.Error(err)
			}
		}()
		for _, size := range []int{0, 1, 10 << 10, 3 << 20} {
			echo(t, c, bytes.Repeat([]byte{'x'}, size))
		}
		n.Cut("127.0.0.9", ipA)
		time.AfterFunc(time.Second, n.MendAll)
		lasting(t, "a request over a conn that was cut", time.Second, 2*time.Second, func() { echo(t, c, []byte("hello")) })
	})
}

func echo(t *testing.T, c *http.Client, body []byte) {
	t.Helper()
	r, err := c.Post("http://"+ipA+"/", "", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	got, err := io.ReadAll(r.Body)
	if err != nil || !bytes.Equal(got, body) {
		t.Fatalf("%d bytes came back of %d, %v", len(got), len(body), err)
	}
}

// The server that a node has, which is killed in the middle of an answer, and comes back.
func TestFastHTTP(t *testing.T) {
	new(fasthttp.ResponseHeader).Header() // fasthttp's clock is a goroutine that never ends: it must not be born in a bubble
	synctest.Test(t, func(t *testing.T) {
		n := New(1)
		c := client(n)
		for _, killed := range []bool{true, false} {
			ln, err := n.Host(ipA).Listen("tcp", ipA+":80")
			if err != nil {
				t.Fatal(err)
			}
			server := &fasthttp.Server{CloseOnShutdown: true, Handler: func(ctx *fasthttp.RequestCtx) {
				if killed {
					n.Host(ipA).Down(false)
				}
				addr, ok := ctx.RemoteAddr().(*net.TCPAddr)
				fmt.Fprint(ctx, ok && addr.IP.IsLoopback())
			}}
			served := make(chan error)
			go func() { served <- server.Serve(ln) }()
			r, err := c.Get("http://" + ipA + "/")
			if killed {
				if !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("a request to a server that was killed: %v", err)
				}
				n.Host(ipA).Up()
			} else if got, err := io.ReadAll(r.Body); err != nil || string(got) != "true" {
				t.Errorf("read %q, %v; want the remote address to be a loopback *net.TCPAddr", got, err)
			}
			c.CloseIdleConnections()
			if err := server.Shutdown(); err != nil && !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			if err := <-served; err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Minute) // fasthttp's pool notices its end when it next looks
	})
}
