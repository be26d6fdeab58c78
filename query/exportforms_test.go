package query

import (
	"bufio"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/valyala/fasthttp"
)

// TestExportOfTooManyRanges asks for a range of times in more streams and segments than are measured.
func TestExportOfTooManyRanges(t *testing.T) {
	srv := newServer(t, exportStore(t), Options{MaxRanges: 8}) // three devices in three segments
	query := "format=csv&from=" + secondText(0)
	x := srv.export(t, query)
	if a := decode(t, string(x.body)); x.status != 400 || a.Error.Code != "limit_exceeded" ||
		!strings.Contains(a.Error.Message, "query.max_ranges of 8") {
		t.Errorf("%d %s", x.status, x.body)
	}
	for _, fewer := range []string{query + "&device=a&device=b", "format=csv"} {
		if x := srv.export(t, fewer); x.status != 200 || !x.whole {
			t.Errorf("%s: %d %s", fewer, x.status, x.body)
		}
	}
	checkReleased(t, srv)
}

// TestExportHeaders holds what an export says before its first row, and that HEAD says the same and reads nothing.
func TestExportHeaders(t *testing.T) {
	srv := newServer(t, exportStore(t), Options{})
	x := srv.export(t, "format=csv&device=a&device=b")
	if x.header.Get(exportEstimate) != "160" || x.trailer.Rows != 160 || x.trailer.Epochs != 2 || x.trailer.Silent != 0 {
		t.Errorf("%v, end %+v", x.header, x.trailer)
	}
	for name, want := range map[string]string{
		exportAsOf:         `[{"partition":0,"history":1,"index":12,"time":"2026-11-21T10:00:00Z"}]`,
		exportCompleteness: `{"ratio":1,"verdict":"COMPLETE_BETWEEN_SEEN","expected":160,"stored":160,"missing":0,"complete_through":null}`,
		"Content-Type":     "text/csv; charset=utf-8; header=present",
	} {
		if got := x.header.Get(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	var ctx fasthttp.RequestCtx
	ctx.Request.Header.SetMethod(http.MethodHead)
	ctx.Request.SetRequestURI("/v1/frames?format=csv")
	handleFrames(t, srv.api, &ctx)
	ctx.Response.SkipBody = true
	var out strings.Builder
	w := bufio.NewWriter(&out)
	if err := errors.Join(ctx.Response.Write(w), w.Flush()); err != nil || !strings.Contains(out.String(), exportEstimate+": 240") {
		t.Errorf("HEAD: %v %s", err, out.String())
	}
	checkReleased(t, srv)
	if _, rest, _ := strings.Cut(out.String(), "\r\n\r\n"); rest != "" {
		t.Errorf("HEAD has a body: %q", rest)
	}
}

func handleFrames(t *testing.T, a *API, ctx *fasthttp.RequestCtx) {
	t.Helper()
	for _, e := range endpoints {
		if e.name == "frames" {
			if err := a.handler(e)(ctx, auth.Principal{Tenant: "t", Scopes: auth.Read}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestExportForms asks for exports by parameter and by header, and for what there is not.
func TestExportForms(t *testing.T) {
	srv := newServer(t, exportStore(t), Options{})
	for _, tt := range []struct {
		query, accept string
		status        int
		kind, has     string
	}{
		{"", csvType, 200, "text/csv; charset=utf-8; header=present", "device,stream,epoch,seq"},
		{"device=a", ndjsonType, 200, ndjsonType, `{"end":{"rows":80,"epochs":1,"silent":0}`},
		{"device=a&limit=1", ndjsonType, 200, ndjsonType, `"next":"A`},
		{"prefix=b&format=ndjson", "", 200, ndjsonType, `{"end":{"rows":80,`},
		{"", arrowType, 200, arrowType, "receive_time"},
		{"device=a&format=json", csvType, 200, "application/json", `"frames":[`},
		{"device=a", "text/html,*/*", 200, "application/json", `"frames":[`},
		{"", "", 400, "", "device accepts the name of one device"},
		{"device=a&device=b", "", 400, "", "given twice"},
		{"match=site%3Dx", "", 400, "", "device accepts the name of one device"},
		{"format=xml", "", 400, "", "json, ndjson, csv, arrow"},
		{"format=csv&limit=3", "", 400, "", "no pages"},
		{"format=arrow&cursor=x", "", 400, "", "no pages"},
		{"device=a&progress=1", "", 400, "", "progress accepts"},
		{"format=csv&progress=1", "", 400, "", "progress accepts"},
		{"format=ndjson&device=a&limit=3&progress=1", "", 400, "", "progress accepts"},
		{"format=ndjson&progress=0", "", 400, "", "progress accepts"},
		{"format=csv&epoch=1", "", 400, "", "together with one device"},
		{"format=csv&device=a&device=nobody", "", 404, "", "unknown_device"},
		{"format=csv&match=site%3Dx", "", 404, "", "unknown_label"},
		{"format=csv&match=site", "", 400, "", "match accepts label=value"},
		{"format=csv&match=site%3Dx&device=a", "", 400, "", "not together with device"},
		{"format=csv&require=complete", "", 409, "", "COMPLETE was required"},
	} {
		status, kind, body := srv.do("t", "/v1/frames", tt.query, tt.accept)
		if status != tt.status || tt.kind != "" && kind != tt.kind || !strings.Contains(body, tt.has) {
			t.Errorf("%s as %s: %d %s, no %s in %.300s", tt.query, tt.accept, status, kind, tt.has, body)
		}
	}
	checkReleased(t, srv)
}

// TestExportOfOneTenant gives two tenants the same devices: an export has those of its own.
func TestExportOfOneTenant(t *testing.T) {
	s := newStore(ledger.Policy{})
	for _, tenant := range []string{"t", "u"} {
		s.put(t, sent{tenant: tenant, device: "both", stream: "0", Frame: frame.Frame{TimeNS: 1,
			Fields: []frame.Field{{Name: "of-" + tenant, Value: frame.Int(1)}}}},
			sent{tenant: tenant, device: "only-" + tenant, stream: "0", Frame: frame.Frame{TimeNS: 1}})
		s.register(t, tenant, `{"device":"both","labels":{"owner":"`+tenant+`"}}`, `{"device":"never-`+tenant+`","labels":{"owner":"`+tenant+`"}}`)
	}
	s.seal()
	s.flush(t)
	srv := newServer(t, s, Options{})
	for _, query := range []string{"format=ndjson", "format=csv", "format=arrow", "format=csv&match=owner%3Dt", "format=ndjson&prefix=only"} {
		x := srv.export(t, query)
		body := string(x.body)
		if !x.whole || strings.Contains(body, "of-u") || strings.Contains(body, "only-u") || x.trailer.Rows > 2 || x.trailer.Silent > 1 {
			t.Errorf("%s: %+v %s", query, x.trailer, x.body)
		}
		silent := x.trailer.Completeness.Verdict == "INDETERMINATE"
		if silent != (x.trailer.Silent == 1) || silent != !strings.Contains(query, "prefix") {
			t.Errorf("%s: %d silent, %s", query, x.trailer.Silent, x.trailer.Completeness.Verdict)
		}
	}
	if x := srv.export(t, "format=csv&match=owner%3Du"); x.status != 200 || x.trailer.Rows != 0 {
		t.Errorf("the label of another tenant: %d %s", x.status, x.body)
	}
}
