package tail

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
)

// filled is a store with frames in a segment, a sealed head and the newest one.
func filled(t tester) *store {
	s := newStore()
	for n := range uint64(12) {
		if n > 0 && n%3 == 0 {
			s.seal()
		}
		if n == 9 {
			s.flush(t)
			s.flush(t)
		}
		f := simple("mill-07", n)
		f.Raw = []byte("raw")
		f.Fields = append(f.Fields, frame.Field{Name: "w", Value: frame.Float(0.1)}, frame.Field{Name: "x,y", Value: frame.Bool(true)})
		g := simple("_alerts", n)
		g.Class = frame.ClassSnapshot
		h := simple("mill-07", n)
		h.stream, h.Class = "spindle", frame.ClassSnapshot
		other := simple("mill-07", n)
		other.tenant = "other"
		s.put(t, f, g, h, other)
	}
	return s
}

// TestFilters holds what each parameter selects and shows against the same done to everything.
func TestFilters(t *testing.T) {
	s := filled(t)
	srv := newServer(t, s, Options{CatchupRows: 4})
	for _, tt := range []struct {
		params []string
		filter filter
		show   query.Shown
		lines  int
	}{
		{nil, filter{}, query.Shown{}, 24},
		{[]string{"system", "true"}, filter{system: true}, query.Shown{}, 36},
		{[]string{"device", "_alerts"}, filter{devices: map[string]bool{"_alerts": true}}, query.Shown{}, 12},
		{[]string{"device", "mill-07", "device", "nobody"}, filter{devices: map[string]bool{"mill-07": true}}, query.Shown{}, 24},
		{[]string{"stream", "spindle"}, filter{stream: "spindle"}, query.Shown{}, 12},
		{[]string{"class", "event"}, filter{class: frame.ClassEvent}, query.Shown{}, 12},
		{[]string{"class", "snapshot", "system", "true"}, filter{class: frame.ClassSnapshot, system: true}, query.Shown{}, 24},
		{[]string{"fields", "w,,v"}, filter{}, query.Shown{Fields: []string{"v", "w"}}, 24},
		{[]string{"fields", ""}, filter{}, query.Shown{Fields: []string{}}, 24},
		{[]string{"raw", "false"}, filter{}, query.Shown{NoRaw: true}, 24},
		{[]string{"fields", "v", "raw", "true"}, filter{}, query.Shown{Fields: []string{"v"}}, 24},
	} {
		tt.filter.tenant = "acme"
		got, _ := srv.all(t, append(tt.params, "from", "first", "until", "now")...)
		same(t, fmt.Sprint(tt.params), got, s.want(segment.Commit{}, &tt.filter, tt.show))
		if len(got) != tt.lines {
			t.Errorf("%v: %d frames, want %d", tt.params, len(got), tt.lines)
		}
	}
}

// TestTailRefuses lists what is not answered with a stream.
func TestTailRefuses(t *testing.T) {
	s := filled(t)
	srv := newServer(t, s, Options{Deadline: 20 * time.Millisecond, MaxDevices: 2})
	ahead := frame.Position{History: 1, Index: 999}.String()
	for _, tt := range []struct {
		params []string
		status int
		code   string
		says   string
	}{
		{[]string{"from", "yesterday"}, 400, "bad_parameter", "from=\"yesterday\""},
		{[]string{"from", ""}, 400, "bad_parameter", ""},
		{[]string{"until", "later"}, 400, "bad_parameter", "now"},
		{[]string{"limit", "0"}, 400, "bad_parameter", "limit"},
		{[]string{"class", "any"}, 400, "bad_parameter", "event, snapshot"},
		{[]string{"raw", "no"}, 400, "bad_parameter", "raw"},
		{[]string{"system", "1"}, 400, "bad_parameter", "system"},
		{[]string{"format", "csv"}, 400, "bad_parameter", "ndjson, sse"},
		{[]string{"stream", ""}, 400, "bad_parameter", "stream"},
		{[]string{"device", ""}, 400, "bad_parameter", "device"},
		{[]string{"device", "a", "device", "b", "device", "c"}, 400, "bad_parameter", "at most 2 devices"},
		{[]string{"device", "a", "match", "x=y"}, 400, "bad_parameter", "not together"},
		{[]string{"match", "hall"}, 400, "bad_parameter", "label=value"},
		{[]string{"consumer", ""}, 400, "bad_parameter", "consumer"},
		{[]string{"consistency", "eventual"}, 400, "bad_parameter", "linearizable"},
		{[]string{"limit", "1", "limit", "2"}, 400, "bad_parameter", "twice"},
		{[]string{"devices", "a"}, 400, "unknown_parameter", "device"},
		{[]string{"from", frame.Position{History: 2, Index: 1}.String()}, 409, "other_history", "reset"},
		{[]string{"from", ahead}, 409, "position_ahead", "the newest is"},
		{[]string{"LAST-EVENT-ID", ahead, "from", "now"}, 409, "position_ahead", ""},
		{[]string{"LAST-EVENT-ID", "17"}, 400, "bad_parameter", "Last-Event-ID"},
		{[]string{"consumer", "nobody"}, 404, "unknown_consumer", "nobody"},
	} {
		status, body := srv.ask(t, http.MethodGet, "/v1/tail", "", tt.params...)
		if status != tt.status || !strings.Contains(body, `"code":"`+tt.code+`"`) || !strings.Contains(strings.ReplaceAll(body, `\"`, `"`), tt.says) {
			t.Errorf("%v: %d %s, want %d %s and %q", tt.params, status, body, tt.status, tt.code, tt.says)
		}
	}
	s.mu.Lock()
	s.failure = &query.Error{Status: 503, Code: "not_ready", Message: "no state"}
	s.mu.Unlock()
	if status, body := srv.ask(t, http.MethodGet, "/v1/tail", ""); status != 503 || !strings.Contains(body, "not_ready") {
		t.Errorf("%d %s", status, body)
	}
}

