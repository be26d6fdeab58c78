package tail

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
	"pgregory.net/rapid"
)

// seeded is chance for what happens in other goroutines.
type seeded struct {
	tester
	mu     sync.Mutex // protects random
	random *rand.Rand
}

func newSeeded(t tester, seed int) *seeded {
	return &seeded{tester: t, random: rand.New(rand.NewPCG(uint64(seed), 1))}
}

func (s *seeded) draw(_ string, lo, hi int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return lo + s.random.IntN(hi-lo+1)
}

// TestFramesThatMoveAreGivenOnce moves everything a reader has not had yet from the head into a segment, between two of its looks.
func TestFramesThatMoveAreGivenOnce(t *testing.T) {
	s := newStore()
	for n := range uint64(6) {
		if n == 3 {
			s.seal()
			s.flush(t)
		}
		s.put(t, simple("mill-07", n))
	}
	srv := newServer(t, s, Options{CatchupRows: 2})
	looks := 0
	s.between = func() {
		if looks++; looks == 3 { // one finds where to begin, one that a segment has what comes next, and one names the first frames
			s.between = nil
			s.seal()
			s.flush(t)
		}
	}
	got, _ := srv.all(t, "from", "first", "until", "now")
	same(t, "while frames move", got, s.want(segment.Commit{}, &everything, query.Shown{}))
	if looks < 3 {
		t.Fatalf("%d looks: nothing moved", looks)
	}
}

// TestTailWhileEverythingMoves lets anything happen between any two looks of a reader.
func TestTailWhileEverythingMoves(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := rapidChance{rt}
		h := newHistory()
		for range c.draw("steps", 1, 30) {
			h.step(c)
		}
		end := h.view.AsOf.Index
		other := newSeeded(rt, c.draw("seed", 0, 1<<30))
		srv := newServer(c, h.store, tiny(c))
		var once sync.Mutex // steps happen one after the other
		first := true
		h.between = func() {
			once.Lock()
			defer once.Unlock()
			if first { // where the tail ends is known from here on
				first, end = false, h.view.AsOf.Index
			}
			h.step(other)
		}
		got, _ := srv.all(c, "from", "first", "until", "now")
		once.Lock()
		defer once.Unlock()
		h.between = nil
		var want []string
		for _, line := range h.want(segment.Commit{}, &everything, query.Shown{}) {
			if p := parseLine(c, line).Position; p <= positionOf(1, segment.EndOf(end)).String() {
				want = append(want, line)
			}
		}
		same(c, "while everything moves", got, want)
	})
}

// TestMergedSegmentsAreTheSame merges segments for real, by time and in one, and reads in between.
func TestMergedSegmentsAreTheSame(t *testing.T) {
	for _, windowNS := range []int64{0, 70e6} {
		h := newHistory()
		c := newSeeded(t, 5)
		for range 6 {
			for range 30 {
				h.put(t, h.batch(c)...)
			}
			h.seal()
			h.flush(t)
		}
		srv := newServer(t, h.store, Options{CatchupRows: 50})
		want := h.want(segment.Commit{}, &everything, query.Shown{})
		first, end := srv.all(t, "from", "first", "limit", "77")
		h.mergeAll(t, windowNS)
		rest, _ := srv.all(t, "from", end.Position, "until", "now")
		same(t, "half before the merge, half after it", append(first, rest...), want)
		all, _ := srv.all(t, "from", "first", "until", "now")
		same(t, "merged", all, want)
	}
}

// mergeAll merges all segments into one for each window.
func (s *store) mergeAll(t tester, windowNS int64) {
	t.Helper()
	var inputs []*segment.Reader
	var e segment.Edit
	for _, info := range s.view.Manifest.Segments() {
		r, release, err := s.Open(info.Name)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		inputs, e.Drop = append(inputs, r), append(e.Drop, info.Name)
	}
	opt := segment.MergeOptions{Options: segment.Options{Cluster: "test", History: 1}, WindowNS: windowNS}
	outputs, err := segment.Merge(s.fs, ".", opt, inputs)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outputs {
		e.Add = append(e.Add, o.Info)
	}
	s.change(func(uint64) {
		m, ok := s.view.Manifest.Edit(e)
		if !ok || windowNS > 0 && len(outputs) < 2 {
			t.Fatalf("%d outputs, the edit is void: %v", len(outputs), !ok)
		}
		s.view.Manifest = m
	})
}
