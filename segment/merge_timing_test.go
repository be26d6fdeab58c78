package segment

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/vfs"
)

// fleetFiles are segments of a fleet, one behind the other, as flushes leave them: each device sends 8 values a second, which wander and have
// two or three decimals; a batch has a frame of each of 1,000 devices.
func fleetFiles(tb testing.TB, segments, devices, rounds int) (files [][]byte) {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(5, 6))
	names := make([]string, 8)
	for i := range names {
		names[i] = fmt.Sprintf("channel_%d", i)
	}
	walks := make([][8]int64, devices)
	fields := make([]frame.Field, len(names))
	const start = int64(1_760_000_000_000)
	for s := range segments {
		var file bytes.Buffer
		w := NewWriter(&file, mergeInput(s))
		for d := range walks {
			if err := w.Begin(device(d), 1); err != nil {
				tb.Fatal(err)
			}
			for i := range rounds {
				round := s*rounds + i
				for k := range fields {
					walks[d][k] += rnd.Int64N(21) - 10
					v, _ := frame.DecimalFloat(20_000+walks[d][k], uint8(2+k%2))
					fields[k] = frame.Field{Name: names[k], Value: v}
				}
				ms := start + int64(round)*1000
				row := Row{
					Seq: uint64(round), TimeNS: (ms + rnd.Int64N(5)) * 1e6, ReceiveMS: ms + 20 + int64(round%30), Class: frame.ClassEvent,
					Index: uint64(round), Ordinal: uint32(d % 1000),
				}
				if err := w.Add(&Record{Row: row, Fields: fields}); err != nil {
					tb.Fatal(err)
				}
			}
		}
		if _, err := w.Finish(); err != nil {
			tb.Fatal(err)
		}
		files = append(files, file.Bytes())
	}
	return files
}

var mergeShapes = []struct {
	name                      string
	segments, devices, rounds int
}{
	{"flushes", 4, 1000, 250}, // blocks of 16 devices, which are decoded and encoded
	{"short", 4, 250, 1000},   // a block for each device, likewise
	{"hours", 4, 60, 3600},    // blocks that are copied
	{"full", 4, 60, 4096},
}

func BenchmarkMerge(b *testing.B) {
	for _, shape := range mergeShapes {
		b.Run(fmt.Sprintf("%s/%dx%dx%d", shape.name, shape.segments, shape.devices, shape.rounds), func(b *testing.B) {
			files := fleetFiles(b, shape.segments, shape.devices, shape.rounds)
			frames, before := float64(shape.segments*shape.devices*shape.rounds), 0
			for _, f := range files {
				before += len(f)
			}
			var made []Output
			b.ReportAllocs()
			start := cpuTime()
			for b.Loop() {
				var err error
				if made, err = Merge(vfs.NewMem(), ".", mergeAbout, readersOf(b, files)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime()-start).Nanoseconds())/float64(b.N)/frames, "cpu-ns/frame")
			b.ReportMetric(float64(before)/frames, "B/frame-before")
			b.ReportMetric(float64(made[0].Info.Bytes)/frames, "B/frame-after")
			b.ReportMetric(float64(made[0].Info.Bytes)/float64(before), "written/read")
			b.ReportMetric(float64(made[0].Copied)/frames, "copied/frame")
		})
	}
}

func BenchmarkCompare(b *testing.B) {
	for _, shape := range mergeShapes {
		b.Run(fmt.Sprintf("%s/%dx%dx%d", shape.name, shape.segments, shape.devices, shape.rounds), func(b *testing.B) {
			files := fleetFiles(b, shape.segments, shape.devices, shape.rounds)
			_, made := mergeFiles(b, mergeAbout, files...)
			b.ReportAllocs()
			start := cpuTime()
			for b.Loop() {
				if err := Compare(readersOf(b, made), readersOf(b, files), 0, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime()-start).Nanoseconds())/float64(b.N)/float64(shape.segments*shape.devices*shape.rounds), "cpu-ns/frame")
		})
	}
}
