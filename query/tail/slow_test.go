package tail

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/query"
	"github.com/prometheus/client_golang/prometheus"
)

// slow opens a tail on a connection of its own and reads nothing but the first line.
func (s *server) slow(t tester, query string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, r := s.raw(t, "GET /v1/tail?"+query+" HTTP/1.1\r\nHost: x\r\nAuthorization: acme\r\n\r\n")
	for line := ""; !strings.HasPrefix(line, `{"at"`); {
		var err error
		if line, err = r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	return conn, r
}

// raw sends a request on a connection of its own, which holds little.
func (s *server) raw(t tester, request string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReaderSize(conn, 16)
}

func large(seq uint64) sent {
	f := simple("mill-07", seq)
	f.Raw = make([]byte, 256<<10)
	return f
}

// TestSlowReaderIsDisconnected: who takes nothing is disconnected, the others and apply do not notice, and it can go on where it was.
func TestSlowReaderIsDisconnected(t *testing.T) {
	s := newStore()
	reg := prometheus.NewRegistry()
	srv := newServer(t, s, Options{Metrics: reg, Stall: 50 * time.Millisecond, BufferBytes: 1 << 20})
	_, r := srv.slow(t, "")
	quick := srv.open(t, "/v1/tail")
	defer quick.close()
	quick.next()
	const frames = 60 // 20 MiB as JSON: more than sockets hold
	for n := range uint64(frames) {
		s.put(t, large(n))
		quick.frames(1)
	}
	until(t, func() bool { return gather(t, reg, "gapless_tail_disconnects_total", "slow_reader") == 1 })
	text, err := io.ReadAll(r)
	if err != nil && len(text) == 0 {
		t.Fatal(err)
	}
	at := lastPosition(t, string(text))
	got, _ := newServer(t, s, Options{}).all(t, "from", at, "until", "now")
	same(t, "after it came back", got, s.want(commitOf(parse(t, at)), &everything, query.Shown{}))
	if len(got) == 0 {
		t.Error("the slow reader had everything: it was not slow")
	}
}

// until waits for a condition.
func until(t tester, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for !ok() {
		if !rest(ctx, time.Millisecond) {
			t.Fatal("it did not come to that")
		}
	}
}

// lastPosition is that of the last whole line.
func lastPosition(t tester, text string) string {
	t.Helper()
	text = text[:strings.LastIndex(text, "}\n")]
	i := strings.LastIndex(text, `"position":"`)
	if i < 0 {
		t.Fatal("no whole frame was given")
	}
	return text[i+12 : i+44]
}

func parse(t tester, position string) frame.Position {
	t.Helper()
	p, err := frame.ParsePosition(position)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTooManyReaders(t *testing.T) {
	s := newStore()
	srv := newServer(t, s, Options{MaxReaders: 2})
	a, b := srv.open(t, "/v1/tail"), srv.open(t, "/v1/gaps/events")
	a.next()
	b.next()
	if status, body := srv.ask(t, http.MethodGet, "/v1/tail", ""); status != http.StatusTooManyRequests || !strings.Contains(body, "too_many_readers") {
		t.Errorf("%d %s", status, body)
	}
	a.close()
	b.close()
	until(t, func() bool { return !srv.api.full() })
	srv.all(t, "until", "now")
}

// TestCloseTellsEverybody: a node that ends says so, to those who take nothing as well as it can, and does not wait for them.
func TestCloseTellsEverybody(t *testing.T) {
	s := newStore()
	srv := newServer(t, s, Options{Stall: time.Hour, Heartbeat: time.Hour})
	for n := range uint64(60) {
		s.put(t, large(n))
	}
	srv.slow(t, "from=first")
	quick, gaps := srv.open(t, "/v1/tail"), srv.open(t, "/v1/gaps/events")
	defer quick.close()
	defer gaps.close()
	quick.next()
	gaps.next()
	begun := time.Now()
	if err := srv.api.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("Close took %v", took)
	}
	for _, c := range []*tailed{quick, gaps} {
		text, _ := c.next()
		if e := parseLine(t, text).End; e == nil || e.Code != "shutdown" {
			t.Errorf("the last line is %s", text)
		}
	}
	if status, _ := srv.ask(t, http.MethodGet, "/v1/tail", "", "consistency", "stale"); status != http.StatusServiceUnavailable {
		t.Errorf("a closed API answers %d", status)
	}
}

// TestTailOutlivesTheServersTimes: what the server allows for a whole answer does not hold for one without an end.
func TestTailOutlivesTheServersTimes(t *testing.T) {
	s := newStore()
	srv := newServerWith(t, s, Options{Heartbeat: 10 * time.Millisecond}, 30*time.Millisecond)
	c := srv.open(t, "/v1/tail")
	defer c.close()
	for begun := time.Now(); time.Since(begun) < 150*time.Millisecond; {
		if text, ok := c.next(); !ok {
			t.Fatalf("it was cut after %v: %v", time.Since(begun), c.lines.Err())
		} else if parseLine(t, text).At == "" {
			t.Fatal(text)
		}
	}
	s.put(t, simple("mill-07", 1))
	if got, _ := c.frames(1); len(got) != 1 {
		t.Error("no frame")
	}
}
