package query

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// TestConsistencyReachesTheSource checks what a View is asked for, and that further looks of one question do not ask the cluster again.
func TestConsistencyReachesTheSource(t *testing.T) {
	s := scenario(t)
	srv := newServer(t, s, Options{})
	for _, tt := range []struct{ query, want string }{
		{"", "leader"}, {"consistency=stale", "stale"}, {"consistency=leader", "leader"}, {"consistency=linearizable", "linearizable"},
	} {
		s.asked = nil
		srv.do("t1", "/v1/devices", tt.query, "")
		if !slices.Equal(s.asked, []Consistency{Consistency(tt.want)}) {
			t.Errorf("%q asked for %v", tt.query, s.asked)
		}
	}
	srv.use(s, Options{LockRows: 3})
	s.asked = nil
	srv.ok(t, "t1", "/v1/frames", "device", "mill-07", "consistency", "linearizable")
	if want := []Consistency{Linearizable, Stale, Stale}; !slices.Equal(s.asked, want) {
		t.Errorf("asked for %v, want %v", s.asked, want)
	}
}

// TestAfterWaits checks that an answer waits for the position that it is asked to contain.
func TestAfterWaits(t *testing.T) {
	s := newStore(ledger.Policy{})
	f := func(n uint64) sent {
		return sent{tenant: "t", device: "d", stream: "0", seq: n, Frame: frame.Frame{TimeNS: 1}}
	}
	s.put(t, f(0))
	srv := newServer(t, s, Options{})
	done := make(chan answer)
	go func() {
		done <- srv.ok(t, "t", "/v1/frames", "device", "d", "after", frame.Position{History: 1, Index: 2, Ordinal: 4}.String())
	}()
	s.put(t, f(1))
	select {
	case a := <-done:
		t.Fatalf("answered at index %d", a.AsOf[0].Index)
	default:
	}
	s.change(func(*ledger.Ledger) {})
	if a := <-done; len(a.Frames) != 2 || a.AsOf[0].Index < 2 {
		t.Errorf("%d frames at index %d", len(a.Frames), a.AsOf[0].Index)
	}
}

// TestSourceErrors passes an error of the source through as it is.
func TestSourceErrors(t *testing.T) {
	s := scenario(t)
	srv := newServer(t, s, Options{})
	s.failure = &Error{Status: 503, Code: "no_leader", Message: "no leader", Hint: "wait"}
	if status, body := srv.get("t1", "/v1/devices"); status != 503 || decode(t, body).Error.Code != "no_leader" {
		t.Errorf("%d %s", status, body)
	}
	s.failure = errors.New("disk on fire")
	if status, body := srv.get("t1", "/v1/devices"); status != 500 || decode(t, body).Error.Message != "disk on fire" {
		t.Errorf("%d %s", status, body)
	}
}

// TestCursorOfAnotherHistory checks that a listing does not go on in a state that a restore replaced.
func TestCursorOfAnotherHistory(t *testing.T) {
	s := scenario(t)
	srv := newServer(t, s, Options{})
	next := *srv.ok(t, "t1", "/v1/frames", "device", "mill-07", "limit", "1").Next
	s.view.AsOf.History = 2
	status, body := srv.get("t1", "/v1/frames", "device", "mill-07", "cursor", next)
	if status != http.StatusConflict || decode(t, body).Error.Code != "cursor_expired" {
		t.Errorf("%d %s", status, body)
	}
}

// TestCursorOnANodeThatIsBehind checks that a page waits until the node has the state that the listing shows.
func TestCursorOnANodeThatIsBehind(t *testing.T) {
	ahead, behind := scenario(t), newStore(ledger.Policy{})
	next := *newServer(t, ahead, Options{}).ok(t, "t1", "/v1/frames", "device", "mill-07", "limit", "1").Next
	srv := newServer(t, behind, Options{Deadline: time.Millisecond})
	status, body := srv.get("t1", "/v1/frames", "device", "mill-07", "cursor", next)
	if status != http.StatusGatewayTimeout {
		t.Errorf("%d %s", status, body)
	}
}

// TestRoutes checks that every route asks for the scope to read and for nothing else.
func TestRoutes(t *testing.T) {
	api, err := New(scenario(t), nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range api.Routes() {
		method := r.Method == http.MethodGet || r.Method == http.MethodPost && r.Path == "/v1/query"
		if !method || r.Scope != auth.Read || !strings.HasPrefix(r.Path, "/v1/") {
			t.Errorf("%+v", r)
		}
	}
}

var _ Source = (*store)(nil)

// TestViewIsCancelled makes sure that the test's own source keeps the contract of Source.
func TestViewIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := newStore(ledger.Policy{}).View(ctx, Leader, frame.Position{Index: 1}, func(*View) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
