package content

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// fleetFile is a segment of a fleet: each device sends 8 values a second, which wander and have two or three decimals.
func fleetFile(tb testing.TB, devices, rounds int) []byte {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(5, 6))
	fields := make([]frame.Field, 8)
	walks := make([]int64, len(fields))
	const start = int64(1_760_000_000_000)
	var file bytes.Buffer
	w := segment.NewWriter(&file, segment.Options{Cluster: "c", FirstIndex: 1, LastIndex: uint64(rounds)})
	for d := range devices {
		if err := w.Begin(frame.StreamKey{Tenant: "acme", Device: fmt.Sprintf("mill-%06d", d), Stream: "0"}, 1); err != nil {
			tb.Fatal(err)
		}
		for round := range rounds {
			for k := range fields {
				walks[k] += rnd.Int64N(21) - 10
				v, _ := frame.DecimalFloat(20_000+walks[k], uint8(2+k%2))
				fields[k] = frame.Field{Name: fmt.Sprintf("channel_%d", k), Value: v}
			}
			ms := start + int64(round)*1000
			row := segment.Row{
				Seq: uint64(round), TimeNS: (ms + rnd.Int64N(5)) * 1e6, ReceiveMS: ms + 20 + int64(round%30), Class: frame.ClassEvent,
				Index: uint64(round), Ordinal: uint32(d % 1000), Seal: 7,
			}
			if err := w.Add(&segment.Record{Row: row, Fields: fields}); err != nil {
				tb.Fatal(err)
			}
		}
	}
	if _, err := w.Finish(); err != nil {
		tb.Fatal(err)
	}
	return file.Bytes()
}

var timingShapes = []struct {
	name            string
	devices, rounds int
}{
	{"long", 30, 4096},    // a block for each device
	{"flushes", 480, 256}, // a block of 16 devices
	{"short", 12_000, 10}, // one group a device, and a block of 409 devices
}

// From a segment in the page cache to strips: what the proof costs for each frame of 8 floats, in processor time; and beside it what SHA-256 alone
// takes for as many bytes as the groups of full streams have, measured in turns, because machines are noisy.
func BenchmarkCompute(b *testing.B) {
	for _, shape := range timingShapes {
		b.Run(fmt.Sprintf("%s/%dx%d", shape.name, shape.devices, shape.rounds), func(b *testing.B) {
			name := filepath.Join(b.TempDir(), "fleet.gseg")
			file := fleetFile(b, shape.devices, shape.rounds)
			if err := os.WriteFile(name, file, 0o600); err != nil {
				b.Fatal(err)
			}
			f, err := os.Open(name)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			b.ReportAllocs()
			var compute, hash time.Duration
			frames := shape.devices * shape.rounds
			for b.Loop() {
				start := cpuTime()
				computeAll(b, f, int64(len(file)), uint64(frames))
				between := cpuTime()
				hashAlone(frames / groupFrames)
				compute, hash = compute+between-start, hash+cpuTime()-between
			}
			b.ReportMetric(float64(compute.Nanoseconds())/float64(b.N*frames), "cpu-ns/frame")
			b.ReportMetric(float64(hash.Nanoseconds())/float64(b.N*frames), "sha-ns/frame")
		})
	}
}

func computeAll(tb testing.TB, f *os.File, size int64, want uint64) {
	r, err := segment.NewReader(f, size, segment.ReaderOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	frames := uint64(0)
	err = Compute(context.Background(), []*segment.Reader{r}, 7, 7, Options{}, func(s *Strip) error {
		frames += s.Frames
		return nil
	})
	if err != nil || frames != want {
		tb.Fatalf("%d frames of %d, %v", frames, want, err)
	}
}

// hashAlone hashes so many groups of 64 frames of 8 floats: what no program can be faster than.
func hashAlone(groups int) (sum byte) {
	group := make([]byte, 1+60+100+groupFrames*(frameFixed+8*8))
	for i := range groups {
		group[len(group)-1] = byte(i)
		sum ^= sha256.Sum256(group)[0]
	}
	return sum
}
