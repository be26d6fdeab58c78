package fleet

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// deliverTo sends one request to a server that answers as told.
func deliverTo(t *testing.T, o Options, handle http.HandlerFunc) (delivered, error) {
	t.Helper()
	s := httptest.NewServer(handle)
	defer s.Close()
	if err := o.fill(); err != nil {
		t.Fatal(err)
	}
	c := newClient([]string{s.URL}, &o)
	defer c.http.CloseIdleConnections()
	return c.deliver(t.Context(), &request{path: "/v1/frames", body: []byte("x"), fresh: 1})
}

func TestClientRetriesUntilAcknowledged(t *testing.T) {
	var tries atomic.Int64
	d, err := deliverTo(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
		switch tries.Add(1) {
		case 1:
			http.Error(w, "busy", http.StatusTooManyRequests)
		case 2:
			http.Error(w, "no leader", http.StatusServiceUnavailable)
		case 3:
			panic(http.ErrAbortHandler)
		default:
			w.Write([]byte(`{"position":"p","accepted":1,"delivery":"exactly_once"}`))
		}
	})
	if err != nil || d.tries != 4 || d.unknown != 2 || d.Position != "p" {
		t.Errorf("%+v, %v: want 4 tries, 2 of them with an unknown outcome (a refusal for load stores nothing)", d, err)
	}
}

func TestClientGivesUp(t *testing.T) {
	_, err := deliverTo(t, Options{GiveUp: time.Millisecond}, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no leader", http.StatusServiceUnavailable)
	})
	if err == nil || !strings.Contains(err.Error(), "gave up") {
		t.Errorf("got %v", err)
	}
}

func TestClientDoesNotRetryARefusal(t *testing.T) {
	d, err := deliverTo(t, Options{}, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "bad_json", http.StatusBadRequest) })
	if err == nil || !strings.Contains(err.Error(), "bad_json") || d.tries != 1 {
		t.Errorf("%d tries, %v", d.tries, err)
	}
}

// TestOddAnswers: an acknowledgement that cannot be true is noted, one that a lost answer explains is not.
func TestOddAnswers(t *testing.T) {
	r := &request{fresh: 8, repeats: 1, conflicts: 1}
	good := answer{Accepted: 8, Duplicate: 1, Conflict: 1, Delivery: "exactly_once"}
	for _, tc := range []struct {
		name    string
		change  func(*answer)
		unknown int
		odd     bool
	}{
		{"as sent", func(*answer) {}, 0, false},
		{"all seen before", func(a *answer) { a.Accepted, a.Duplicate = 0, 9 }, 0, true},
		{"all seen before, answer lost", func(a *answer) { a.Accepted, a.Duplicate = 0, 9 }, 1, false},
		{"one too few", func(a *answer) { a.Accepted-- }, 1, true},
		{"repeat called a conflict", func(a *answer) { a.Duplicate, a.Conflict = 0, 2 }, 0, true},
		{"repeat not compared yet", func(a *answer) { a.Duplicate, a.Unverified = 0, 1 }, 0, false},
		{"weak delivery", func(a *answer) { a.Delivery = "at_least_once" }, 0, true},
	} {
		d := delivered{answer: good, unknown: tc.unknown}
		tc.change(&d.answer)
		if got := odd(r, &d); (got != "") != tc.odd {
			t.Errorf("%s: %q", tc.name, got)
		}
	}
}

// TestRecovery measures from the kill to the first request that was sent after it.
func TestRecovery(t *testing.T) {
	var f Fleet
	before := time.Now()
	f.Killed()
	f.mark(before)
	if f.Progress().Recovery != 0 {
		t.Error("an answer to a request from before the kill counted")
	}
	f.mark(time.Now())
	first := f.Progress().Recovery
	f.mark(time.Now())
	if first <= 0 || f.Progress().Recovery != first {
		t.Errorf("recovery %s, then %s", first, f.Progress().Recovery)
	}
}

// TestRunEnds: a run stops at the first request that is refused for good, and with its context.
func TestRunEnds(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }))
	defer s.Close()
	var truth bytes.Buffer
	f, err := New(small())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Run(t.Context(), []string{s.URL}, &truth); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("got %v", err)
	}
	if _, err := readTruth(&truth); err == nil {
		t.Error("the truth of a run that failed was accepted")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Run(ctx, []string{s.URL}, &truth); err == nil {
		t.Error("ran without a context")
	}
}
