package port

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// strangers are the counts of a port by reason, those above 0.
func strangers(p *Port) map[string]int {
	counts := map[string]int{}
	for reason := range refusals {
		if n := testutil.ToFloat64(p.metrics.strangers.WithLabelValues(reason.label())); n > 0 {
			counts[reason.label()] = int(n)
		}
	}
	return counts
}

// counted waits for the listener's half of a refusal.
func counted(t *testing.T, p *Port, want map[string]int) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("strangers counted: %v, want %v", strangers(p), want)
		}
	}()
	eventually(t, "strangers are not counted as they should be", func() bool { return maps.Equal(strangers(p), want) })
}

func rawDial(t *testing.T, p *Port) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// Every refusal that a hello can bring about: the dialer learns why and what to do, the listener counts it.
func TestRefusals(t *testing.T) {
	id := func(id string) func(*Options) { return func(o *Options) { o.ClusterID = id } }
	for name, tc := range map[string]struct {
		cluster, clusterID string
		target             string
		want               Refusal
		says               []string
	}{
		"other cluster":         {"theirs", "", "n1.a", OtherCluster, []string{`"ours"`, `"theirs"`}},
		"other cluster id":      {"ours", "id2", "n1.a", OtherClusterID, []string{`"id1"`, `"id2"`}},
		"replaced node":         {"ours", "id1", "n1.old", OtherTarget, []string{`"n1.a"`, `"n1.old"`, "replaced"}},
		"another node's adress": {"ours", "", "n7.a", OtherTarget, []string{`"n1.a"`, `"n7.a"`}},
	} {
		t.Run(name, func(t *testing.T) {
			p := listen(t, "ours", "n1.a", id("id1"))
			q := listen(t, tc.cluster, "n2.b", id(tc.clusterID))
			addr := JoinAddress(tc.target, p.Addr().String())
			_, err := q.Call(t.Context(), addr, 5, nil)
			checkRefusal(t, err, tc.want, append(tc.says, tc.want.Hint())...)
			_, err = q.Raft().Dial(raft.ServerAddress(addr), 5*time.Second)
			checkRefusal(t, err, tc.want)
			_, err = q.Call(t.Context(), addr, OpStatus, nil) // a status with a target is held to it
			checkRefusal(t, err, tc.want)
			counted(t, p, map[string]int{tc.want.label(): 3})
		})
	}
}

func checkRefusal(t *testing.T, err error, want Refusal, says ...string) {
	t.Helper()
	var refused *RefusedError
	if !errors.Is(err, want) || !errors.Is(err, ErrStranger) || !errors.As(err, &refused) {
		t.Fatalf("got %v, want %v", err, want)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%v\ndoes not say %s", err, s)
		}
	}
}

// What only a foreign or broken program sends.
func TestRawRefusals(t *testing.T) {
	good, err := (&hello{purpose: forCalls, cluster: "ours", target: "n1.a", server: "n2.b"}).append(nil)
	if err != nil {
		t.Fatal(err)
	}
	changed := func(at int, b byte) []byte {
		c := bytes.Clone(good)
		c[at] = b
		return c
	}
	untargeted, err := (&hello{purpose: forRaft, cluster: "ours", server: "n2.b"}).append(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		sends []byte
		want  Refusal
		text  string // of the answer
	}{
		"http":             {[]byte("GET / HTTP/1.1\r\n\r\n"), OtherProtocol, ""},
		"hello cut short":  {good[:20], OtherProtocol, ""},
		"next version":     {changed(4, 3), OtherVersion, "2"},
		"unknown purpose":  {changed(5, 9), UnknownPurpose, ""},
		"no target":        {untargeted, NoTarget, "n1.a"},
		"much behind it":   {append(changed(4, 3), make([]byte, 48<<10)...), OtherVersion, "2"},
		"tls":              {[]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc"), WantsPlaintext, "plaintext"},
		"nothing":          {nil, OtherProtocol, ""},
		"version 1, other": {[]byte("GPRT\x01\x02\x00\x06theirs"), OtherVersion, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			p := listen(t, "ours", "n1.a")
			conn := rawDial(t, p)
			if _, err := conn.Write(tc.sends); err != nil {
				t.Fatal(err)
			}
			_ = conn.(*net.TCPConn).CloseWrite() // fails where the port has closed already
			answer, err := io.ReadAll(conn)
			if tc.want < BadCertificate {
				if want := appendAnswer(nil, tc.want, tc.text); err != nil || !bytes.Equal(answer, want) {
					t.Errorf("answered %q, %v, want %q", answer, err, want)
				}
			} else if len(answer) > 0 {
				t.Errorf("answered %q to what is no hello of ours", answer)
			}
			counted(t, p, map[string]int{tc.want.label(): 1})
		})
	}
}