// TestHead answers HEAD without a stream.
func TestHead(t *testing.T) {
	srv := newServer(t, filled(t), Options{})
	resp := srv.do(context.Background(), t, http.MethodHead, "/v1/tail", "", "format", "sse")
	defer resp.Body.Close()
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != eventType {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}

// TestPositionThatIsGone answers 410 with the first position that is retained, and ends a stream whose next frames are gone.
func TestPositionThatIsGone(t *testing.T) {
	s := filled(t)
	all := s.positions()
	retained := all[4]
	srv := newServer(t, s, Options{CatchupRows: 1, Retained: func(*query.View) frame.Position { return retained }})
	status, body := srv.ask(t, http.MethodGet, "/v1/tail", "", "from", all[3].String())
	var answer struct {
		Error struct{ Code, Message, Hint, Position string }
	}
	err := json.Unmarshal([]byte(body), &answer)
	if e := &answer.Error; err != nil || status != http.StatusGone || e.Code != "position_gone" || e.Position != retained.String() {
		t.Fatalf("%v: %d %s", err, status, body)
	}
	for _, from := range []string{answer.Error.Position, "first"} {
		got, _ := srv.all(t, "from", from, "until", "now")
		same(t, "from what is retained", got, s.want(commitOf(retained), &everything, query.Shown{}))
	}
	looks := 0
	s.between = func() {
		if looks++; looks == 4 {
			retained = all[len(all)-1]
		}
	}
	c := srv.open(t, "/v1/tail", "from", "first", "until", "now")
	defer c.close()
	got, end := c.frames(-1)
	if end.Code != "position_gone" || len(got) == 0 || end.Position != parseLine(t, got[len(got)-1]).Position {
		t.Errorf("after %d frames: %+v", len(got), end)
	}
}

// TestAnotherHistoryEndsTheTail: positions of a history mean nothing in the next one.
func TestAnotherHistoryEndsTheTail(t *testing.T) {
	s := filled(t)
	srv := newServer(t, s, Options{Linger: time.Microsecond})
	c := srv.open(t, "/v1/tail")
	defer c.close()
	c.next()
	s.put(t, simple("mill-07", 100))
	got, _ := c.frames(1)
	s.change(func(uint64) { s.view.AsOf.History = 2 })
	_, end := c.frames(-1)
	if end.Code != "other_history" || end.Position < parseLine(t, got[0]).Position {
		t.Errorf("%+v", end)
	}
}

// TestUnreadableSegmentEndsTheTail: the reader learns what is missing, and goes on from there elsewhere.
func TestUnreadableSegmentEndsTheTail(t *testing.T) {
	for _, tt := range []struct {
		err  error
		code string
	}{
		{fmt.Errorf("gone"), "segment_missing"},
		{&segment.CorruptError{What: "block"}, "segment_damaged"},
		{fmt.Errorf("new: %w", segment.ErrVersion), "segment_version"},
		{&query.Error{Status: 503, Code: "segment_pulled", Message: "wait", Hint: "ask n2"}, "segment_pulled"},
	} {
		s := filled(t)
		srv := newServer(t, s, Options{})
		second := s.view.Manifest.Segments()[1].Name
		s.broken[second] = tt.err
		c := srv.open(t, "/v1/tail", "from", "first")
		got, end := c.frames(-1)
		c.close()
		if end.Code != tt.code || end.Message == "" || len(got) != 6 {
			t.Errorf("%v: %+v after %d frames, want %s after those of the first segment", tt.err, end, len(got), tt.code)
		}
		delete(s.broken, second)
		rest, _ := srv.all(t, "from", end.Position, "until", "now")
		same(t, "when it is back", append(got, rest...), s.want(segment.Commit{}, &everything, query.Shown{}))
	}
}

// TestEvents reads Server-Sent Events as a browser does: each has an id, and the id of the last is sent with the next request.
func TestEvents(t *testing.T) {
	s := filled(t)
	srv := newServer(t, s, Options{Heartbeat: 20 * time.Millisecond, CatchupRows: 5})
	c := srv.open(t, "/v1/tail", "from", "first", "limit", "7", "ACCEPT", eventType)
	b, err := io.ReadAll(c.resp.Body)
	if err != nil || c.resp.Header.Get("Content-Type") != eventType {
		t.Fatalf("%v, %v", err, c.resp.Header)
	}
	c.close()
	want := s.want(segment.Commit{}, &everything, query.Shown{})
	var text strings.Builder
	zero := positionOf(1, segment.Commit{}).String()
	fmt.Fprintf(&text, "event: at\nid: %s\ndata: {\"at\":\"%s\"}\n\n", zero, zero)
	at := ""
	for _, line := range want[:7] {
		at = parseLine(t, line).Position
		fmt.Fprintf(&text, "id: %s\ndata: %s\n\n", at, line)
	}
	fmt.Fprintf(&text, "event: end\nid: %s\ndata: {\"end\":{\"code\":\"limit\",\"message\":\"%s\",\"position\":\"%s\"}}\n\n", at, endLimit.message, at)
	if string(b) != text.String() {
		t.Fatalf("got\n%s\nwant\n%s", b, text.String())
	}
	c = srv.open(t, "/v1/tail", "format", "sse", "from", "now", "LAST-EVENT-ID", at)
	defer c.close()
	for _, line := range want[7:] {
		for {
			text, ok := c.next()
			if !ok {
				t.Fatal("the stream ended")
			}
			if strings.HasPrefix(text, "data: {\"dev") {
				if text != "data: "+line {
					t.Fatalf("%s, want %s", text, line)
				}
				break
			}
		}
	}
	for text := ""; text != "event: at"; { // and then it is told how far it is
		ok := false
		if text, ok = c.next(); !ok {
			t.Fatal("the stream ended")
		}
	}
}

// TestProgress: a reader whose filter takes nothing learns how far it is, and can go on from there.
func TestProgress(t *testing.T) {
	s := filled(t)
	srv := newServer(t, s, Options{Heartbeat: time.Millisecond, CatchupRows: 1})
	c := srv.open(t, "/v1/tail", "from", "first", "device", "nobody")
	defer c.close()
	now := positionOf(1, segment.EndOf(s.view.AsOf.Index)).String()
	for last := ""; last != now; {
		text, _ := c.next()
		at := parseLine(t, text).At
		if at < last {
			t.Fatalf("%s after %s", at, last)
		}
		last = at
	}
}

// TestOldHTTP: before HTTP/1.1 there are no chunks.
func TestOldHTTP(t *testing.T) {
	s := filled(t)
	srv := newServer(t, s, Options{})
	conn, r := srv.slow(t, "")
	conn.Close()
	_, _ = io.Copy(io.Discard, r)
	old, r := srv.raw(t, "GET /v1/tail?from=first&limit=2 HTTP/1.0\r\nAuthorization: acme\r\n\r\n")
	defer old.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(string(b), "\r\n\r\n")
	plain := strings.HasPrefix(head, "HTTP/1.0 200 OK") && !strings.Contains(head, "chunked")
	if !plain || strings.Count(body, "\n") != 4 || !strings.HasSuffix(body, "}}\n") {
		t.Errorf("%s\n\n%s", head, body)
	}
}
