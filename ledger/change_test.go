package ledger

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/google/go-cmp/cmp"
)

// toldGap is consecutive missing numbers as somebody knows them who only hears of changes.
type toldGap struct {
	First, Last uint64
	State       string
}

// told is what such a listener knows of one epoch.
type told []toldGap

// move takes first..last from one of the states, "" for numbers that were not missing, to another one.
func (w told) move(first, last uint64, to string, from ...string) (told, error) {
	var next told
	at, done := first, false // numbers of the range below at are accounted for
	for _, g := range w {
		if g.Last < first || g.First > last {
			next = append(next, g)
			continue
		}
		if g.First > at && !slices.Contains(from, "") || !slices.Contains(from, g.State) {
			return nil, fmt.Errorf("%d..%d becomes %q, but %+v", first, last, to, w)
		}
		if g.First < first {
			next = append(next, toldGap{g.First, first - 1, g.State})
		}
		if g.Last > last {
			next = append(next, toldGap{last + 1, g.Last, g.State})
		}
		if done = g.Last >= last; !done {
			at = g.Last + 1
		}
	}
	if !done && !slices.Contains(from, "") {
		return nil, fmt.Errorf("%d..%d becomes %q, but %+v", first, last, to, w)
	}
	if to != "" {
		next = append(next, toldGap{first, last, to})
	}
	sort.Slice(next, func(i, k int) bool { return next[i].First < next[k].First })
	return next, nil
}

// hear takes in a change.
func (w told) hear(e GapEvent) (told, error) {
	final := "final " + e.Cause.String()
	switch e.Change {
	case GapOpened:
		return w.move(e.First, e.Last, "open", "")
	case GapRequested:
		return w.move(e.First, e.Last, "requested", "open", "requested")
	case GapFinal:
		return w.move(e.First, e.Last, final, "", "open", "requested")
	case GapExplained:
		return w.move(e.First, e.Last, final, "final never_arrived")
	}
	if !e.Late {
		return w.move(e.First, e.Last, "", "open", "requested")
	}
	var finals []string
	for c := frame.Cause(1); c.Valid(); c++ {
		finals = append(finals, "final "+c.String())
	}
	return w.move(e.First, e.Last, "", finals...)
}

// joined merges neighbours of one state.
func (w told) joined() (list told) {
	for _, g := range w {
		if n := len(list); n > 0 && list[n-1].State == g.State && list[n-1].Last+1 == g.First {
			list[n-1].Last = g.Last
		} else {
			list = append(list, g)
		}
	}
	return list
}

// missing is the same from the ledger itself.
func missing(e *epoch) (list told) {
	for g := range e.gaps(0) {
		state := "final " + g.cause.String()
		switch g.state {
		case StateOpen:
			state = "open"
		case StateRequested:
			state = "requested"
		}
		list = append(list, toldGap{g.first, g.end - 1, state})
	}
	return list.joined()
}

// TestGapEventsTellEverything: who hears of every change knows exactly what is missing, whenever it listens.
func TestGapEventsTellEverything(t *testing.T) {
	kinds := map[GapChange]int{}
	for seed := range uint64(150) {
		random := rand.New(rand.NewPCG(seed, 7))
		script := make([]byte, 3000)
		for i := range script {
			script[i] = byte(random.Uint32N(140)) // mostly one byte a number
		}
		l := New(policies[seed%uint64(len(policies))])
		known := map[epochOf]told{}
		var at GapCursor
		listen := func(most int) {
			ok := l.GapEvents(&at, func(e GapEvent) bool {
				kinds[e.Change]++
				id := epochOf{e.Stream, e.Epoch}
				next, err := known[id].hear(e)
				if err != nil {
					t.Fatalf("seed %d: stream %d epoch %d: %+v: %v", seed, e.Stream, e.Epoch, e, err)
				}
				known[id] = next
				most--
				return most > 0
			})
			if !ok {
				t.Fatalf("seed %d: changes were lost", seed)
			}
		}
		play(l, script, t0, func() {
			if random.IntN(3) == 0 {
				listen(1 + random.IntN(5))
			}
		})
		listen(1 << 30)
		for id := frame.StreamID(1); id < l.NextID()+2; id++ {
			s := l.stream(id)
			if s == nil {
				continue
			}
			for _, e := range s.epochs {
				if diff := cmp.Diff(missing(e), known[epochOf{id, e.ordinal}].joined()); diff != "" {
					t.Fatalf("seed %d: stream %d epoch %d (-ledger +told):\n%s", seed, id, e.ordinal, diff)
				}
			}
		}
	}
	for c := GapOpened; c <= GapClosed; c++ {
		if kinds[c] < 20 {
			t.Errorf("%d events of %v: the scripts do not reach it", kinds[c], c)
		}
	}
}

