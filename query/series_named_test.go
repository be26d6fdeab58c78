package query

import (
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/ledger"
)

// TestNamedDevicesAreNotLeftOut names devices of which one has other streams than the question: an answer without it would look whole.
func TestNamedDevicesAreNotLeftOut(t *testing.T) {
	s := newStore(ledger.Policy{})
	other := measured("b", 1)
	other.stream = "mill"
	s.put(t, measured("a", 1), other)
	s.register(t, "t", `{"device":"silent"}`)
	srv := newServer(t, s, Options{})
	for query, want := range map[string]int{
		"device=a&device=b":                               404,
		"device=b":                                        404,
		"device=a&device=b&stream=*":                      200,
		"device=a&device=b&stream=0&stream=mill":          200,
		"device=a&device=b&stream=none&stream=mill":       404,
		"device=a&stream=none&stream=mill":                404,
		"device=a&device=silent":                          200, // it is told as silent
		"device=a&device=silent&stream=none&stream=other": 404,
		"stream=none&stream=other":                        200, // nobody named a device
	} {
		for _, agg := range []string{"", "&agg=count"} {
			status, _, body := srv.do("t", "/v1/query", query+agg, "")
			if status != want || want == 404 && !strings.Contains(body, "unknown_stream") {
				t.Errorf("%s%s: %d %s, want %d", query, agg, status, body, want)
			}
		}
	}
}

// TestPagesOfMatchedDevicesDoNotChangeTheirSelection registers devices anew between two pages: a page that goes on with others would leave rows out of
// an answer that says it is complete.
func TestPagesOfMatchedDevicesDoNotChangeTheirSelection(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change string // of the registry between two pages
		status int
	}{
		{"nothing", "", 200},
		{"another label", `{"device":"b","labels":{"site":"graz","line":"1"}}`, 200},
		{"a device of another site", `{"device":"d","labels":{"site":"linz"}}`, 200},
		{"a device left", `{"device":"c","labels":{"site":"linz"}}`, 409},
		{"a device came", `{"device":"d","labels":{"site":"graz"}}`, 409},
	} {
		s := newStore(ledger.Policy{})
		for n := range uint64(3) {
			s.put(t, measured("a", n), measured("b", n), measured("c", n), measured("d", n))
		}
		s.register(t, "t", `{"device":"a","labels":{"site":"graz"}}`, `{"device":"b","labels":{"site":"graz"}}`, `{"device":"c","labels":{"site":"graz"}}`)
		srv := newServer(t, s, Options{})
		pairs := []string{"match", "site=graz", "limit", "4"}
		got, next := pointsOf(t, srv, pairs)
		if tt.change != "" {
			s.register(t, "t", tt.change)
		}
		status, body := srv.get("t", "/v1/query", append(pairs, "cursor", next)...)
		if status != tt.status || status == 409 && !strings.Contains(body, "cursor_expired") {
			t.Errorf("%s: %d %s", tt.name, status, body)
		}
		for status == 200 && next != "" {
			var page []answerFrame
			page, next = pointsOf(t, srv, append(pairs, "cursor", next))
			got = append(got, page...)
		}
		if status == 200 && len(got) != 9 {
			t.Errorf("%s: %d points", tt.name, len(got))
		}
	}
}
