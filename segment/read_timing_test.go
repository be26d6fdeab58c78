package segment

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// plant writes frames of 8 fields, one a second, of so many devices: a file of a merge rather than of a flush.
func plant(tb testing.TB, devices, frames int) []byte {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(5, 6))
	var file bytes.Buffer
	w := NewWriter(&file, testOptions)
	names := make([]string, 8)
	for i := range names {
		names[i] = fmt.Sprintf("channel_%d", i)
	}
	fields := make([]frame.Field, 8)
	for d := range devices {
		if err := w.Begin(device(d), 1); err != nil {
			tb.Fatal(err)
		}
		var walk [8]int64
		for i := range frames {
			for k := range walk {
				walk[k] += rnd.Int64N(7) - 3
				v, _ := frame.DecimalFloat(walk[k], 2)
				fields[k] = frame.Field{Name: names[k], Value: v}
			}
			ms := int64(i)*1000 + rnd.Int64N(5)
			row := Row{Seq: uint64(i), TimeNS: ms * 1e6, ReceiveMS: ms + 20 + rnd.Int64N(30), Index: uint64(i), Ordinal: uint32(rnd.IntN(1000)), Class: frame.ClassEvent}
			if err := w.Add(&Record{Row: row, Fields: fields}); err != nil {
				tb.Fatal(err)
			}
		}
	}
	if _, err := w.Finish(); err != nil {
		tb.Fatal(err)
	}
	return file.Bytes()
}

func BenchmarkReaderScan(b *testing.B) {
	file := plant(b, 10, 50_000)
	for _, c := range []struct {
		name  string
		cols  Columns
		cache int64
	}{
		{"all", Columns{All: true}, 0}, {"one", Columns{Fields: []string{"channel_3"}}, 0}, {"numbers", Columns{}, 0},
		{"all,cached", Columns{All: true}, 1 << 30}, {"one,cached", Columns{Fields: []string{"channel_3"}}, 1 << 30},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := openBytes(b, file, ReaderOptions{Cache: NewCache(c.cache)})
			rows := 0
			start := cpuTime()
			b.ReportAllocs()
			for b.Loop() {
				for d := range 10 {
					e, _, err := r.Epoch(device(d), 1)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := r.Scan(&e, All(), c.cols, func(*Record) bool { rows++; return true }); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64((cpuTime()-start).Nanoseconds())/float64(rows), "cpu-ns/frame")
			b.ReportMetric(float64(len(file))/500_000, "B/frame")
		})
	}
}

func BenchmarkReaderGet(b *testing.B) {
	file := plant(b, 10, 50_000)
	for _, c := range []struct {
		name  string
		cache int64
	}{{"cold", 0}, {"cached", 1 << 30}} {
		b.Run(c.name, func(b *testing.B) {
			r := openBytes(b, file, ReaderOptions{Cache: NewCache(c.cache)})
			rnd := rand.New(rand.NewPCG(1, 1))
			var rec Record
			start, n := cpuTime(), 0
			b.ReportAllocs()
			for b.Loop() {
				e, _, err := r.Epoch(device(rnd.IntN(10)), 1)
				if err != nil {
					b.Fatal(err)
				}
				if ok, err := r.Get(&e, rnd.Uint64N(50_000), Columns{All: true}, &rec); err != nil || !ok {
					b.Fatal(ok, err)
				}
				n++
			}
			b.ReportMetric(float64((cpuTime()-start).Nanoseconds())/float64(n), "cpu-ns/get")
		})
	}
}

// BenchmarkOneHour reads one field of one device for one hour out of ten million frames, with nothing in the cache.
func BenchmarkOneHour(b *testing.B) {
	file := plant(b, 1000, 10_000)
	b.Run("cold", func(b *testing.B) {
		var metrics ReaderMetrics
		span := All()
		span.FirstNS, span.LastNS = 3000e9, 6600e9-1
		rows, blocks := 0, 0
		start := cpuTime()
		for b.Loop() {
			r := openBytes(b, file, ReaderOptions{Metrics: &metrics})
			e, _, err := r.Epoch(device(777), 1)
			if err != nil {
				b.Fatal(err)
			}
			done, err := r.Scan(&e, span, Columns{Fields: []string{"channel_3"}}, func(*Record) bool { rows++; return true })
			if err != nil {
				b.Fatal(err)
			}
			blocks += done.Blocks
		}
		n := float64(b.N)
		b.ReportMetric(float64(rows)/n, "frames")
		b.ReportMetric(float64(blocks)/n, "blocks")
		b.ReportMetric(float64(metrics.Reads.Load())/n, "reads")
		b.ReportMetric(float64(metrics.Bytes.Load())/n, "bytes-read")
		b.ReportMetric(float64((cpuTime()-start).Microseconds())/n, "cpu-us")
		b.ReportMetric(float64(len(file))/1e7, "B/frame")
	})
}
