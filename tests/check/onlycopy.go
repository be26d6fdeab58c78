package check

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// singleWords begin what is said of a segment that nobody else has, NowhereWords of one that somebody counts on and nobody has.
const (
	singleWords  = "ONLY COPY: SINGLE: "
	NowhereWords = "LOST: on no disk: "
)

// onlycopy: nothing removes the only copy. A log always meets its node's floor; it is cut only below a floor that another node has; a
// segment that was there does not go missing while its node keeps its disk; and in the end every segment is on two nodes at least.
func onlycopy(r *Run) (out []Violation) {
	var all []*Storage
	r.storages(func(s *Storage) { all = append(all, s) })
	slices.SortStableFunc(all, func(a, b *Storage) int { return cmp.Compare(a.Return, b.Return) })
	for i, s := range all {
		if what := s.detached(); what != "" && following(all[i+1:], s).holds(s.Log.First) {
			out = append(out, s.violation(what))
		}
		out = append(out, r.cutAlone(s, all)...)
	}
	out = append(out, r.dropped(all)...)
	return append(out, singleCopies(r)...)
}

// detached says how the log fails to meet the floors, "" when it does. A log that was cut begins at the oldest floor kept or before, so
// that the node can start from each of them; one that an install wiped begins right behind the floor that was installed, which may be one that the
// node had made itself, and not the newest any more. A cut leaves the entry at the floor, so it cannot be taken for a wipe.
func (s *Storage) detached() string {
	oldest := s.newest()
	for _, f := range s.Floors {
		oldest = min(oldest, f.Index)
		if f.Installed && f.Index+1 >= s.Log.First {
			return ""
		}
	}
	switch {
	case s.Log.First > s.newest()+1:
		return fmt.Sprintf("GAP: the log begins at %d and the newest floor is %d", s.Log.First, s.newest())
	case slices.ContainsFunc(s.Floors, func(f Floor) bool { return s.Log.First == f.Index+1 }):
		return ""
	case s.Log.First > 1 && s.Log.First > oldest:
		return fmt.Sprintf("CUT: the log begins at %d, above the oldest floor kept, %d", s.Log.First, oldest)
	}
	return ""
}

// following is the next sample of the same node, nil when there is none.
func following(later []*Storage, s *Storage) *Storage {
	for _, next := range later {
		if next.Node == s.Node {
			return next
		}
	}
	return nil
}

// holds reports whether the next sample still says that a log which begins at first is detached: within one sample the floors are read
// before the log, and may be older.
func (s *Storage) holds(first uint64) bool {
	if s == nil {
		return true
	}
	again := *s
	again.Log.First = first
	return again.detached() != ""
}

func (s *Storage) violation(what string) Violation {
	return Violation{What: "ONLY COPY: " + what, Node: s.Node, At: s.Return, Witnesses: []string{s.String()}}
}

// newest is the index of the newest floor on the disk.
func (s *Storage) newest() (index uint64) {
	for _, f := range s.Floors {
		index = max(index, f.Index)
	}
	return max(index, s.Floor)
}

// cutAlone is a log that was cut above every floor that another node can have had by then. Floors of a node only grow while it keeps its
// disk, so its next sample bounds what it had. An installed floor is another node's.
func (r *Run) cutAlone(s *Storage, all []*Storage) []Violation {
	installed := slices.ContainsFunc(s.Floors, func(f Floor) bool { return f.Installed && f.Index+1 >= s.Log.First })
	if s.Log.First <= 1 || len(r.Nodes) < 2 || installed {
		return nil
	}
	best := uint64(0)
	for _, node := range r.Nodes {
		if node != s.Node {
			best = max(best, r.floorBound(node, s.Return, all))
		}
	}
	if best+1 >= s.Log.First { // what an installed floor left begins behind it, also when that floor has given way to newer ones
		return nil
	}
	return []Violation{s.violation(fmt.Sprintf("CUT: the log begins at %d, but no other node had a floor that high by then, the highest was %d",
		s.Log.First, best))}
}

// floorBound is the highest floor that a node can have had until at: no later sample is needed where an earlier one was higher.
func (r *Run) floorBound(node string, at time.Duration, all []*Storage) (best uint64) {
	bounded := false
	for _, s := range all {
		switch {
		case s.Node != node:
		case s.Invoke <= at:
			best = max(best, s.newest())
		case !bounded && !r.wipedBetween(node, at, s.Invoke):
			bounded = true
			best = max(best, s.newest())
		}
	}
	if !bounded {
		return math.MaxUint64 - 1
	}
	return best
}

// wipedBetween reports whether a node lost its disk in between.
func (r *Run) wipedBetween(node string, from, to time.Duration) bool {
	return slices.ContainsFunc(r.Events, func(e Event) bool {
		return e.Node == node && (e.Kind == Wiped || e.Kind == DiskLost) && e.At >= from && e.At <= to
	})
}

// dropped is segments that a node had and has no more, although they are in its manifest and nothing happened to its disk.
func (r *Run) dropped(all []*Storage) (out []Violation) {
	had := map[string]map[string]*Storage{} // by node and segment
	for _, s := range all {
		if had[s.Node] == nil {
			had[s.Node] = map[string]*Storage{}
		}
		for _, g := range s.Segments {
			was := had[s.Node][g.Name]
			switch {
			case g.State == "present":
				had[s.Node][g.Name] = s
			case g.State == "missing" && was != nil && g.Damage == "" && !r.wipedBetween(s.Node, was.Return, s.Return) && !r.broken(s.Node, s.Return):
				v := s.violation(fmt.Sprintf("DROPPED: segment %.16s was there and is missing", g.Name))
				v.Witnesses = append([]string{was.String()}, v.Witnesses...)
				out = append(out, v)
				delete(had[s.Node], g.Name)
			}
		}
	}
	return out
}

// broken reports whether a fault damaged a file of the node by then.
func (r *Run) broken(node string, by time.Duration) bool {
	return slices.ContainsFunc(r.Faults, func(f Fault) bool { return f.Node == node && f.File != "" && f.From <= by })
}

// singleCopies is segments that only one node has in the end.
func singleCopies(r *Run) (out []Violation) {
	copies := map[string]int{}
	nodes := 0
	for _, f := range r.Finals {
		if f.Storage == nil {
			continue
		}
		nodes++
		for _, g := range f.Storage.Segments {
			if g.State == "present" {
				copies[g.Name]++
			}
		}
	}
	for _, name := range sortedKeys(copies) {
		if nodes > 1 && copies[name] < 2 {
			out = append(out, Violation{What: fmt.Sprintf(singleWords+"segment %.16s is on one node in the end", name), At: r.Finals[0].At})
		}
	}
	return out
}
