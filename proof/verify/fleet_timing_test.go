package verify_test

import (
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

// BenchmarkFleet certifies and verifies 100,000 devices: with two ordinals, and the counts only.
func BenchmarkFleet(b *testing.B) {
	w := fleet(b, 100_000, 2, 4)
	req := prefix("mill-")
	certifies(b, w, "two seals", req, verify.Dir(w.FS, world.SegmentDir))
	req.Scope.CountsOnly = true
	certifies(b, w, "counts only", req, nil)
}

// BenchmarkDevice certifies and verifies one device of 256 with 1,000 ordinals: with frames in all of them, and in every hundredth.
func BenchmarkDevice(b *testing.B) {
	w := world.New(b, "plant")
	for o := range uint64(1000) {
		for d := range 256 {
			if d != 1 || o%100 == 0 {
				w.Send(world.Batch{Device: fmt.Sprintf("mill-%03d", d), Epoch: "a", Seqs: world.Seqs(2*o, 2*o+1)})
			}
		}
		w.Cut()
	}
	for what, device := range map[string]string{"in all": "mill-000", "in ten": "mill-001"} {
		certifies(b, w, what, devices(device), verify.Dir(w.FS, world.SegmentDir))
	}
	req := devices("mill-000")
	req.Scope.Seq = []uint64{1980, 1999}
	certifies(b, w, "the last ten", req, nil)
	req = devices("mill-000")
	req.Scope.CountsOnly = true
	certifies(b, w, "counts only", req, nil)
}

// certifies measures making, size and verifying of a certificate, without files and with them.
func certifies(b *testing.B, w *world.World, what string, req certificate.Request, files verify.Files) {
	word, err := w.Word(nil)
	if err != nil {
		b.Fatal(err)
	}
	word.Segments = nil // 100 bytes each
	src, policy := brief{w, word}, w.Policy()
	var body []byte
	b.Run(what+"/certify", func(b *testing.B) {
		for b.Loop() {
			c, err := certificate.Build(b.Context(), src, req)
			if err != nil {
				b.Fatal(err)
			}
			body = w.Encode(c)
		}
		b.ReportMetric(float64(len(body)), "B")
	})
	for _, files := range slices.Compact([]verify.Files{nil, files}) {
		b.Run(fmt.Sprintf("%s/verify/segments=%t", what, files != nil), func(b *testing.B) {
			for b.Loop() {
				if got := verify.Run(b.Context(), verify.Input{Certificate: body, Policy: policy, Files: files}); got.Verdict == "" {
					b.Fatalf("%+v", got.Checks)
				}
			}
		})
	}
}

// brief is a world that knows its word already: which segments there are is no part of what is measured.
type brief struct {
	*world.World
	word certificate.Word
}

func (s brief) Word(*certificate.Certificate) (certificate.Word, error) { return s.word, nil }

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