type epochOf struct {
	id    frame.StreamID
	epoch uint32
}

// A reader that comes back after too long is told so, once.
func TestGapEventsSayWhatTheyForgot(t *testing.T) {
	r := newRig(t, Policy{MaxRuns: 1 << 20})
	r.run("", 0, 0)
	at := r.l.GapsNow()
	for n := uint64(2); r.l.changes.count <= changesKept; n += 2 {
		r.arrive(send{seq: n})
	}
	heard := 0
	hear := func(GapEvent) bool { heard++; return true }
	if r.l.GapEvents(&at, hear) || heard > 0 {
		t.Errorf("%d events, and nothing is said of those that were forgotten", heard)
	}
	if !r.l.GapEvents(&at, hear) || heard > 0 {
		t.Errorf("%d events after the cursor went behind the newest", heard)
	}
	r.arrive(send{seq: 1})
	if !r.l.GapEvents(&at, hear) || heard != 1 {
		t.Errorf("%d events, want the one that closed", heard)
	}
	other := New(Policy{})
	if other.GapEvents(&at, hear) {
		t.Error("the cursor of another ledger was taken")
	}
}

// A backfill is told as one change, but what was told before it went on is not told again.
func TestGapEventsJoinABackfill(t *testing.T) {
	r := newRig(t, Policy{})
	r.run("", 0, 0)
	r.arrive(send{seq: 100})
	at := r.l.GapsNow()
	var got []string
	hear := func(e GapEvent) bool {
		got = append(got, fmt.Sprintf("%v %d-%d %v", e.Change, e.First, e.Last, e.Late))
		return true
	}
	for _, upTo := range []uint64{30, 31, 60} {
		for n := uint64(1); n <= upTo; n++ {
			r.arrive(send{seq: n})
		}
		r.l.GapEvents(&at, hear)
	}
	if want := []string{"closed 1-30 false", "closed 31-31 false", "closed 32-60 false"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if n := r.l.changes.count; n != 2 {
		t.Errorf("%d changes are kept, want the gap that opened and the one that closed it", n)
	}
}

// One declaration may be about numbers that are final, and about some that are waited for.
func TestGapEventsOfOneDeclaration(t *testing.T) {
	r := newRig(t, Policy{})
	r.run("", 0, 0)
	for _, next := range []uint64{6, 10} {
		if _, err := r.l.Heartbeat(r.ms, &Heartbeat{Subject: Subject{ID: r.id}, Next: next}); err != nil {
			t.Fatal(err)
		}
		if next == 6 {
			r.ms += r.l.policy.GraceMS
			r.l.Tick(r.ms, false)
		}
	}
	if _, err := r.l.DeclareLost(r.ms, &DeclareLost{Subject: Subject{ID: r.id}, From: 3, To: 8}); err != nil {
		t.Fatal(err)
	}
	var got []string
	var at GapCursor
	r.l.GapEvents(&at, func(e GapEvent) bool {
		got = append(got, fmt.Sprintf("%v %d-%d %v", e.Change, e.First, e.Last, e.Cause))
		return true
	})
	want := []string{"opened 1-5 unknown", "final 1-5 never_arrived", "opened 6-9 unknown", "explained 3-5 declared_lost", "final 6-8 declared_lost"}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
