package verify_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
)

// fleet is many devices with some frames in each of some ordinals, every tenth device with a gap.
func fleet(tb testing.TB, devices, ordinals int, frames uint64) *world.World {
	w := world.New(tb, "plant")
	eight := func(n uint64) []frame.Field {
		fields := make([]frame.Field, 8)
		for i := range fields {
			fields[i] = frame.Field{Name: fmt.Sprintf("f%d", i), Value: frame.Float(float64((n*7 + uint64(i)*13) % 1000))}
		}
		return fields
	}
	one := uint64(1)
	for o := range ordinals {
		first := 1 + uint64(o)*frames
		for d := range devices {
			b := world.Batch{Device: fmt.Sprintf("mill-%06d", d), Epoch: "a", First: &one, Seqs: world.Seqs(first, first+frames-1), Value: eight}
			if d%10 == 0 {
				b.Seqs = append(b.Seqs[:1], b.Seqs[2:]...)
			}
			for part := range slices.Chunk(b.Seqs, 10_000) {
				b.Seqs = part
				w.Send(b)
			}
			w.MS -= 10 * int64(frames) // they send at the same time
		}
		w.MS += 10 * int64(frames)
		w.Settle()
		w.Cut()
	}
	return w
}

// BenchmarkFleet certifies and verifies 100,000 devices with two ordinals.
func BenchmarkFleet(b *testing.B) {
	w := fleet(b, 100_000, 2, 4)
	var c *certificate.Certificate
	b.Run("certify", func(b *testing.B) {
		for b.Loop() {
			c = w.Certify(prefix("mill-"))
		}
	})
	body := w.Encode(c)
	in := verify.Input{Certificate: body, Policy: w.Policy()}
	for _, files := range []verify.Files{nil, verify.Dir(w.FS, world.SegmentDir)} {
		in.Files = files
		b.Run(fmt.Sprintf("verify/segments=%t", files != nil), func(b *testing.B) {
			b.ReportMetric(float64(len(body))/100_000, "B/device")
			for b.Loop() {
				want(b, "fleet", verify.Run(context.Background(), in), verify.CodeIncomplete)
			}
		})
	}
}

// BenchmarkFrames verifies 10 million frames of 8 fields.
func BenchmarkFrames(b *testing.B) {
	const devices, each = 100, 100_000
	w := fleet(b, devices, 1, each)
	in := input(w, w.Certify(prefix("mill-")))
	calls := 0
	in.Progress = func(string, int64, int64) { calls++ }
	for b.Loop() {
		want(b, "frames", run(b, in), verify.CodeIncomplete)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/devices/each, "ns/frame")
	b.ReportMetric(float64(calls)/float64(b.N), "progress")
}
