package census

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/merkle"
	"golang.org/x/mod/sumdb/tlog"
)

// fleet is a ledger of so many streams, each with so many gaps of some numbers, a third of them still open, and 64 numbers in a row at the end:
// as many as the ledger keeps fingerprints of.
func fleet(tb testing.TB, streams, gaps int) *ledger.Ledger {
	tb.Helper()
	l := ledger.New(ledger.Policy{MaxStreams: streams + 1})
	next := make([]uint64, streams)
	send := func(now int64, gaps int, frames uint64) {
		for i := range next {
			id, err := l.Intern(frame.StreamKey{Tenant: "default", Device: fmt.Sprintf("device-%07d", i), Stream: "0"})
			if err != nil {
				tb.Fatal(err)
			}
			g, n := frame.Group{Stream: id, Epoch: "1", HasFirst: true}, next[i]
			for gap := range gaps {
				n += 1 + uint64(i+gap*7919)%9
				l.Arrive(&g, now, now, &frame.Item{Seq: n, TimeNS: now * 1_000_000})
				n++
			}
			for range frames {
				l.Arrive(&g, now, now, &frame.Item{Seq: n, TimeNS: now * 1_000_000, Fingerprint: uint32(n)})
				n++
			}
			next[i] = n
		}
	}
	l.Tick(t0, false)
	send(t0, gaps-gaps/3, 1)
	for l.Tick(t0+60_000, false) > 0 {
	}
	send(t0+60_000, gaps/3, 64)
	return l
}

// root is the census root, made as a node makes it.
func root(tb testing.TB, l *ledger.Ledger) (merkle.Hash, int, Totals) {
	tree, totals, size, buf := merkle.Edge{}, Totals{}, 0, []byte(nil)
	err := Walk(l, func(leaf *Leaf) error {
		buf = leaf.Append(buf[:0])
		tree.Append(tlog.RecordHash(buf))
		totals.Add(leaf)
		size += len(buf)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return tree.Root(), size, totals
}

func BenchmarkCensus(b *testing.B) {
	for _, f := range []struct{ streams, gaps int }{{100_000, 0}, {100_000, 10}, {1, 100_000}} {
		b.Run(fmt.Sprintf("streams=%d/gaps=%d", f.streams, f.gaps), func(b *testing.B) {
			l := restored(b, fleet(b, f.streams, f.gaps))
			size := 0
			b.ReportAllocs()
			for b.Loop() {
				_, size, _ = root(b, l)
			}
			b.ReportMetric(float64(size)/float64(f.streams), "B/leaf")
		})
	}
}

// BenchmarkRestore is what comes before a census that is taken from a floor file.
func BenchmarkRestore(b *testing.B) {
	for _, gaps := range []int{0, 10} {
		b.Run(fmt.Sprintf("streams=100000/gaps=%d", gaps), func(b *testing.B) {
			var checkpoint bytes.Buffer
			if err := fleet(b, 100_000, gaps).Checkpoint(&checkpoint); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(checkpoint.Len()))
			for b.Loop() {
				if err := ledger.New(ledger.Policy{}).Restore(bytes.NewReader(checkpoint.Bytes())); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkJudge is what an auditor does with one leaf of 100,000 gaps.
func BenchmarkJudge(b *testing.B) {
	leaf := census(b, fleet(b, 1, 100_000))[0]
	b.Run("Parse", func(b *testing.B) {
		b.SetBytes(int64(len(leaf.bytes)))
		for b.Loop() {
			if _, err := Parse(leaf.bytes); err != nil {
				b.Fatal(err)
			}
		}
	})
	e := &leaf.Epochs[0]
	b.Run("Grade", func(b *testing.B) {
		for b.Loop() {
			e.Grade()
		}
	})
	b.Run("Within", func(b *testing.B) {
		r := Range{e.Base + e.Expected()/2, e.Base + e.Expected()/2 + 1000}
		for b.Loop() {
			e.Within(r)
		}
	})
}

// A tenth of the fleet that is promised to take less than a second takes less than half of one, also where tests share a slow machine.
func TestCensusIsFast(t *testing.T) {
	if testing.Short() {
		t.Skip("a measurement, which the race detector and busy machines spoil")
	}
	l := restored(t, fleet(t, 10_000, 10))
	began := time.Now()
	_, size, totals := root(t, l)
	if took := time.Since(began); took > 500*time.Millisecond {
		t.Errorf("10,000 streams take %v", took)
	}
	if totals.Streams != 10_000 || totals.Stored+totals.Open+totals.Lost != totals.Expected || totals.Open == 0 || totals.Lost == 0 || size < 500_000 {
		t.Errorf("%+v in %d bytes", totals, size)
	}
}
