package segment

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// fleet is a head of devices that send 8 fields each second: 6 short decimals that wander, a counter and a ratio of full precision.
func fleet(tb testing.TB, devices, rounds int) *fixture {
	tb.Helper()
	f := newFixture(tb)
	rnd := rand.New(rand.NewPCG(1, 2))
	const start = int64(1_760_000_000_000)
	walk := make([][6]int64, devices)
	for d := range walk {
		for i := range walk[d] {
			walk[d][i] = 2000 + rnd.Int64N(500)
		}
	}
	const perBatch = 1000
	var b frame.Builder
	r := new(frame.Reader)
	for round := range rounds {
		for from := 0; from < devices; from += perBatch {
			b.Reset(frame.Header{ReceiveMS: 0})
			to := min(devices, from+perBatch)
			receive := start + int64(round)*1000 + int64(from)*1000/int64(devices) + 40 + rnd.Int64N(20)
			for d := from; d < to; d++ {
				id, err := b.Stream(device(d))
				if err != nil {
					tb.Fatal(err)
				}
				fr := frame.Frame{Seq: uint64(d), TimeNS: (start + int64(round)*1000 + int64(d)*1000/int64(devices) + rnd.Int64N(5)) * 1e6, Class: frame.ClassEvent}
				for i := range walk[d] {
					walk[d][i] += rnd.Int64N(7) - 3
					v, _ := frame.DecimalFloat(walk[d][i], 2)
					fr.Fields = append(fr.Fields, frame.Field{Name: fmt.Sprintf("channel_%d", i), Value: v})
				}
				fr.Fields = append(fr.Fields, frame.Field{Name: "count", Value: frame.Int(int64(round * 3))}, frame.Field{Name: "ratio", Value: frame.Float(rnd.Float64())})
				if err := b.Add(frame.Group{Stream: id, Bits: 64}, &fr); err != nil {
					tb.Fatal(err)
				}
			}
			batch, err := b.Finish(nil)
			if err == nil {
				err = r.Reset(batch)
			}
			if err != nil {
				tb.Fatal(err)
			}
			var g frame.Group
			var it frame.Item
			ordinal := uint32(0)
			for r.NextGroup(&g) {
				for r.Next(&it) {
					d := int(it.Seq)
					f.head.Append(f.id(device(d)), 1, Row{Seq: uint64(d%1000 + round), TimeNS: it.TimeNS, ReceiveMS: receive, Index: f.index, Ordinal: ordinal, Class: it.Class, Body: it.Body})
					ordinal++
				}
			}
			f.index++
		}
	}
	return f
}

func BenchmarkFlush(b *testing.B) {
	for _, c := range []struct{ devices, rounds int }{{1000, 600}, {100_000, 6}, {1, 600_000}} {
		b.Run(fmt.Sprintf("streams=%d/frames=%d", c.devices, c.rounds), func(b *testing.B) {
			f := fleet(b, c.devices, c.rounds)
			b.ReportAllocs()
			var info Info
			start := cpuTime()
			for b.Loop() {
				w := NewWriter(io.Discard, testOptions)
				if err := f.head.writeTo(w, f.key); err != nil {
					b.Fatal(err)
				}
				var err error
				if info, err = w.Finish(); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(w.index.pages))/float64(info.Frames), "index-B/frame")
			}
			n := float64(info.Frames)
			b.ReportMetric(float64((cpuTime()-start).Nanoseconds())/float64(b.N)/n, "cpu-ns/frame")
			b.ReportMetric(float64(info.Bytes)/n, "B/frame")
		})
	}
}