// oldListener answers as the release before did.
func oldListener(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			var fixed [8]byte
			io.ReadFull(conn, fixed[:])
			n := int(binary.BigEndian.Uint16(fixed[6:]))
			if string(fixed[:4]) == "GPRT" && n <= 256 {
				io.ReadFull(conn, make([]byte, n))
				if fixed[4] != 1 {
					conn.Write([]byte{1})
				}
			}
			conn.Close()
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().String()
}

// A cluster's id becomes known while connections are open.
func TestSetCluster(t *testing.T) {
	a, b := listen(t, "c", "n1.a", func(o *Options) { o.ClusterID = "id1" }), listen(t, "c", "n2.b")
	call := func(from, to *Port) error {
		_, err := from.Call(t.Context(), at(to), 5, nil)
		return err
	}
	if err := errors.Join(call(a, b), call(b, a)); err != nil {
		t.Fatalf("before b knows its cluster: %v", err)
	}
	b.SetCluster("id1")
	if err := errors.Join(call(a, b), call(b, a)); err != nil {
		t.Fatalf("both know the same: %v", err)
	}
	c := listen(t, "c", "n3.c")
	if err := errors.Join(call(a, c), call(c, a)); err != nil {
		t.Fatalf("before c knows its cluster: %v", err)
	}
	c.SetCluster("id2")
	if err := call(c, a); !errors.Is(err, OtherClusterID) {
		t.Errorf("c, now in another cluster, calls a: %v, want OtherClusterID, not a connection of before", err)
	}
	eventually(t, "a's connection to c stays open", func() bool { return testutil.ToFloat64(c.metrics.open) == 0 })
	eventually(t, "c's idle connection to a stays open", func() bool { return testutil.ToFloat64(a.metrics.open) == 1 }) // b's
	if err := call(a, c); !errors.Is(err, OtherClusterID) {
		t.Errorf("a calls c: %v, want OtherClusterID", err)
	}
}

// Whoever dials without pause is counted each time and logged now and then, with how often it was in between.
func TestStrangersDoNotFillTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		logger := slog.New(slog.NewTextHandler(&log, nil))
		var turned turnedAway
		for range 2 * int(logEvery/time.Second) {
			turned.note(logger, &RefusedError{Reason: OtherTarget}, time.Now())
			turned.note(logger, &RefusedError{Reason: OtherTarget}, time.Now())
			time.Sleep(time.Second)
		}
		turned.note(logger, &RefusedError{Reason: OtherCluster}, time.Now())
		if n := strings.Count(log.String(), "reason=target"); n != 2 {
			t.Errorf("%d lines in ten seconds, want 2:\n%s", n, &log)
		}
		if !strings.Contains(log.String(), "more_since=9") || !strings.Contains(log.String(), "reason=cluster ") {
			t.Errorf("the log lacks how many were not said, or another reason:\n%s", &log)
		}
	})
}

// pipe serves one end of a pipe as if it had been accepted.
func pipe(ctx context.Context) (p *Port, far net.Conn, done chan struct{}) {
	p = &Port{
		opt: Options{Cluster: "ours", Server: "n1.a", Handler: echo}, log: slog.New(slog.DiscardHandler), metrics: newMetrics(nil),
		raft: make(chan net.Conn), conns: map[net.Conn]string{},
	}
	p.ctx, p.cancel = context.WithCancel(ctx)
	near, far := net.Pipe()
	p.track(near)
	done = make(chan struct{})
	go func() { p.serve(near); close(done) }()
	return p, far, done
}

// A connection for Raft does not wait for ever on a node where Raft does not run: such connections would use up the port.
func TestNoRaftHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, far, done := pipe(t.Context())
		b, err := (&hello{purpose: forRaft, cluster: "ours", target: "n1.a", server: "n2.b"}).append(nil)
		if err != nil {
			t.Fatal(err)
		}
		far.Write(b)
		if reason, _, err := readAnswer(far); err != nil || reason != welcome {
			t.Fatal(reason, err)
		}
		start := time.Now()
		<-done
		if waited := time.Since(start); waited != raftTimeout || len(p.conns) != 0 {
			t.Errorf("closed after %v, %d still counted; want %v and none", waited, len(p.conns), raftTimeout)
		}
	})
}

func TestSlowHello(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, far, done := pipe(t.Context())
		start := time.Now()
		far.Write([]byte("GPRT\x02"))
		<-done
		if waited := time.Since(start); waited != helloTimeout {
			t.Errorf("half a hello kept the connection for %v, want %v", waited, helloTimeout)
		}
		if got := strangers(p); got["protocol"] != 1 {
			t.Errorf("counted %v", got)
		}
	})
}
