package tail

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
)

// TestConsumerStory is one over HTTP: it reads, commits, reads on, is reset and deleted.
func TestConsumerStory(t *testing.T) {
	s := filled(t)
	srv := newServer(t, s, Options{})
	ask := func(method, path, body string, status int, says string) {
		t.Helper()
		got, answer := srv.ask(t, method, path, body)
		if got != status || !strings.Contains(answer, says) {
			t.Errorf("%s %s %s: %d %s, want %d and %s", method, path, body, got, answer, status, says)
		}
	}
	all := s.want(segment.Commit{}, &everything, query.Shown{})
	ask("GET", "/v1/consumers", "", 200, `{"consumers":[],"as_of":[{"partition":0,"history":1,"index":`)
	ask("GET", "/v1/consumers/erp", "", 404, "unknown_consumer")
	got, end := srv.all(t, "consumer", "erp", "from", "first", "limit", "5")
	same(t, "before the first commit", got, all[:5])
	ask("PUT", "/v1/consumers/erp", `{"position":"`+end.Position+`"}`, 200, `"changed":true`)
	ask("PUT", "/v1/consumers/erp", `{"position":"`+end.Position+`"}`, 200, `"changed":false`)
	ask("GET", "/v1/consumers/erp", "", 200, `{"name":"erp","position":"`+end.Position+`","committed":"2026-11-21T10:00:00.`)
	ask("GET", "/v1/consumers?consistency=stale", "", 200, `"behind_entries":`)
	got, end = srv.all(t, "consumer", "erp", "from", "first", "until", "now")
	same(t, "behind the commit", got, all[5:])
	ask("PUT", "/v1/consumers/erp", `{"position":"`+end.Position+`"}`, 200, `"changed":true`)
	ask("PUT", "/v1/consumers/erp", `{"position":"`+s.positions()[3].String()+`"}`, 409, "position_back")
	ask("PUT", "/v1/consumers/erp", `{"position":"`+at(2, 1, 0)+`"}`, 409, "other_history")
	ask("PUT", "/v1/consumers/erp", `{"position":"x"}`, 400, "bad_parameter")
	ask("PUT", "/v1/consumers/erp", `{"position":"x","y":1}`, 400, "bad_json")
	ask("PUT", "/v1/consumers/erp", strings.Repeat(" ", maxBodyBytes+1), 413, "body_too_large")
	ask("PUT", "/v1/consumers/"+strings.Repeat("x", 300), `{"position":"`+end.Position+`"}`, 400, "bad_name")
	ask("POST", "/v1/consumers/erp/reset", `{"position":"`+s.positions()[3].String()+`"}`, 200, `"changed":true`)
	ask("POST", "/v1/consumers/erp/reset", `{"position":"first"}`, 200, at(1, 0, 0))
	got, _ = srv.all(t, "consumer", "erp", "until", "now")
	same(t, "after the reset", got, all)
	got, _ = srv.all(t, "consumer", "erp", "LAST-EVENT-ID", s.positions()[3].String(), "until", "now")
	same(t, "behind what a browser says that it had last", got, s.want(commitOf(s.positions()[3]), &everything, query.Shown{}))
	ask("POST", "/v1/consumers/erp/reset", `{"position":"now"}`, 200, `"changed":true`)
	if got, _ := srv.all(t, "consumer", "erp", "until", "now"); len(got) > 0 {
		t.Errorf("%d frames behind now", len(got))
	}
	ask("POST", "/v1/consumers/erp/reset", `{"position":"tomorrow"}`, 400, "bad_parameter")
	if status, body := srv.ask(t, http.MethodGet, "/v1/consumers/erp", "", "AUTHORIZATION", "other"); status != 404 {
		t.Errorf("another tenant sees it: %s", body)
	}
	ask("DELETE", "/v1/consumers/erp", "", 200, `"name":"erp"`)
	ask("DELETE", "/v1/consumers/erp", "", 404, "unknown_consumer")
}

// TestConsumerOfAnotherHistory cannot go on, and says how it can.
func TestConsumerOfAnotherHistory(t *testing.T) {
	s := filled(t)
	srv := newServer(t, s, Options{})
	if status, body := srv.ask(t, http.MethodPut, "/v1/consumers/erp", `{"position":"`+s.positions()[0].String()+`"}`); status != 200 {
		t.Fatal(body)
	}
	s.change(func(uint64) { s.view.AsOf.History = 2 })
	status, body := srv.ask(t, http.MethodGet, "/v1/tail", "", "consumer", "erp")
	if status != 409 || !strings.Contains(body, "other_history") {
		t.Errorf("%d %s", status, body)
	}
	if _, body := srv.ask(t, http.MethodGet, "/v1/consumers/erp", ""); strings.Contains(body, "behind_entries") {
		t.Errorf("%s", body)
	}
	if status, body := srv.ask(t, http.MethodPost, "/v1/consumers/erp/reset", `{"position":"now"}`); status != 200 {
		t.Errorf("%d %s", status, body)
	}
}
