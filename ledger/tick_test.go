package ledger

import (
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

func TestGraceIsByCommitTime(t *testing.T) {
	r := newRig(t, Policy{GraceMS: 5000})
	r.run("a", 0, 2)
	r.arrive(send{seq: 5, epoch: "a"}) // 3 and 4 are open since now
	since := r.ms
	state := func() []State {
		states := []State{}
		for _, g := range r.report(1).Gaps {
			states = append(states, g.State)
		}
		return states
	}
	if r.l.Tick(since+4999, false) != 0 || !slices.Equal(state(), []State{StateOpen}) {
		t.Error("final before the grace is over", state())
	}
	if r.l.Tick(since+1_000_000, true) != 0 || !slices.Equal(state(), []State{StateOpen}) {
		t.Error("final while paused")
	}
	if r.l.Tick(since+5000, false) != 1 || !slices.Equal(state(), []State{StateFinal}) {
		t.Error("not final after the grace", state())
	}
	if r.l.Tick(since+5000, false) != 0 {
		t.Error("final twice")
	}
	r.check()
}

// an order within the grace makes no gap.
func TestPermutationWithinTheGrace(t *testing.T) {
	r := newRig(t, Policy{})
	for _, n := range []uint64{5, 0, 9, 3, 1, 2, 8, 4, 7, 6} {
		r.ms += 100
		r.arrive(send{seq: n, epoch: "a"})
	}
	if n := r.l.Tick(r.ms+1_000_000, false); n != 0 {
		t.Errorf("%d gaps became final", n)
	}
	if rep := r.report(1); len(rep.Gaps) != 0 || rep.LateClosed != 0 || rep.Reordered != 7 { // 0 came below the head: nothing was waiting for it
		t.Errorf("%+v", rep)
	}
}

// A tick looks at a bounded number of gaps and goes on where it stopped.
func TestTickIsBounded(t *testing.T) {
	r := newRig(t, Policy{FinalisePerTick: 7})
	for n := uint64(0); n < 100; n += 2 {
		r.arrive(send{seq: n, epoch: "a"})
	}
	r.arrive(send{seq: 1000, epoch: "a"}) // one gap of 901, cut into 31
	for n := uint64(110); n < 400; n += 10 {
		r.arrive(send{seq: n, epoch: "a"})
	}
	gaps := len(r.report(1).Gaps)
	total, ticks := 0, 0
	for {
		n := r.l.Tick(r.ms+100_000, false)
		if n > 7 {
			t.Fatalf("%d gaps in one tick", n)
		}
		r.check()
		if n == 0 {
			break
		}
		total += n
		ticks++
	}
	if total != gaps || ticks != (gaps+6)/7 {
		t.Errorf("%d gaps in %d ticks, want %d", total, ticks, gaps)
	}
	if a := r.report(1).Ledger.A; a.Open != 0 || a.Lost != a.Expected-a.Stored {
		t.Errorf("%+v", a)
	}
}

// Clean streams cost a tick nothing: what is due is found without looking at them.
func TestTickFindsDueGapsAmongCleanStreams(t *testing.T) {
	l, ids := manyStreams(t, 2000, 64)
	for _, id := range []frame.StreamID{ids[3], ids[1700]} {
		l.Arrive(&frame.Group{Stream: id}, t0, t0, &frame.Item{Seq: 9})
	}
	if l.queue.len() != 2 {
		t.Fatalf("%d deadlines for 2 gaps", l.queue.len())
	}
	if n := l.Tick(t0+100_000, false); n != 2 || l.queue.len() != 0 {
		t.Errorf("%d gaps, %d deadlines left", n, l.queue.len())
	}
}

// REQUESTED: asking for a gap again gives it another grace, part by part.
func TestRequest(t *testing.T) {
	r := newRig(t, Policy{GraceMS: 5000})
	r.run("a", 0, 2)
	r.arrive(send{seq: 13, epoch: "a"}) // 3..12 missing
	opened := r.ms
	if n := r.l.Request(r.id, 1, 5, 7, opened+4000); n != 3 {
		t.Fatalf("%d requested", n)
	}
	if n := r.l.Request(r.id, 1, 0, 2, opened+4000) + r.l.Request(r.id, 9, 5, 7, opened+4000) + r.l.Request(9, 1, 5, 7, opened+4000); n != 0 {
		t.Fatalf("%d requested of what is not open", n)
	}
	r.check()
	if n := r.l.Tick(opened+5000, false); n != 2 {
		t.Fatalf("%d final, want the two parts that were not requested", n)
	}
	want := []string{"3-4 FINAL 0", "5-7 REQUESTED 1", "8-12 FINAL 0"}
	if got := gapLines(r.report(1)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	r.ms = opened + 6000
	if o := r.arrive(send{seq: 6, epoch: "a"}); !o.Late || r.report(1).Reordered != 1 {
		t.Errorf("%+v", o)
	}
	r.l.Tick(opened+9000, false)
	if a := r.report(1).Ledger.A; a.Open != 0 || a.Lost != 9 {
		t.Errorf("%+v", a)
	}
	r.check()
}

// what is final can still be closed, which is counted and erases nothing.
func TestLateArrivalClosesAFinalGap(t *testing.T) {
	r := newRig(t, Policy{})
	r.run("a", 0, 2)
	r.run("a", 7, 9)
	r.settle()
	if o := r.arrive(send{seq: 4, epoch: "a"}); o.Status != Stored || !o.Late {
		t.Fatalf("%+v", o)
	}
	if got, want := gapLines(r.report(1)), []string{"3-3 FINAL 0", "5-6 FINAL 0"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if rep := r.report(1); rep.LateClosed != 1 || rep.Ledger.A.Lost != 3 {
		t.Errorf("%d closed, %+v", rep.LateClosed, rep.Ledger.A)
	}
	r.check()
}

func TestQueueKeepsOrder(t *testing.T) {
	var q queue
	next, want := uint64(0), uint64(0)
	for round := range 400 {
		for range 50 + round%40 {
			q.push(deadline{span: span{next, next + 1}})
			next++
		}
		for range min(q.len(), 40+round%70) {
			if got := q.front().first; got != want {
				t.Fatalf("deadline %d, want %d", got, want)
			}
			q.pop()
			want++
		}
		if uint64(q.len()) != next-want {
			t.Fatalf("%d deadlines, want %d", q.len(), next-want)
		}
	}
	if q.head > 1024 && q.head > len(q.items)/2 {
		t.Errorf("%d of %d deadlines are done and kept", q.head, len(q.items))
	}
}
