package ledger

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// benchArrive feeds one stream; next says the number of the i'th frame.
func benchArrive(b *testing.B, bits uint8, next func(i uint64) (seq uint64, ok bool)) {
	l := New(Policy{})
	id, err := l.Intern(testKey)
	if err != nil {
		b.Fatal(err)
	}
	g := frame.Group{Stream: id, Bits: bits}
	mask := ^uint64(0) >> (64 - bits)
	b.ReportAllocs()
	ms := t0
	b.ResetTimer()
	for i := range uint64(b.N) {
		n, ok := next(i)
		if !ok {
			continue
		}
		ms = t0 + int64(i)
		it := frame.Item{Seq: n & mask, TimeNS: ms * 1_000_000, Fingerprint: uint32(i)}
		if o := l.Arrive(&g, ms, ms, &it); o.Status != Stored {
			b.Fatalf("frame %d: %+v", n, o)
		}
		if i%1000 == 0 {
			l.Tick(ms, false)
		}
	}
}

func inOrder(i uint64) (uint64, bool) { return i, true }

func BenchmarkArriveInOrder(b *testing.B) { benchArrive(b, 64, inOrder) }

func BenchmarkArriveInOrder16Bits(b *testing.B) { benchArrive(b, 16, inOrder) }

// lossy loses one frame in a hundred and swaps two neighbours in every ten.
func lossy(i uint64) (uint64, bool) {
	n := i
	switch i % 10 {
	case 4:
		n++
	case 5:
		n--
	}
	return n, i%100 != 50
}

func BenchmarkArriveLossReorder(b *testing.B) { benchArrive(b, 64, lossy) }

func BenchmarkArriveLossReorder16Bits(b *testing.B) { benchArrive(b, 16, lossy) }

// BenchmarkArriveManyStreams visits 100,000 streams in turn, so that no stream is in a cache.
func BenchmarkArriveManyStreams(b *testing.B) {
	l, ids := manyStreams(b, 100_000, 64)
	b.ResetTimer()
	b.ReportAllocs()
	for i := range b.N {
		g := frame.Group{Stream: ids[i%len(ids)], Bits: 64}
		it := frame.Item{Seq: uint64(i/len(ids)) + 3, TimeNS: t0 * 1_000_000, Fingerprint: uint32(i)}
		if o := l.Arrive(&g, t0, t0, &it); o.Status != Stored {
			b.Fatalf("%+v", o)
		}
	}
}

func manyStreams(t testing.TB, count int, bits uint8) (*Ledger, []frame.StreamID) {
	l := New(Policy{})
	ids := make([]frame.StreamID, count)
	for i := range ids {
		id := l.NextID()
		if err := l.Define(id, frame.StreamKey{Tenant: "default", Device: fmt.Sprintf("device-%07d", i), Stream: "0"}); err != nil {
			t.Fatal(err)
		}
		ids[i] = id
		g := frame.Group{Stream: id, Bits: bits}
		for n := range uint64(3) {
			it := frame.Item{Seq: n, TimeNS: (t0 + int64(n)) * 1_000_000, Fingerprint: uint32(n)}
			l.Arrive(&g, t0, t0, &it)
		}
	}
	return l, ids
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// bytesPerStream is what the heap grew by.
func bytesPerStream(before uint64, streams int, keep *Ledger) float64 {
	after := heap()
	runtime.KeepAlive(keep)
	return float64(after-before) / float64(streams)
}

func BenchmarkMemoryCleanStreams(b *testing.B) {
	for _, bits := range []uint8{64, 16} {
		b.Run(fmt.Sprintf("bits=%d", bits), func(b *testing.B) {
			for b.Loop() {
				before := heap()
				l, ids := manyStreams(b, 100_000, bits)
				count := len(ids)
				ids = nil
				size := bytesPerStream(before, count, l)
				b.ReportMetric(size, "B/stream")
				if bits == 64 && size > 600 {
					b.Errorf("a clean stream takes %.0f bytes, at most 600 are promised", size)
				}
			}
		})
	}
}

// BenchmarkMemoryLossyDay is a day at 1 Hz with every thousandth frame lost, on fewer streams than the 100,000 it stands for: memory is the same for each.
func BenchmarkMemoryLossyDay(b *testing.B) {
	const streams, frames = 200, 86_400
	for b.Loop() {
		before := heap()
		l, ids := lossyStreams(b, streams, frames)
		runs := 0
		for _, id := range ids {
			runs += l.stream(id).cur.cov.Len()
		}
		ids = nil
		b.ReportMetric(bytesPerStream(before, streams, l), "B/stream")
		b.ReportMetric(float64(runs)/streams, "runs/stream")
	}
}

// lossyStreams is a fleet of which each stream counted so many frames and lost one in a thousand.
func lossyStreams(t testing.TB, count int, frames uint64) (*Ledger, []frame.StreamID) {
	l, ids := manyStreams(t, count, 64)
	rng := uint64(1)
	for _, id := range ids {
		for l.stream(id).cur.next < frames {
			rng = rng*6364136223846793005 + 1442695040888963407
			run := rng >> 33 % 2000
			e := l.own(id).cur
			e.cov.tail.end += run // as if they had come in order, without the time it takes
			e.next += run
			e.stored += run
			it := frame.Item{Seq: e.next + 1, TimeNS: t0 * 1_000_000, Fingerprint: uint32(run)}
			l.Arrive(&frame.Group{Stream: id, Bits: 64}, t0, t0, &it)
		}
	}
	for l.Tick(t0+60_000, false) > 0 {
	}
	return l, ids
}

// fleets are ledgers of 100,000 streams that run well now.
func fleets(b *testing.B, run func(b *testing.B, l *Ledger)) {
	steady := func(l *Ledger, ids []frame.StreamID) *Ledger {
		for _, id := range ids {
			for range ringSize {
				it := frame.Item{Seq: l.stream(id).cur.next, TimeNS: t0 * 1_000_000, Fingerprint: uint32(id)}
				l.Arrive(&frame.Group{Stream: id, Bits: 64}, t0, t0, &it)
			}
		}
		return l
	}
	b.Run("clean", func(b *testing.B) { run(b, steady(manyStreams(b, 100_000, 64))) })
	b.Run("lossy", func(b *testing.B) { run(b, steady(lossyStreams(b, 100_000, 10_000))) }) // 10,000 frames each
}

func BenchmarkCheckpoint(b *testing.B) {
	fleets(b, func(b *testing.B, l *Ledger) {
		size := len(checkpointOf(b, l))
		b.SetBytes(int64(size))
		write := l.Freeze()
		for b.Loop() {
			if err := write(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(size)/float64(l.Len()), "B/stream")
	})
}

// BenchmarkFreeze is the time that apply stands still.
func BenchmarkFreeze(b *testing.B) {
	for _, streams := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("streams=%d", streams), func(b *testing.B) {
			l, _ := manyStreams(b, streams, 64)
			b.ReportAllocs()
			for b.Loop() {
				l.Freeze()
			}
		})
	}
}

