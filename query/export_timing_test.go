package query

import (
	"fmt"
	"io"
	"testing"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
	"github.com/valyala/fasthttp"
)

// BenchmarkExport streams 100,000 frames of 8 fields, of 100 devices, out of the head or out of segments, in each format.
func BenchmarkExport(b *testing.B) {
	const devices, each = 100, 1000
	for _, where := range []string{"head", "segments"} {
		s := newStore(ledger.Policy{})
		s.cache = segment.NewCache(64 << 20)
		for part := range 10 {
			for d := range devices {
				frames := make([]sent, each/10)
				for n := range frames {
					frames[n] = measured(fmt.Sprintf("d%02d", d), uint64(part*len(frames)+n))
				}
				s.put(b, frames...)
			}
			if where == "segments" {
				s.seal()
				s.flush(b)
			}
		}
		api := newAPI(b, s, Options{})
		for _, query := range []string{"format=ndjson", "format=csv", "format=arrow", "format=csv&fields=value-0"} {
			b.Run(where+"/"+query, func(b *testing.B) { benchmarkExport(b, api, query, devices*each) })
		}
	}
}

func benchmarkExport(b *testing.B, api *API, query string, rows int) {
	b.ReportAllocs()
	bytes := int64(0)
	for b.Loop() {
		var ctx fasthttp.RequestCtx
		ctx.Request.SetRequestURI("/?" + query)
		for _, e := range endpoints {
			if e.name != "frames" {
				continue
			}
			if err := api.handler(e)(&ctx, auth.Principal{Tenant: "t", Scopes: auth.Read}); err != nil {
				b.Fatal(err)
			}
		}
		n, err := io.Copy(io.Discard, ctx.Response.BodyStream())
		if err != nil {
			b.Fatal(err)
		}
		if err := ctx.Response.CloseBodyStream(); err != nil {
			b.Fatal(err)
		}
		bytes = n
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows), "ns/row")
	b.ReportMetric(float64(bytes)/float64(rows), "bytes/row")
}
