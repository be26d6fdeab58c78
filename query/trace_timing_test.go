package query

import (
	"testing"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/valyala/fasthttp"
)

// BenchmarkTrace traces a number of which nobody has anything, among as many dead letters as one trace looks at: in segments, and in the head.
func BenchmarkTrace(b *testing.B) {
	for _, where := range []string{"segments", "head"} {
		b.Run(where, func(b *testing.B) {
			s := newStore(ledger.Policy{})
			s.put(b, plain("d", 0, 1), plain("d", 2, 1))
			for n := range uint64(100) {
				s.commitMS += 1000
				letters := make([]sent, 1000)
				for i := range letters {
					letters[i] = sent{tenant: "t1", device: deviceDeadLetter, stream: "0", group: frame.Group{Unseq: true}, Frame: frame.Frame{
						TimeNS: s.commitMS * ms, Raw: []byte(`{"device":"noise","seq":1,"colour":"red"}`), Fields: []frame.Field{
							{Name: "device", Value: frame.String("noise")}, {Name: "epoch", Value: frame.Int(1)},
							{Name: "seq", Value: frame.Int(int64(n)*1000 + int64(i))}, {Name: "stream", Value: frame.String("0")},
						}}}
				}
				s.put(b, letters...)
				if where == "segments" && n%25 == 24 {
					s.seal()
					s.flush(b)
				}
			}
			api := newAPI(b, s, Options{})
			b.ReportAllocs()
			for b.Loop() {
				var ctx fasthttp.RequestCtx
				ctx.Request.SetRequestURI("/")
				for name, value := range map[string]string{"device": "d", "epoch": "1", "seq": "1"} {
					ctx.SetUserValue(name, value)
				}
				for _, e := range endpoints {
					if e.name == "trace" {
						if err := api.handler(e)(&ctx, auth.Principal{Tenant: "t1", Scopes: auth.Read}); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
		})
	}
}
