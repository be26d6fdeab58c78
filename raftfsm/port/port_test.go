package port

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func listen(t *testing.T, cluster string, h Handler) *Port {
	t.Helper()
	p, err := Listen("127.0.0.1:0", "", cluster, slog.New(slog.DiscardHandler), prometheus.NewRegistry(), h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func echo(_ context.Context, op byte, payload []byte) ([]byte, error) {
	if op == 9 {
		return nil, errors.New("nine is refused")
	}
	return append([]byte{op}, payload...), nil
}

func TestCall(t *testing.T) {
	a, b := listen(t, "c", echo), listen(t, "c", echo)
	for range 3 { // over one connection, which is used again
		out, err := a.Call(t.Context(), b.Addr().String(), 5, []byte("hello"))
		if err != nil || !bytes.Equal(out, []byte("\x05hello")) {
			t.Fatalf("got %q, %v", out, err)
		}
	}
	if n := testutil.ToFloat64(b.metrics.open); n != 1 {
		t.Errorf("%v connections for three calls in turn, want 1", n)
	}
	var remote *RemoteError
	if _, err := a.Call(t.Context(), b.Addr().String(), 9, nil); !errors.As(err, &remote) || remote.Text != "nine is refused" {
		t.Errorf("a handler's error came as %v", err)
	}
}

func TestCallToRestartedNode(t *testing.T) {
	a, b := listen(t, "c", echo), listen(t, "c", echo)
	addr := b.Addr().String()
	if _, err := a.Call(t.Context(), addr, 1, nil); err != nil {
		t.Fatal(err)
	}
	b.Close() // the idle connection in a's pool is dead now
	var notSent *NotSentError
	if _, err := a.Call(t.Context(), addr, 1, nil); !errors.As(err, &notSent) {
		t.Errorf("a call to a node that is gone: %v, want NotSentError: the request never left", err)
	}
}

func TestCallEndsWithItsContext(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	a := listen(t, "c", echo)
	b := listen(t, "c", func(ctx context.Context, _ byte, _ []byte) ([]byte, error) {
		select {
		case <-release:
		case <-ctx.Done():
		}
		return nil, nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err := a.Call(ctx, b.Addr().String(), 1, nil)
	var notSent *NotSentError
	if err == nil || errors.As(err, &notSent) {
		t.Errorf("a call without an answer: %v, want an error that does not claim that nothing was sent", err)
	}
}

func TestStrangersAreRefusedAndCounted(t *testing.T) {
	p := listen(t, "ours", echo)
	other := listen(t, "theirs", echo)
	if _, err := other.Call(t.Context(), p.Addr().String(), 1, nil); !errors.Is(err, ErrStranger) {
		t.Errorf("another cluster's call: %v, want ErrStranger", err)
	}
	for name, hello := range map[string]string{
		"http":          "GET / HTTP/1.1\r\n\r\n",
		"other version": "GPRT\x02\x02\x00\x04ours",
		"no purpose":    "GPRT\x01\x07\x00\x04ours",
		"long name":     "GPRT\x01\x02\xff\xff",
	} {
		conn, err := net.Dial("tcp", p.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn.Write([]byte(hello))
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		if rest, err := io.ReadAll(conn); len(rest) > 1 || (len(rest) == 1 && rest[0] == welcome) {
			t.Errorf("%s: answered %v, %v", name, rest, err)
		}
		conn.Close()
	}
	for deadline := time.Now().Add(5 * time.Second); testutil.ToFloat64(p.metrics.strangers) != 5; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%v strangers counted, want 5", testutil.ToFloat64(p.metrics.strangers))
		}
	}
}

func TestRaftStream(t *testing.T) {
	a, b := listen(t, "c", echo), listen(t, "c", echo)
	conn, err := a.Raft().Dial(raft.ServerAddress(b.Addr().String()), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	far, err := b.Raft().Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	conn.Write([]byte("x"))
	buf := make([]byte, 1)
	if _, err := io.ReadFull(far, buf); err != nil || buf[0] != 'x' {
		t.Errorf("got %q, %v", buf, err)
	}
}

func FuzzReadMessage(f *testing.F) {
	var good bytes.Buffer
	writeMessage(&good, 3, []byte("payload"))
	f.Add(good.Bytes())
	f.Add([]byte("\xff\xff\xff\xff\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		op, payload, err := readMessage(bytes.NewReader(b))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := writeMessage(&again, op, payload); err != nil || !bytes.HasPrefix(b, again.Bytes()) {
			t.Fatalf("message of %d bytes does not round-trip: %v", len(b), err)
		}
	})
}