// BenchmarkFirstChange is Arrive on a stream that was frozen since its last frame: the time and bytes that a copy takes, once a stream and freeze.
func BenchmarkFirstChange(b *testing.B) {
	b.Run("clean", func(b *testing.B) { // a fleet, of which every stream is copied
		l, ids := manyStreams(b, 100_000, 64)
		benchFirstChange(b, l, ids, 3)
	})
	for _, runs := range []uint64{10, 1000, 100_000} { // one stream, near its newest number
		b.Run(fmt.Sprintf("runs=%d", runs), func(b *testing.B) {
			l, ids := manyStreams(b, 1, 64)
			for n := range runs {
				it := frame.Item{Seq: 4 + n*2, TimeNS: t0 * 1_000_000}
				l.Arrive(&frame.Group{Stream: ids[0], Bits: 64}, t0, t0, &it)
			}
			for l.Tick(t0+60_000, false) > 0 {
			}
			benchFirstChange(b, l, ids, 4+runs*2)
		})
	}
}

// benchFirstChange sends every second frame late, so that the newest runs change.
func benchFirstChange(b *testing.B, l *Ledger, ids []frame.StreamID, next uint64) {
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if i%len(ids) == 0 {
			l.Freeze()
		}
		n := next + uint64(i/len(ids))
		if len(ids) == 1 {
			n ^= 1
		}
		it := frame.Item{Seq: n, TimeNS: t0 * 1_000_000, Fingerprint: uint32(i)}
		if o := l.Arrive(&frame.Group{Stream: ids[i%len(ids)], Bits: 64}, t0, t0, &it); o.Status != Stored {
			b.Fatalf("%+v", o)
		}
	}
}

func BenchmarkRestore(b *testing.B) {
	fleets(b, func(b *testing.B, l *Ledger) {
		checkpoint := checkpointOf(b, l)
		b.SetBytes(int64(len(checkpoint)))
		b.ReportAllocs()
		for b.Loop() {
			if err := New(Policy{}).Restore(bytes.NewReader(checkpoint)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkTotals(b *testing.B) {
	l, _ := manyStreams(b, 100_000, 64)
	b.Run("Balance", func(b *testing.B) {
		for b.Loop() {
			l.TotalBalance()
		}
	})
	b.Run("Gaps", func(b *testing.B) {
		for b.Loop() {
			if _, err := l.Gaps(GapQuery{Tenant: "default"}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Root", func(b *testing.B) {
		for b.Loop() {
			l.Root()
		}
	})
}
