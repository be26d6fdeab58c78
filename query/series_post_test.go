package query

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
)

// post sends the parameters in a body.
func (s *server) post(kind, query, body string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://gapless/v1/query?"+query, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "t1")
	req.Header.Set("Content-Type", kind)
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var out strings.Builder
	if err := resp.Write(&out); err != nil {
		s.t.Fatal(err)
	}
	_, answer, _ := strings.Cut(out.String(), "\r\n\r\n")
	return resp.StatusCode, answer
}

// TestSeriesByPost asks the same in an address, a form and JSON, and wrongly in the last two.
func TestSeriesByPost(t *testing.T) {
	srv := newServer(t, labelledScenario(t), Options{MaxBodyBytes: 2000})
	const form, js = "application/x-www-form-urlencoded", "application/json; charset=utf-8"
	want, _ := 0, ""
	want, body := srv.get("t1", "/v1/query", "device", "mill-07", "device", "scale", "agg", "avg", "agg", "count", "from", "-1h", "to", "now+1s",
		"step", "30m", "fields", "rpm,weight")
	if want != 200 || !strings.Contains(body, `"rpm"`) || !strings.Contains(body, `"weight"`) {
		t.Fatalf("%d %s", want, body)
	}
	for _, tt := range []struct{ kind, query, body string }{
		{form, "", "device=mill-07&device=scale&agg=avg,count&from=-1h&to=now%2B1s&step=30m&fields=rpm&fields=weight"},
		{form, "device=mill-07&agg=avg", "device=scale&agg=count&from=-1h&to=now%2B1s&step=PT30M&fields=rpm%2Cweight"},
		{js, "", `{"device":["mill-07","scale"],"agg":["avg","count"],"from":"-1h","to":"now+1s","step":"30m","fields":["rpm","weight"]}`},
		{js, "from=-1h&to=now%2B1s", `{"device":["mill-07","scale"],"agg":"avg,count","step":"30m","fields":"rpm,weight","system":false}`},
	} {
		status, got := srv.post(tt.kind, tt.query, tt.body)
		if status != 200 || got != body {
			t.Errorf("%s: %d %s\nwant %s", tt.body, status, got, body)
		}
	}
	for _, tt := range []struct {
		kind, query, body string
		status            int
		code, message     string
	}{
		{"text/plain", "", "device=a", 415, "unknown_content_type", "text/plain"},
		{form, "", "device=%zz", 400, "bad_body", "not a form"},
		{form, "", "devices=a", 400, "unknown_parameter", "devices"},
		{form, "step=1m", "step=2m", 400, "bad_parameter", "step"},
		{js, "", "", 400, "bad_body", "not a JSON object"},
		{js, "", "[]", 400, "bad_body", "not a JSON object"},
		{js, "", `{"agg":"avg"} {}`, 400, "bad_body", "not a JSON object"},
		{js, "", `{"agg":"avg","agg":"max"}`, 400, "bad_body", "duplicate"},
		{js, "", "{\"agg\":\"\xff\"}", 400, "bad_body", "UTF-8"},
		{js, "", `{"devices":["a"]}`, 400, "unknown_parameter", "devices"},
		{js, "", `{"step":["1m"]}`, 400, "bad_parameter", "step"},
		{js, "", `{"device":[1]}`, 400, "bad_parameter", "device"},
		{js, "", `{"device":[["a"]]}`, 400, "bad_parameter", "device"},
		{js, "", `{"device":null}`, 400, "bad_parameter", "device"},
		{js, "", `{"from":{"a":1}}`, 400, "bad_parameter", "from"},
		{js, "", `{"limit":1.5}`, 400, "bad_parameter", "limit"},
		{js, "", `{"device":["` + strings.Repeat("x", 2000) + `"]}`, 413, "body_too_large", "query.max_body_bytes"},
	} {
		status, body := srv.post(tt.kind, tt.query, tt.body)
		if a := decode(t, body); status != tt.status || a.Error.Code != tt.code || !strings.Contains(a.Error.Message, tt.message) || a.Error.Hint == "" {
			t.Errorf("%.60s: %d %+v, want %d %s with %q", tt.body, status, a.Error, tt.status, tt.code, tt.message)
		}
	}
}

// FuzzSeriesBody gives any body to the endpoint: it answers, or refuses with a reason.
func FuzzSeriesBody(f *testing.F) {
	api, err := New(scenario(f), nil, Options{})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{
		`{"device":["mill-07"],"agg":["avg"]}`, `{"from":"-1h","step":"1m","agg":"max"}`, `{"limit":3}`, `{"tz":"Europe/Paris"}`,
	} {
		f.Add(s, true)
	}
	f.Add("device=mill-07&agg=avg", false)
	f.Fuzz(func(t *testing.T, body string, js bool) {
		p := params{}
		err := p.addForm([]byte(body))
		if js {
			p = params{}
			err = p.addJSON([]byte(body))
		}
		var refused *Error
		if err != nil {
			if !errors.As(err, &refused) || refused.Status != 400 || refused.Hint == "" {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		r := &request{ctx: context.Background(), args: p}
		r.who.Tenant = "t1"
		q, _, err := r.seriesQueryOf(nil)
		if err == nil {
			_, err = api.Query(context.Background(), *q)
		}
		if err != nil && !errors.As(err, &refused) {
			t.Fatalf("%q: %v", body, err)
		}
	})
}
