package query

import (
	"fmt"
	"testing"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
	"github.com/valyala/fasthttp"
)

// measured is a frame as a machine sends it: eight values.
func measured(device string, seq uint64) sent {
	fields := make([]frame.Field, 8)
	for i := range fields {
		v, _ := frame.DecimalFloat(int64(seq%1000)*100+int64(i), 2)
		fields[i] = frame.Field{Name: fmt.Sprintf("value-%d", i), Value: v}
	}
	return sent{tenant: "t", device: device, stream: "0", seq: seq, Frame: frame.Frame{TimeNS: startMS*ms + int64(seq)*second, Fields: fields}}
}

// benchmark asks one endpoint over and over, without the sockets.
func benchmark(b *testing.B, s *store, endpoint, query string) {
	benchmarkOn(b, newAPI(b, s, Options{}), endpoint, query)
}

func benchmarkOn(b *testing.B, api *API, endpoint, query string) {
	for _, e := range endpoints {
		if e.name != endpoint {
			continue
		}
		handle := api.handler(e)
		var ctx fasthttp.RequestCtx
		ctx.Request.SetRequestURI("/?" + query)
		b.ReportAllocs()
		bytes, start := 0, cpuTime()
		for b.Loop() {
			ctx.Response.Reset()
			if err := handle(&ctx, auth.Principal{Tenant: "t", Scopes: auth.All}); err != nil {
				b.Fatal(err)
			}
			bytes = len(ctx.Response.Body())
		}
		b.ReportMetric(float64(bytes), "bytes/answer")
		b.ReportMetric((cpuTime()-start).Seconds()*1000/float64(b.N), "cpu-ms/op")
	}
}

// BenchmarkFramesPage is a page of 1,000 frames out of 100,000.
func BenchmarkFramesPage(b *testing.B) {
	s := newStore(ledger.Policy{})
	for seq := uint64(0); seq < 100_000; seq += 1000 {
		frames := make([]sent, 1000)
		for i := range frames {
			frames[i] = measured("d", seq+uint64(i))
		}
		s.put(b, frames...)
	}
	b.Run("by_seq", func(b *testing.B) { benchmark(b, s, "frames", "device=d&from_seq=50000") })
	b.Run("by_time", func(b *testing.B) { benchmark(b, s, "frames", "device=d&from=2026-11-22T00:00:00Z") })
}

// BenchmarkFramesOfSegments is a page of 1,000 frames out of 100,000 in ten segments, with and without what a cache holds.
func BenchmarkFramesOfSegments(b *testing.B) {
	for _, cached := range []bool{false, true} {
		s := newStore(ledger.Policy{})
		for seq := uint64(0); seq < 100_000; seq += 1000 {
			frames := make([]sent, 1000)
			for i := range frames {
				frames[i] = measured("d", seq+uint64(i))
			}
			if s.put(b, frames...); seq%10_000 == 9000 {
				s.seal()
				s.flush(b)
			}
		}
		if cached {
			s.cache = segment.NewCache(64 << 20)
		}
		b.Run(fmt.Sprintf("by_seq/cache=%v", cached), func(b *testing.B) { benchmark(b, s, "frames", "device=d&from_seq=50000") })
		b.Run(fmt.Sprintf("by_time/cache=%v", cached), func(b *testing.B) { benchmark(b, s, "frames", "device=d&from=2026-11-22T00:00:00Z") })
		b.Run(fmt.Sprintf("one_field/cache=%v", cached), func(b *testing.B) {
			benchmark(b, s, "frames", "device=d&from_seq=50000&fields=value-3&raw=false")
		})
	}
}

// BenchmarkFleetOfSegments is answers about 10,000 devices whose frames are all in a segment.
func BenchmarkFleetOfSegments(b *testing.B) {
	s := fleet(b, 10_000)
	s.cache = segment.NewCache(64 << 20)
	s.seal()
	s.flush(b)
	for _, q := range []struct{ endpoint, query string }{
		{"latest", "limit=1000"}, {"latest", "device=device-05000"}, {"gaps", ""}, {"gaps", "from=2026-11-21T10:00:00Z"}, {"ledger", ""},
	} {
		b.Run(q.endpoint+"?"+q.query, func(b *testing.B) { benchmark(b, s, q.endpoint, q.query) })
	}
}

// BenchmarkLatest is the latest frames of 1,000 devices, by name order and of one.
func BenchmarkLatest(b *testing.B) {
	s := fleet(b, 10_000)
	b.Run("1000", func(b *testing.B) { benchmark(b, s, "latest", "limit=1000") })
	b.Run("one", func(b *testing.B) { benchmark(b, s, "latest", "device=device-05000") })
}

// BenchmarkGaps is exact totals over 10,000 streams, every tenth of which lost something, and a page of 1,000 gaps.
func BenchmarkGaps(b *testing.B) {
	s := fleet(b, 10_000)
	b.Run("all", func(b *testing.B) { benchmark(b, s, "gaps", "") })
	b.Run("by_size", func(b *testing.B) { benchmark(b, s, "gaps", "min=2") })
	b.Run("by_time", func(b *testing.B) { benchmark(b, s, "gaps", "from=2026-11-21T10:00:00Z") })
}

func BenchmarkDevices(b *testing.B) { benchmark(b, fleet(b, 10_000), "devices", "limit=1000") }

func BenchmarkLedger(b *testing.B) { benchmark(b, fleet(b, 10_000), "ledger", "") }

func fleet(b *testing.B, devices int) *store {
	s := newStore(ledger.Policy{})
	for start := 0; start < devices; start += 1000 {
		var frames []sent
		for i := range min(1000, devices-start) {
			device := fmt.Sprintf("device-%05d", start+i)
			for seq := range uint64(4) {
				if i%10 > 0 || seq != 2 {
					frames = append(frames, measured(device, seq))
				}
			}
		}
		s.put(b, frames...)
	}
	return s
}
