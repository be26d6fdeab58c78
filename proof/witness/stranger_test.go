package witness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/proof/sign"
)

// What a broken or hostile witness answers is an error, in bounded time and memory.
func TestStrangeAnswers(t *testing.T) {
	s := logOf(t, "a", 40)
	_, note := noteOf(t, s, 40, "n1")
	foreign, err := keyOf(t, "foreign").Cosigner("w.example/1", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	right, err := keyOf(t, "witness").Cosigner("w.example/1", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	otherCheckpoint, _ := noteOf(t, s, 39, "n1")
	lines := func(cp sign.Checkpoint, by int) string {
		signer := right
		if by == 1 {
			signer = foreign
		}
		msg, err := sign.SignCheckpoint(cp, signer)
		if err != nil {
			t.Fatal(err)
		}
		_, l, _ := sign.Split(msg)
		return string(l)
	}
	cp, _ := noteOf(t, s, 40, "n1")
	for _, tt := range []struct {
		name   string
		status int
		typ    string
		body   string
		want   string // "" for success
	}{
		{"right", 200, "", lines(cp, 0), ""},
		{"right, and another's", 200, "", lines(cp, 1) + lines(cp, 0), ""},
		{"nothing", 200, "", "", "not a signed note"},
		{"a page", 200, "text/html", "<html>hello</html>", "not a signed note"},
		{"a key that we do not know", 200, "", lines(cp, 1), "no known key"},
		{"of another checkpoint", 200, "", lines(otherCheckpoint, 0), "of another text"},
		{"a smuggled text", 200, "", "\nforged\n\n" + lines(cp, 0), "an empty line"},
		{"too long", 200, "", strings.Repeat("x", 5000), "longer than 4096 bytes"},
		{"moved", 302, "", "", "refused with 302"},
		{"made", 201, "", lines(cp, 0), "refused with 201"},
		{"overloaded", 429, "", "slow\ndown", `refused with 429 Too Many Requests: "slow\ndown"`},
		{"no size", 409, "text/x.tlog.size", "", "conflict without a size"},
		{"bad size", 409, "text/x.tlog.size", "07\n", "conflict without a size"},
		{"a size that does not end", 409, "text/x.tlog.size", "7", "conflict without a size"},
		{"a negative size", 409, "text/x.tlog.size", "-7\n", "conflict without a size"},
		{"another type", 409, "text/plain", "7\n", "conflict without a size"},
		{"the size that was sent", 409, "text/x.tlog.size", "0\n", "another history"},
		{"the same size again and again", 409, "text/x.tlog.size; charset=utf-8", "7\n", "another history"},
		{"a larger size", 409, "text/x.tlog.size", "41\n", "cosigned the log at 41 already"},
		{"unprocessable", 422, "", "no", "refused with 422"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := clientOf(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if tt.typ != "" {
					rw.Header().Set("Content-Type", tt.typ)
				}
				rw.Header().Set("Location", "/elsewhere")
				rw.Header().Set("Retry-After", "7")
				rw.WriteHeader(tt.status)
				_, _ = io.WriteString(rw, tt.body)
			}), Options{MaxAnswerBytes: 4096})
			sigs, err := c.Add(t.Context(), note, s)
			if tt.want == "" {
				if err != nil || len(sigs) != 1 {
					t.Fatalf("%+v, %v", sigs, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(sigs) != 0 {
				t.Fatalf("%+v, %v, want %q", sigs, err, tt.want)
			}
			if refused := (*RefusedError)(nil); tt.status == 429 && (!errors.As(err, &refused) || !refused.Temporary() || refused.RetryAfter != 7*time.Second) {
				t.Errorf("%+v", err)
			}
		})
	}
}

// A witness that names another size each time is given up.
func TestRestlessWitness(t *testing.T) {
	s, asked := logOf(t, "a", 40), 0
	_, note := noteOf(t, s, 40, "n1")
	c := clientOf(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked++
		rw.Header().Set("Content-Type", "text/x.tlog.size")
		rw.WriteHeader(http.StatusConflict)
		fmt.Fprintf(rw, "%d\n", asked)
	}), Options{})
	if _, err := c.Add(t.Context(), note, s); err == nil || asked != attempts {
		t.Errorf("%v after %d requests", err, asked)
	}
}

// A witness that never ends its answer is cut off at the limit, one that says nothing at the deadline.
func TestEndlessAnswer(t *testing.T) {
	s := logOf(t, "a", 4)
	_, note := noteOf(t, s, 4, "n1")
	c := clientOf(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		for {
			if _, err := io.WriteString(rw, strings.Repeat("x", 1000)); err != nil {
				return
			}
		}
	}), Options{Timeout: 5 * time.Second})
	if _, err := c.Add(t.Context(), note, s); err == nil || !strings.Contains(err.Error(), "longer than 65536 bytes") {
		t.Errorf("got %v", err)
	}
}

// silence is a network that never answers.
type silence struct{}

func (silence) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestTimeLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := logOf(t, "a", 4)
		_, note := noteOf(t, s, 4, "n1")
		for _, tt := range []struct{ limit, want time.Duration }{{0, 10 * time.Second}, {time.Minute, time.Minute}} {
			key, err := keyOf(t, "witness").VerifierKey("w.example/1")
			if err != nil {
				t.Fatal(err)
			}
			c, err := New("https://w.example", []string{key.String()}, Options{Timeout: tt.limit, Transport: silence{}})
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if _, err := c.Add(t.Context(), note, s); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != tt.want {
				t.Errorf("limit %v: %v after %v", tt.limit, err, time.Since(start))
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := c.Add(ctx, note, s); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
		}
	})
}
