package check

import (
	"fmt"
	"slices"
)

// replicas: nodes that applied the same log have the same ledger, the same floors and the same segments, at every time, and in the end show
// the same frames.
func replicas(r *Run) (out []Violation) {
	out = append(out, sameDigests(r)...)
	out = append(out, sameFloors(r)...)
	for i := 1; i < len(r.Finals); i++ {
		out = append(out, r.Finals[0].differs(r.Finals[i])...)
	}
	return append(out, sameEnd(r)...)
}

// sameDigests compares the ledgers of one index.
func sameDigests(r *Run) (out []Violation) {
	first := map[place]*Ledger{}
	judge := func(l *Ledger) {
		was := first[l.place()]
		switch {
		case was == nil:
			first[l.place()] = l
		case was.Digest != l.Digest:
			out = append(out, Violation{
				What: fmt.Sprintf("DIVERGED: the ledger at index %d has the digest %.16s on %s and %.16s on %s", l.Index, was.Digest,
					was.Node, l.Digest, l.Node),
				Node: l.Node, At: l.Return, Witnesses: []string{was.String(), l.String()},
			})
		}
	}
	for i := range r.Ledgers {
		judge(&r.Ledgers[i])
	}
	for _, f := range r.Finals {
		if f.Ledger != nil {
			judge(f.Ledger)
		}
	}
	return out
}

// sameFloors compares the floor files of one index, and the manifests in them.
func sameFloors(r *Run) (out []Violation) {
	hashes, manifests := map[uint64]*Storage{}, map[uint64]*Storage{}
	hashOf := func(s *Storage, index uint64) string {
		for _, f := range s.Floors {
			if f.Index == index {
				return f.Hash
			}
		}
		return ""
	}
	r.storages(func(s *Storage) {
		add := func(was *Storage, what string, index uint64) {
			out = append(out, Violation{
				What: fmt.Sprintf("DIVERGED: %s of floor %d on %s and on %s", what, index, was.Node, s.Node), Node: s.Node, At: s.Return,
				Witnesses: []string{was.String(), s.String()},
			})
		}
		for _, f := range s.Floors {
			if was := hashes[f.Index]; was == nil {
				hashes[f.Index] = s
			} else if hashOf(was, f.Index) != f.Hash {
				add(was, "other hashes", f.Index)
			}
		}
		if s.Floor == 0 || !s.listed() {
			return
		}
		if was := manifests[s.Floor]; was == nil {
			manifests[s.Floor] = s
		} else if !slices.Equal(was.names(), s.names()) {
			add(was, "other segments", s.Floor)
		}
	})
	return out
}

// listed reports whether every segment of the manifest is listed: a sample in the middle of a flush may know less.
func (s *Storage) listed() bool {
	return len(s.Segments) == s.Total.Segments && s.frames() == s.Total.Frames
}

func (s *Storage) names() (list []string) {
	for _, g := range s.Segments {
		list = append(list, fmt.Sprintf("%s %d %d..%d", g.Name, g.Frames, g.FirstIndex, g.LastIndex))
	}
	return list
}

func (s *Storage) frames() (total uint64) {
	for _, g := range s.Segments {
		total += g.Frames
	}
	return total
}

func (s *Storage) String() string {
	return fmt.Sprintf("storage of %s at %s: floor %d %.16s, floors %v, log %d..%d, %d frames, missing %d, segments %v",
		s.Node, s.Return, s.Floor, s.FloorHash, s.Floors, s.Log.First, s.Log.Last, s.Total.Frames, s.Missing, s.Segments)
}

func (f Floor) String() string { return fmt.Sprintf("%d:%.12s", f.Index, f.Hash) }

func (g Segment) String() string {
	return fmt.Sprintf("%.12s:%s:%d", g.Name, g.State, g.Frames)
}

// differs compares what two nodes show in the end.
func (f *Final) differs(g *Final) (out []Violation) {
	for _, c := range sortedCounters(f.union(g)) {
		a, b := f.counters[c], g.counters[c]
		add := func(what string, numbers Numbers) {
			out = append(out, Violation{What: "DIVERGED: " + what, Counter: c, Numbers: numbers, Node: g.Node, At: g.At})
		}
		switch {
		case !f.Numbers(c).Equal(g.Numbers(c)):
			only := f.Numbers(c).Minus(g.Numbers(c))
			add(fmt.Sprintf("shown by %s (%s) or by %s (%s) alone", f.Node, only, g.Node, g.Numbers(c).Minus(f.Numbers(c))),
				only.Or(g.Numbers(c).Minus(f.Numbers(c))))
		case a != nil && b != nil && (a.rows != b.rows || a.sum != b.sum):
			add(fmt.Sprintf("%s and %s show other frames under the same numbers", f.Node, g.Node), a.unlike(b))
		}
	}
	return out
}

func (f *Final) union(g *Final) map[Counter]bool {
	all := map[Counter]bool{}
	for _, c := range slices.Concat(f.order, g.order) {
		all[c] = true
	}
	return all
}

// unlike is the numbers that two nodes show with another variant, at another place or another number of times, as far as that is known.
func (s *shown) unlike(t *shown) (out Numbers) {
	for n := range s.variants {
		if t.variants[n] != s.variants[n] {
			out.Add(n)
		}
	}
	for n := range t.variants {
		if t.variants[n] != s.variants[n] {
			out.Add(n)
		}
	}
	return out.Or(s.again.Minus(t.again)).Or(t.again.Minus(s.again))
}

// sameEnd compares the newest floors once all has settled: every node has flushed the same log.
func sameEnd(r *Run) (out []Violation) {
	var first *Storage
	for _, f := range r.Finals {
		s := f.Storage
		if s == nil {
			continue
		}
		if first == nil {
			first = s
		}
		add := func(format string, args ...any) {
			out = append(out, Violation{
				What: "DIVERGED: " + fmt.Sprintf(format, args...), Node: f.Node, At: f.At, Witnesses: []string{first.String(), s.String()},
			})
		}
		if s.Floor != first.Floor {
			add("in the end %s has floor %d and %s floor %d", first.Node, first.Floor, s.Node, s.Floor)
		}
		if !s.listed() {
			add("the manifest counts %d frames in %d segments, listed are %d in %d", s.Total.Frames, s.Total.Segments, s.frames(), len(s.Segments))
		}
	}
	return out
}
