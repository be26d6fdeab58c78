package port

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen opens the port of a server in a cluster; more changes its options.
func listen(t testing.TB, cluster, server string, more ...func(*Options)) *Port {
	t.Helper()
	opt := Options{
		Addr: "127.0.0.1:0", Cluster: cluster, Server: server, Handler: echo,
		Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	}
	for _, change := range more {
		change(&opt)
	}
	p, err := Listen(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// at is the address of the server that listens at p.
func at(p *Port) string { return JoinAddress(p.opt.Server, p.Addr().String()) }

func echo(_ context.Context, op byte, payload []byte) ([]byte, error) {
	if op == 9 {
		return nil, errors.New("nine is refused")
	}
	return append([]byte{op}, payload...), nil
}

// journal is a log to look into while others write to it.
type journal struct {
	mu  sync.Mutex
	buf strings.Builder
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

// eventually waits for a condition that another goroutine brings about.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !cond(); <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

func TestAddress(t *testing.T) {
	for _, tc := range []struct{ server, addr, joined string }{
		{"n1.aa", "10.0.0.1:7500", "n1.aa@10.0.0.1:7500"},
		{"", "10.0.0.1:7500", "10.0.0.1:7500"},
		{"n1.aa", "[fe80::1%eth0]:7500", "n1.aa@[fe80::1%eth0]:7500"},
	} {
		if got := JoinAddress(tc.server, tc.addr); got != tc.joined {
			t.Errorf("join %q, %q: got %q, want %q", tc.server, tc.addr, got, tc.joined)
		}
		if server, addr := SplitAddress(tc.joined); server != tc.server || addr != tc.addr {
			t.Errorf("split %q: got %q, %q", tc.joined, server, addr)
		}
	}
	if got := JoinAddress("n1.bb", "n1.aa@h:1"); got != "n1.bb@h:1" {
		t.Errorf("a new target on a joined address: %q", got)
	}
	for server, node := range map[string]string{"n1.aa": "n1", "n1": "n1", "a.b.c": "a.b"} {
		if got := nodeOf(server); got != node {
			t.Errorf("node of %q: got %q, want %q", server, got, node)
		}
	}
}

func TestTargets(t *testing.T) {
	var targets raft.ServerAddressProvider = Targets(func(server string) (string, bool) { return "h:1", server == "n1.aa" })
	if addr, err := targets.ServerAddr("n1.aa"); err != nil || addr != "n1.aa@h:1" {
		t.Errorf("got %q, %v", addr, err)
	}
	if addr, err := targets.ServerAddr("n2.bb"); err == nil {
		t.Errorf("an unknown server has address %q", addr)
	}
}

func TestCall(t *testing.T) {
	a, b := listen(t, "c", "n1.a"), listen(t, "c", "n2.b")
	for range 3 { // over one connection, which is used again
		out, err := a.Call(t.Context(), at(b), 5, []byte("hello"))
		if err != nil || !bytes.Equal(out, []byte("\x05hello")) {
			t.Fatalf("got %q, %v", out, err)
		}
	}
	checkReuse(t, a, b)
	var remote *RemoteError
	if _, err := a.Call(t.Context(), at(b), 9, nil); !errors.As(err, &remote) || remote.Text != "nine is refused" {
		t.Errorf("a handler's error came as %v", err)
	}
}

// checkReuse makes sure that a's calls to b went over one connection that may be used again.
func checkReuse(t *testing.T, a, b *Port) {
	t.Helper()
	if n := testutil.ToFloat64(b.metrics.open); n != 1 {
		t.Errorf("%v connections for calls in turn, want 1", n)
	}
	key := poolKey{addr: at(b), purpose: forCalls}
	conn := a.idle.get(key)
	if conn == nil {
		t.Fatal("no idle connection passes for alive")
	}
	a.idle.put(key, conn)
}

// Whoever listens may be asked for its status, and for nothing else.
func TestStatusNeedsNoTarget(t *testing.T) {
	a, b := listen(t, "c", "n1.a"), listen(t, "c", "n2.b")
	if _, err := a.Call(t.Context(), b.Addr().String(), OpStatus, nil); err != nil {
		t.Errorf("status of whoever listens: %v", err)
	}
	if _, err := a.Call(t.Context(), b.Addr().String(), OpStatus+1, nil); !errors.Is(err, NoTarget) {
		t.Errorf("another operation without a target: %v, want NoTarget", err)
	}
	if _, err := a.Raft().Dial(raft.ServerAddress(b.Addr().String()), time.Second); !errors.Is(err, NoTarget) {
		t.Errorf("Raft without a target: %v, want NoTarget", err)
	}
	conn, err := a.dial(deadline(t), b.Addr().String(), forStatus)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if status, out, err := exchange(conn, OpStatus+1, nil); err != nil || status == 0 {
		t.Errorf("operation %d over a connection for status: %d, %q, %v: it must be refused", OpStatus+1, status, out, err)
	}
	if status, _, err := exchange(conn, OpStatus, nil); err != nil || status != 0 {
		t.Errorf("status after it: %d, %v", status, err)
	}
}

func TestCallToRestartedNode(t *testing.T) {
	a, b := listen(t, "c", "n1.a"), listen(t, "c", "n2.b")
	if _, err := a.Call(t.Context(), at(b), 1, nil); err != nil {
		t.Fatal(err)
	}
	b.Close() // the idle connection in a's pool is dead now
	var notSent *NotSentError
	if _, err := a.Call(t.Context(), at(b), 1, nil); !errors.As(err, &notSent) {
		t.Errorf("a call to a node that is gone: %v, want NotSentError: the request never left", err)
	}
}

// waiting is a port whose handler answers when release is closed or the port is.
func waiting(release chan struct{}) func(*Options) {
	return func(o *Options) {
		o.Handler = func(ctx context.Context, _ byte, _ []byte) ([]byte, error) {
			select {
			case <-release:
			case <-ctx.Done():
			}
			return nil, nil
		}
	}
}

func TestCallEndsWithItsContext(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	a, b := listen(t, "c", "n1.a"), listen(t, "c", "n2.b", waiting(release))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err := a.Call(ctx, at(b), 1, nil)
	var notSent *NotSentError
	if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &notSent) {
		t.Errorf("a call without an answer: %v, want the deadline, and no claim that nothing was sent", err)
	}
}

func TestCallEndsWithThePort(t *testing.T) {
	asked := make(chan struct{})
	release := make(chan struct{})
	defer close(release)
	a := listen(t, "c", "n1.a")
	b := listen(t, "c", "n2.b", waiting(release), func(o *Options) {
		wait := o.Handler
		o.Handler = func(ctx context.Context, op byte, b []byte) ([]byte, error) { close(asked); return wait(ctx, op, b) }
	})
	done := make(chan error)
	go func() {
		_, err := a.Call(context.Background(), at(b), 1, nil)
		done <- err
	}()
	<-asked
	a.Close()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("a call whose port closed ended with %v, want context.Canceled", err)
	}
}

// A refused connection is not kept, and the same address is asked anew when the server that it names is there.
func TestRefusedConnectionsAreNotPooled(t *testing.T) {
	a, b := listen(t, "c", "n1.a"), listen(t, "c", "n2.b")
	wrong := JoinAddress("n2.old", b.Addr().String())
	for range 3 {
		var notSent *NotSentError
		if _, err := a.Call(t.Context(), wrong, 5, nil); !errors.Is(err, OtherTarget) || !errors.As(err, &notSent) {
			t.Fatalf("got %v, want OtherTarget in a NotSentError", err)
		}
	}
	if n := len(a.idle.conns); n != 0 {
		t.Errorf("%d keys in the pool after refusals", n)
	}
	eventually(t, "refused connections stay open", func() bool { return testutil.ToFloat64(b.metrics.open) == 0 })
	if _, err := a.Call(t.Context(), at(b), 5, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Call(t.Context(), wrong, 5, nil); !errors.Is(err, OtherTarget) {
		t.Errorf("after a good call to the same host: %v, want OtherTarget: the pool must tell targets apart", err)
	}
}

func TestRaftStream(t *testing.T) {
	a, b := listen(t, "c", "n1.a"), listen(t, "c", "n2.b")
	first := b.Raft()
	first.Close()
	if _, err := first.Accept(); err == nil {
		t.Error("a closed stream layer accepts")
	}
	conn, err := a.Raft().Dial(raft.ServerAddress(at(b)), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	far, err := b.Raft().Accept() // another one, as after a restart of Raft
	if err != nil {
		t.Fatal(err)
	}
	conn.Write([]byte("x"))
	buf := make([]byte, 1)
	if _, err := io.ReadFull(far, buf); err != nil || buf[0] != 'x' {
		t.Errorf("got %q, %v", buf, err)
	}
	if got, want := b.Raft().Addr().String(), at(b); got != want {
		t.Errorf("Raft tells others the address %q, want %q", got, want)
	}
	if far.Close(); testutil.ToFloat64(b.metrics.open) != 0 {
		t.Error("a connection that Raft closed still counts as open")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, opt := range map[string]Options{
		"no cluster": {Server: "n1.a", Handler: echo},
		"no server":  {Cluster: "c", Handler: echo},
		"no handler": {Cluster: "c", Server: "n1.a"},
		"long names": {Cluster: string(make([]byte, 900)), Server: string(make([]byte, 100)), Handler: echo},
	} {
		opt.Addr = "127.0.0.1:0"
		if p, err := Listen(opt); err == nil {
			p.Close()
			t.Errorf("%s: opened", name)
		}
	}
}

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// TestSilentStrangersGiveWay opens more connections than a port has room for and says nothing on them: a member gets through all the same.
func TestSilentStrangersGiveWay(t *testing.T) {
	a, b := listen(t, "c", "n1.a"), listen(t, "c", "n2.b")
	for range 2 * defaultMaxConns {
		conn, err := net.Dial("tcp", b.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if out, err := a.Call(t.Context(), at(b), 5, []byte("hello")); err != nil || !bytes.Equal(out, []byte("\x05hello")) {
		t.Errorf("got %q, %v", out, err)
	}
	if n := testutil.ToFloat64(b.metrics.refused); n < defaultMaxConns {
		t.Errorf("%v connections were closed for want of room, want %d and more", n, defaultMaxConns)
	}
}
