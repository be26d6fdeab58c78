package gapless

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/valyala/fasthttp"
)

// testDoor runs a test on a clock of its own. What fasthttp starts once and for good, for the date of answers, must not begin there.
func testDoor(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	_ = new(fasthttp.ResponseHeader).Header()
	synctest.Test(t, test)
}

// door is a server with few places, as a node has it, over connections in memory.
type door struct {
	t       *testing.T
	all     *clients
	server  *fasthttp.Server
	arrive  chan net.Conn
	gone    chan struct{}
	release chan struct{} // lets a request to /wait be answered
	log     bytes.Buffer
	served  chan error
}

func newDoor(t *testing.T, most int) *door {
	d := &door{t: t, arrive: make(chan net.Conn), gone: make(chan struct{}), release: make(chan struct{}), served: make(chan error, 1)}
	d.all = newClients(d, most, slog.New(slog.NewTextHandler(&d.log, nil)))
	if err := d.all.measure(prometheus.NewRegistry()); err != nil {
		t.Fatal(err)
	}
	d.server = &fasthttp.Server{
		ConnState: turnClient, Concurrency: 2 * most, ReadBufferSize: 4096, StreamRequestBody: true, CloseOnShutdown: true,
		IdleTimeout: idleTimeout, ReadTimeout: readTimeout, Logger: httpQuiet{},
		Handler: func(ctx *fasthttp.RequestCtx) {
			if string(ctx.Path()) == "/wait" {
				<-d.release
			}
			if d.all.full.Load() {
				ctx.SetConnectionClose()
			}
		},
	}
	go func() { d.served <- d.server.Serve(d.all) }()
	return d
}

type httpQuiet struct{}

func (httpQuiet) Printf(string, ...any) {}

// Accept, Close and Addr are the listener below.
func (d *door) Accept() (net.Conn, error) {
	select {
	case conn := <-d.arrive:
		return conn, nil
	case <-d.gone:
		return nil, net.ErrClosed
	}
}

func (d *door) Close() error   { close(d.gone); return nil }
func (d *door) Addr() net.Addr { return &net.TCPAddr{} }

// end makes sure that nothing is left: no goroutine (synctest) and no connection.
func (d *door) end() {
	d.t.Helper()
	if err := d.server.Shutdown(); err != nil {
		d.t.Error(err)
	}
	if err := <-d.served; err != nil && !errors.Is(err, net.ErrClosed) {
		d.t.Error(err)
	}
	if n := d.all.count(); n != 0 {
		d.t.Errorf("%d connections are left", n)
	}
	time.Sleep(time.Minute) // of the bubble's clock: the server's workers end
}

// caller is a client with one connection.
type caller struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

// dial opens a connection; the server may keep it waiting.
func (d *door) dial() *caller {
	here, there := net.Pipe()
	go func() {
		select {
		case d.arrive <- there:
		case <-d.gone:
			there.Close()
		}
	}()
	return &caller{here, d.t, bufio.NewReader(here)}
}

// meet is dial, and waits until the server has the connection or keeps it waiting: the next one comes after it.
func (d *door) meet() *caller {
	c := d.dial()
	synctest.Wait()
	return c
}

// ask sends a request and reads its answer; last says that the server ends the connection with it.
func (c *caller) ask(path string) (last bool, err error) {
	c.SetDeadline(time.Now().Add(time.Hour))
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: n\r\n\r\n", path); err != nil {
		return false, err
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return false, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.Close, err
}

// must is ask on a connection that has to be answered and to stay.
func (c *caller) must() {
	c.t.Helper()
	if last, err := c.ask("/"); last || err != nil {
		c.t.Errorf("the last answer: %v; %v", last, err)
	}
}

// ended reports whether the server has closed the connection.
func (c *caller) ended() bool {
	c.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := c.r.ReadByte()
	return errors.Is(err, io.EOF)
}

func (d *door) counted() (waited, gaveWay float64) {
	return testutil.ToFloat64(d.all.metrics.waited), testutil.ToFloat64(d.all.metrics.gaveWay)
}
