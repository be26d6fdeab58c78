package query

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/valyala/fasthttp"
)

// TestDeadline runs a question into its deadline while it waits for a state, and while it looks at one.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(ledger.Policy{})
		s.put(t, sent{tenant: "t", device: "d", stream: "0", Frame: frame.Frame{TimeNS: 1}}, sent{tenant: "t", device: "d", stream: "0", seq: 1})
		api, err := New(s, s, Options{Deadline: 3 * time.Second, LockRows: 1})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(query string) error {
			var ctx fasthttp.RequestCtx
			ctx.Request.SetRequestURI("/v1/frames?" + query)
			return api.handler(endpoints[3])(&ctx, auth.Principal{Tenant: "t"})
		}
		start := time.Now()
		later := frame.Position{History: 1, Index: 9}
		checkError(t, "waiting", ask("device=d&after="+later.String()), "deadline", "query.deadline of 3s", "smaller limit")
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("waited for %s", took)
		}
		s.between = sync.OnceFunc(func() { time.Sleep(4 * time.Second) }) // by the clock of the bubble: the first look takes so long
		checkError(t, "looking", ask("device=d"), "deadline", "query.deadline of 3s", "smaller limit")
	})
}

// TestLimits reaches every limit and checks its behaviour and its metric.
func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		name        string
		opt         Options
		path, query string
		status      int
		code, limit string
	}{
		{"rows", Options{PageRows: 1, MaxPageRows: 2}, "/v1/devices", "limit=3", 400, "bad_parameter", "query.max_page_rows"},
		{"reports", Options{PageRows: 1, MaxPageRows: 1}, "/v1/devices/both/gaps", "", 400, "limit_exceeded", "query.max_page_rows"},
		{"bytes of frames", Options{MaxAnswerBytes: 1}, "/v1/frames", "device=both", 200, "", "query.max_answer_bytes"},
		{"bytes of latest", Options{MaxAnswerBytes: 1}, "/v1/latest", "", 200, "", "query.max_answer_bytes"},
		{"bytes of devices", Options{MaxAnswerBytes: 1}, "/v1/devices", "", 400, "limit_exceeded", "query.max_answer_bytes"},
		{"bytes of coverage", Options{MaxAnswerBytes: 1}, "/v1/devices/both/coverage", "", 400, "limit_exceeded", "query.max_answer_bytes"},
		{"streams of devices", Options{MaxStreams: 1}, "/v1/devices", "", 400, "limit_exceeded", "query.max_streams"},
		{"streams of frames", Options{MaxStreams: 1}, "/v1/frames", "device=both", 400, "limit_exceeded", "query.max_streams"},
		{"streams of gaps", Options{MaxStreams: 1}, "/v1/gaps", "", 400, "limit_exceeded", "query.max_streams"},
		{"one of many streams", Options{MaxStreams: 1}, "/v1/gaps", "device=d", 200, "", ""},
		{"streams of coverage", Options{MaxStreams: 1}, "/v1/devices/both/coverage", "", 400, "limit_exceeded", "query.max_streams"},
		{"streams of the digest", Options{MaxStreams: 1}, "/v1/ledger", "", 400, "limit_exceeded", "query.max_streams"},
		{"gaps by size", Options{MaxGaps: 1}, "/v1/gaps", "min=2", 400, "limit_exceeded", "query.max_gaps"},
		{"gaps by time", Options{MaxGaps: 1}, "/v1/gaps", "from=2000-01-01T00:00:00Z", 400, "limit_exceeded", "query.max_gaps"},
		{"gaps by nothing", Options{MaxGaps: 1}, "/v1/gaps", "", 200, "", ""},
	} {
		s := newStore(ledger.Policy{})
		for _, device := range []string{"both 0", "both 1", "d 0"} {
			device, stream, _ := strings.Cut(device, " ")
			for n := range uint64(3) {
				s.put(t, sent{tenant: "t", device: device, stream: stream, seq: 3 * n, Frame: frame.Frame{TimeNS: 1}})
			}
		}
		reg := prometheus.NewRegistry()
		tt.opt.Metrics = reg
		srv := newServer(t, s, tt.opt)
		status, _, body := srv.do("t", tt.path, tt.query, "")
		if a := decode(t, body); status != tt.status || a.Error.Code != tt.code {
			t.Errorf("%s: %d %s", tt.name, status, body)
		} else if tt.code == "limit_exceeded" && !strings.Contains(a.Error.Message, tt.limit) {
			t.Errorf("%s: the error does not name %s: %+v", tt.name, tt.limit, a.Error)
		}
		want := 0.0
		if tt.limit != "" {
			want = 1
		}
		if got := testutil.ToFloat64(srv.api.metrics.limited.WithLabelValues(tt.limit)); got != want {
			t.Errorf("%s: gapless_query_limited_total{limit=%q} is %v, want %v", tt.name, tt.limit, got, want)
		}
	}
}

// TestMetrics checks what one good and one bad question leave behind.
func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	srv := newServer(t, scenario(t), Options{Metrics: reg})
	_, body := srv.get("t1", "/v1/frames", "device", "mill-07")
	srv.get("t1", "/v1/frames", "device", "nobody")
	m := srv.api.metrics
	for name, tt := range map[string]struct{ got, want float64 }{
		"ok":      {testutil.ToFloat64(m.requests.WithLabelValues("frames", "ok")), 1},
		"unknown": {testutil.ToFloat64(m.requests.WithLabelValues("frames", "unknown_device")), 1},
		"rows":    {testutil.ToFloat64(m.rows.WithLabelValues("frames")), 7},
		"bytes":   {testutil.ToFloat64(m.bytes.WithLabelValues("frames")), float64(len(body))},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %v, want %v", name, tt.got, tt.want)
		}
	}
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	if _, err := New(srv.store, srv.store, Options{Metrics: reg}); err == nil {
		t.Error("registered twice")
	}
}

// TestOptions refuses settings that cannot work, naming them.
func TestOptions(t *testing.T) {
	_, err := New(nil, nil, Options{PageRows: -1, MaxPageRows: -2, Deadline: -time.Second, MaxGaps: -1})
	for _, name := range []string{"query.page_rows", "query.max_page_rows", "query.deadline", "query.max_gaps"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
	if _, err := New(nil, nil, Options{PageRows: 20_000}); err == nil {
		t.Error("a page larger than the largest page was taken")
	}
}
