package query

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/valyala/fasthttp"
)

// FuzzQuestion asks any endpoint with any query string, as text or lines: the answer is JSON, or an error with a code; never a fault of
// ours, never a panic.
func FuzzQuestion(f *testing.F) {
	for i, query := range []string{
		"", "prefix=m&limit=1", "device=mill-07&from_seq=1&to_seq=18446744073709551615&limit=2", "device=mill-07&device=scale&system=true",
		"device=mill-07&from=2026-11-21T10:00:01Z&to=2026-11-21T10:00:02.5Z", "state=FINAL&cause=never_arrived&min=2&from=2026-11-21T10:00:01Z",
		"cursor=AZuMKk8AAQmgwOTYv2gAATABAgECDQcDAQKA0I7GhsaD6jHwRcnd&device=mill-07", "stream=0&epoch=1&limit=1", "require=complete",
		"consistency=stale&after=00000000000020000000000004000000", "%zz=%",
		"format=csv&raw=true", "format=arrow&match=site%3Dberlin", "format=ndjson&progress=1&prefix=m", "group=site&match=type%3Dmill&cadence=registered",
		"overdue=true&group=type", "cadence=1ms&from=2026-11-21T10:00:01Z", "match=site", "cadence=registered&to=2026-11-21T10:00:05Z",
		"from=1677-09-21T00:12:43Z&device=mill-07", "device=mill-07&fields=rpm,,x&raw=false", "limit=9999999999999999999999",
	} {
		f.Add(uint8(i), query, i%2 == 0)
	}
	s := labelledScenario(f)
	s.seal()
	s.flush(f)
	s.put(f, sent{tenant: "t1", device: "mill-07", stream: "0", epoch: "17", seq: 11, Frame: frame.Frame{TimeNS: startMS * ms}})
	s.seal()
	s.put(f, sent{tenant: "t1", device: "mill-07", stream: "0", epoch: "17", seq: 12, Frame: frame.Frame{TimeNS: startMS * ms}})
	api, err := New(s, s, Options{Deadline: time.Millisecond}) // a position that never comes is waited for
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, which uint8, query string, lines bool) {
		var ctx fasthttp.RequestCtx
		ctx.Request.SetRequestURI("/")
		ctx.Request.URI().SetQueryString(query)
		ctx.SetUserValue("device", "mill-07")
		ctx.SetUserValue("epoch", "current")
		ctx.SetUserValue("seq", "11")
		if lines {
			ctx.Request.Header.Set("Accept", ndjsonType)
		}
		err := api.handler(endpoints[int(which)%len(endpoints)])(&ctx, auth.Principal{Tenant: "t1", Scopes: auth.All})
		body := ctx.Response.Body()
		if err != nil {
			if code := codeOf(err); code == "internal" || len(body) > 0 {
				t.Fatalf("%s: %v, body %q", code, err, body)
			}
			return
		}
		switch kind, _, _ := strings.Cut(string(ctx.Response.Header.ContentType()), ";"); kind {
		case "application/json":
			if !json.Valid(body) {
				t.Fatalf("%s", body)
			}
			return
		case csvType:
			if _, err := csv.NewReader(bytes.NewReader(body)).ReadAll(); err != nil {
				t.Fatalf("%v in %s", err, body)
			}
			return
		case arrowType:
			arrowRead(t, body)
			return
		}
		for line := range bytes.Lines(body) {
			if !json.Valid(line) {
				t.Fatalf("%s", line)
			}
		}
	})
}
