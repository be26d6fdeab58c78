package tail

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// heard reads n events, progress left out.
func (c *tailed) heard(n int) (list []string) {
	c.t.Helper()
	for len(list) < n {
		text, ok := c.next()
		if !ok {
			c.t.Fatalf("the stream ended after %v", list)
		}
		var e struct {
			gapEvent
			At  string
			End *lastWord
		}
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			c.t.Fatalf("%v in %s", err, text)
		}
		if e.Event == "" {
			continue
		}
		line := fmt.Sprintf("%s %s %d-%d %d %s", e.Event, e.Device, e.From, e.To, e.Count, e.Cause)
		if e.Late != nil {
			line += fmt.Sprint("late=", *e.Late)
		}
		list = append(list, line)
	}
	return list
}

// TestGapEvents follows the life of gaps, each change once.
func TestGapEvents(t *testing.T) {
	s := newStore()
	srv := newServer(t, s, Options{Linger: time.Microsecond, LockRows: 2})
	s.put(t, simple("mill-07", 1), simple("mill-07", 5), simple("mill-08", 1)) // before anybody listens
	c, one := srv.open(t, "/v1/gaps/events"), srv.open(t, "/v1/gaps/events", "device", "mill-08")
	defer c.close()
	defer one.close()
	for _, l := range []*tailed{c, one} {
		if text, _ := l.next(); parseLine(t, text).At != positionOf(1, segment.EndOf(s.view.AsOf.Index)).String() {
			t.Errorf("it begins with %s", text)
		}
	}
	s.put(t, simple("mill-08", 9), simple("mill-07", 2), simple("mill-08", 2), simple("_own", 1), simple("_own", 5))
	other := simple("mill-07", 1)
	other.tenant = "other"
	far := other
	far.Seq = 9
	s.put(t, other, far)
	s.change(func(uint64) {
		id, _ := s.view.Ledger.ID(frame.StreamKey{Tenant: "acme", Device: "mill-08", Stream: "0"})
		if _, err := s.view.Ledger.DeclareLost(s.commitMS, &ledger.DeclareLost{Subject: ledger.Subject{ID: id}, From: 8, To: 8}); err != nil {
			t.Fatal(err)
		}
		s.commitMS += s.view.Ledger.Policy().GraceMS
		s.view.Ledger.Tick(s.commitMS, false)
	})
	s.put(t, simple("mill-08", 3), simple("mill-08", 4), simple("mill-07", 3))
	want := []string{
		"opened mill-08 2-8 7 ", "closed mill-08 2-2 1 late=false", "closed mill-07 2-2 1 late=false", "final mill-08 8-8 1 declared_lost",
		"final mill-07 3-4 2 never_arrived", "final mill-08 3-7 5 never_arrived", "closed mill-08 3-4 2 late=true", "closed mill-07 3-3 1 late=true",
	}
	if got := c.heard(len(want)); !slices.Equal(got, want) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
	want = slices.DeleteFunc(want, func(s string) bool { return !strings.Contains(s, " mill-08 ") })
	if got := one.heard(len(want)); !slices.Equal(got, want) {
		t.Errorf("of one device\n%q, want\n%q", got, want)
	}
}

// TestGapEventsReset: who missed changes, or whose node got another state, is told so.
func TestGapEventsReset(t *testing.T) {
	s := newStore()
	srv := newServer(t, s, Options{Linger: time.Microsecond})
	s.put(t, simple("mill-07", 1))
	c := srv.open(t, "/v1/gaps/events", "format", "sse")
	defer c.close()
	c.next()
	s.change(func(uint64) {
		id, _ := s.view.Ledger.ID(frame.StreamKey{Tenant: "acme", Device: "mill-07", Stream: "0"})
		for n := uint64(3); n < 100_000; n += 2 {
			s.view.Ledger.Arrive(&frame.Group{Stream: id, Bits: 64}, startMS, s.commitMS, &frame.Item{Seq: n, NoTime: true, Class: frame.ClassEvent})
		}
	})
	for _, again := range []bool{false, true} {
		if again {
			s.change(func(uint64) { s.view.Ledger = ledger.New(ledger.Policy{}) })
		}
		for text := ""; text != "event: reset"; {
			ok := false
			if text, ok = c.next(); !ok {
				t.Fatal("the stream ended")
			}
			if text == "event: opened" {
				t.Fatal("a change was told although those before it were missed")
			}
		}
	}
}

func TestGapEventsRefuses(t *testing.T) {
	srv := newServer(t, filled(t), Options{})
	for _, query := range []string{"from=first", "device=", "match=x", "consistency=no", "format=xml"} {
		resp, err := srv.client.Get(srv.url + "/v1/gaps/events?" + query)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", query, resp.StatusCode)
		}
	}
}
