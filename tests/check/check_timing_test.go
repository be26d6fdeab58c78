package check

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// vast is a run of so many devices, with a batch of 100 frames a time: one in 50 lost, one in 100 unknown and sent again, one read for
// every batch.
func vast(devices, batches int) *Run {
	r := &Run{Seed: 1, Nodes: []string{"n1"}}
	now, index := time.Duration(0), uint64(0)
	for i := range batches {
		for d := range devices {
			now += 100 * time.Microsecond
			b := Batch{
				Client: d % 16, Node: "n1", Counter: Counter{fmt.Sprint("device-", d), "0", "boot-1"}, First: uint64(i) * 100,
				Last:     uint64(i)*100 + 99,
				Numbered: true, Invoke: now, Return: now + 20*time.Microsecond, Outcome: Acked, Accepted: 100, History: 1,
			}
			index++
			b.Index = index
			switch (i*7 + d) % 100 {
			case 0, 1:
				continue // lost
			case 2:
				unknown := b
				unknown.Outcome, unknown.Index, unknown.History, unknown.Accepted = Unknown, 0, 0, 0
				r.Batches = append(r.Batches, unknown)
				b.Invoke, b.Return = b.Return+1, b.Return+30*time.Microsecond
			}
			r.Batches = append(r.Batches, b)
			if i%10 == 0 {
				r.Reads = append(r.Reads, Read{
					Answer: Answer{Client: d % 16, Node: "n1", Consistency: "linearizable", Invoke: b.Return + 1, Return: b.Return + 9,
						History: 1, Index: index},
					Counter: b.Counter, Ordinal: 1, Latest: b.Last, Found: true,
				})
			}
		}
	}
	return r
}

// show adds what a node shows in the end, but for one frame, and a gap report of every counter.
func (r *Run) show(node string, gone uint64) {
	f := NewFinal(node)
	f.At, f.Ready, f.Index, f.History = time.Hour, true, 1<<40, 1
	row := Row{Numbered: true, Ordinal: 1, History: 1}
	for _, rec := range r.history().order {
		for _, b := range rec.batches {
			if b.Outcome != Acked {
				continue
			}
			row.Counter, row.Index = b.Counter, b.Index
			for n := b.First; n <= b.Last; n++ {
				if n == gone && b.Counter.Device == "device-7" {
					continue
				}
				row.Number, row.Sum = n, n
				f.AddRow(&row)
			}
		}
		g := GapReport{Answer: Answer{Node: node, History: 1, Index: 1 << 40, Return: f.At}, Counter: rec.counter, Ordinal: 1, Known: true,
			HeadBasis: "first_seen", TailBasis: "last_seen"}
		stored := f.Numbers(rec.counter)
		g.First, _ = stored.Min()
		g.Last, _ = stored.Max()
		for gap := range g.expected().Minus(stored).Spans() {
			g.Gaps = append(g.Gaps, Gap{gap, "OPEN", ""})
			g.A.Open += gap.Count()
		}
		g.Expected, g.Stored, g.GapsTotal = g.expected().Count(), stored.Count(), uint64(len(g.Gaps))
		g.A.Expected, g.A.Stored = g.Expected, g.Stored
		f.Gaps = append(f.Gaps, g)
	}
	r.Finals = append(r.Finals, f)
	r.known = nil
}

// BenchmarkVast fills and judges a run of 20 million frames of 2,000 devices in which one acknowledged frame is lost.
//
//	go test -run - -bench Vast -benchtime 1x ./tests/check
func BenchmarkVast(b *testing.B) {
	for range b.N {
		start := time.Now()
		r := vast(2000, 100)
		b.ReportMetric(time.Since(start).Seconds(), "history-s")
		start = time.Now()
		r.show("n1", 1042)
		b.ReportMetric(time.Since(start).Seconds(), "fill-s")
		start = time.Now()
		v := Judge(r)
		b.ReportMetric(time.Since(start).Seconds(), "judge-s")
		for _, c := range All() {
			start = time.Now()
			c.Check(r)
			b.ReportMetric(time.Since(start).Seconds(), c.Name()+"-s")
		}
		var mem runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&mem)
		b.ReportMetric(float64(mem.HeapAlloc)/1e6, "MB")
		b.ReportMetric(float64(r.Finals[0].Frames())/1e6, "Mframes")
		if found := v.Violations; len(found) == 0 || found[0].Checker != "durable" || found[0].Numbers.Count() != 1 || !found[0].Numbers.Has(1042) {
			b.Fatal(v)
		}
		runtime.KeepAlive(r)
	}
}

// BenchmarkLinear is the search of porcupine alone: 300,000 operations of 1,000 streams and 16 clients.
func BenchmarkLinear(b *testing.B) {
	r := vast(1000, 100)
	for i := range r.Batches {
		if bt := &r.Batches[i]; i%2 == 0 {
			r.Reads = append(r.Reads, Read{
				Answer: Answer{Client: i % 16, Node: "n1", Consistency: "linearizable", Invoke: bt.Invoke + 1, Return: bt.Return + 5,
					History: 1, Index: 1 << 40},
				Counter: bt.Counter, Ordinal: 1, Latest: bt.Last, Found: true,
			})
		}
	}
	for b.Loop() {
		if found := linear(r); len(found) > 0 {
			b.Fatal(found)
		}
	}
	b.ReportMetric(float64(len(r.Reads)+len(r.Batches)), "operations")
}
