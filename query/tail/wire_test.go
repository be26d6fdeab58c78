package tail

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http/httputil"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/frame"
)

// stuck is a connection that takes so many bytes and then, for some writes, no more.
type stuck struct {
	net.Conn
	took  bytes.Buffer
	left  int // bytes until it is stuck
	times int // writes that find it so
	err   error
}

func (c *stuck) SetWriteDeadline(time.Time) error { return nil }

func (c *stuck) Write(b []byte) (int, error) {
	if c.times == 0 || len(b) <= c.left {
		c.left -= len(b)
		return c.took.Write(b)
	}
	c.times--
	n, _ := c.took.Write(b[:c.left])
	c.left = 0
	return n, c.err
}

func newWire(t *testing.T, conn net.Conn, chunked bool) *wire {
	t.Helper()
	m, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &wire{conn: conn, chunked: chunked, stall: time.Second, metrics: m}
}

// TestLastWords: a reader that did not take a buffer in time, and takes the rest in the last moment, gets a whole answer that says why it ends and
// where. One that takes nothing gets nothing more.
func TestLastWords(t *testing.T) {
	const text = `{"v":1}`
	at := frame.Position{History: 1, Index: 7}
	for _, tt := range []struct {
		name  string
		times int
		err   error
		want  *end
	}{
		{"takes everything", 0, nil, nil},
		{"takes the rest", 1, os.ErrDeadlineExceeded, endSlow},
		{"takes nothing", 2, os.ErrDeadlineExceeded, endStuck},
		{"has gone", 1, io.ErrClosedPipe, endGone},
	} {
		for _, chunked := range []bool{true, false} {
			conn := &stuck{left: 400, times: tt.times, err: tt.err}
			w := newWire(t, conn, chunked)
			if err := w.begin(); err != nil {
				t.Fatal(err)
			}
			for range 50 {
				w.frame(at, []byte(text))
			}
			err := w.flush()
			var got *end
			if errors.As(err, &got); got != tt.want {
				t.Fatalf("%s: %v, want %v", tt.name, err, tt.want)
			}
			if w.pending() != 0 {
				t.Errorf("%s: %d bytes would be written again", tt.name, w.pending())
			}
			if tt.want != nil && tt.want.mute {
				continue
			}
			w.finish(endSlow, at)
			_, body, _ := strings.Cut(conn.took.String(), "\r\n\r\n")
			if chunked {
				b, err := io.ReadAll(httputil.NewChunkedReader(strings.NewReader(body)))
				if err != nil {
					t.Fatalf("%s: %v", tt.name, err)
				}
				body = string(b)
			}
			want := strings.Repeat(text+"\n", 50) + `{"end":{"code":"slow_reader","message":"` + endSlow.message + `","position":"` + at.String() + "\"}}\n"
			if body != want {
				t.Errorf("%s: got\n%s, want\n%s", tt.name, body, want)
			}
		}
	}
}

// TestHurry: once the node ends, no write gets more time than last words have.
func TestHurry(t *testing.T) {
	for _, before := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			defer b.Close()
			defer a.Close()
			w := newWire(t, a, false)
			w.stall = time.Hour
			w.out = []byte("nobody reads this")
			if before {
				w.hurry()
			} else {
				time.AfterFunc(time.Minute, w.hurry)
			}
			begun := time.Now()
			if err := w.flush(); !errors.Is(err, endStuck) {
				t.Errorf("%v", err)
			}
			if took := time.Since(begun); took > time.Minute+2*lastWords {
				t.Errorf("it took %v", took)
			}
		})
	}
}
