package schedule

import (
	"fmt"
	"slices"
	"time"
)

// replay is the budget's oracle: it goes through a schedule millisecond by millisecond, keeps books on what is broken, and counts. It
// shares no code with Budget and Overlap but the table's Area and Disk. Steps at whoever leads meet the node that pick returns.
type replay struct {
	s    *Schedule
	pick func(r *replay, t Step) int

	held   map[int]int           // node: steps that hold its machine
	broken map[int]int           // node: those of them that are not power_all
	parted map[[2]int]int        // from, to: what is sent is held
	linked map[[2]int]int        // unordered: steps that hold the link
	since  map[int]time.Duration // node: when the newest step began that holds one of its links
	sick   map[int]time.Duration // node: its disk is damaged, and so much time of recovery has passed in one piece
	wrong  map[int]bool          // clocks
	off    int                   // power_all or total partitions under way
	now    time.Duration
	ends   []open

	budget, overlap error // the first of each
}

type open struct {
	at   time.Duration
	undo func()
}

func newReplay(s *Schedule, pick func(*replay, Step) int) *replay {
	return &replay{s: s, pick: pick, held: map[int]int{}, broken: map[int]int{}, parted: map[[2]int]int{}, linked: map[[2]int]int{},
		since: map[int]time.Duration{}, sick: map[int]time.Duration{}, wrong: map[int]bool{}}
}

func (r *replay) run() *replay {
	next := 0
	for r.now = 0; r.now <= r.s.Length; r.now += time.Millisecond {
		changed := r.end()
		for next < len(r.s.Steps) && r.s.Steps[next].At == r.now {
			r.begin(r.s.Steps[next])
			next++
			changed = true
		}
		if changed {
			r.judge()
		}
		r.heal()
	}
	return r
}

func (r *replay) end() (changed bool) {
	before := len(r.ends)
	r.ends = slices.DeleteFunc(r.ends, func(o open) bool {
		if o.at == r.now {
			o.undo()
		}
		return o.at == r.now
	})
	return len(r.ends) < before
}

func (r *replay) begin(t Step) {
	k, _ := KindOf(t.Fault)
	if t.Node == 0 && (k.target == oneNode || k.target == oneLink) && t.How != All {
		t.Node = r.pick(r, t)
	}
	until := max(t.End(), t.At+time.Millisecond)
	later := func(f func()) { r.ends = append(r.ends, open{until, f}) }
	switch {
	case t.Fault == PowerAll:
		r.off++
		later(func() { r.off-- })
		for n := 1; n <= r.s.Nodes; n++ {
			r.hold(n, later)
		}
	case t.How == All:
		r.off++
		later(func() { r.off-- })
		for n := 1; n <= r.s.Nodes; n++ {
			for o := n + 1; o <= r.s.Nodes; o++ {
				r.take([3]int{n, o, 1}, true, later)
			}
		}
	case k.Area == Machine:
		r.hold(t.Node, later)
		r.broken[t.Node]++
		later(func() { r.broken[t.Node]-- })
		if k.Disk {
			r.sick[t.Node] = 0
		}
		if t.Fault == Swap {
			r.hold(t.Peer, later)
			r.broken[t.Peer]++
			later(func() { r.broken[t.Peer]-- })
		}
	case k.Area == Network:
		for _, p := range r.pairs(t) {
			r.take(p, t.Fault == Loss || t.Fault == Delay, later)
		}
	case k.Area == Time:
		r.wrong[t.Node] = true
	}
	if r.off > 0 && (k.Area == Command || t.Fault == RemoveJoin) {
		r.complain("%s while nobody answers", t.Fault)
	}
}

func (r *replay) hold(n int, later func(func())) {
	if r.held[n]++; r.held[n] > 1 {
		r.complain("two steps hold machine %d", n)
	}
	if began, ok := r.since[n]; ok && r.now < began+time.Second {
		r.complain("machine %d broken %s after its link", n, r.now-began)
	}
	later(func() { r.held[n]-- })
}

// pairs returns from, to and whether the way back is meant too.
func (r *replay) pairs(t Step) (list [][3]int) {
	if t.Fault == Bridge {
		var others []int
		for n := 1; n <= r.s.Nodes; n++ {
			if n != t.Node {
				others = append(others, n)
			}
		}
		for _, a := range others[:(r.s.Nodes-1)/2] {
			for _, b := range others[(r.s.Nodes-1)/2:] {
				list = append(list, [3]int{a, b, 1})
			}
		}
		return list
	}
	both := 1
	if t.Fault == Cut {
		both = 0
	}
	for n := 1; n <= r.s.Nodes; n++ {
		switch {
		case n == t.Node || t.Peer != 0 && t.Peer != n:
		case t.How == In:
			list = append(list, [3]int{n, t.Node, both})
		default:
			list = append(list, [3]int{t.Node, n, both})
		}
	}
	return list
}

// take holds the link of two nodes; what is sent on it is held too unless it passes.
func (r *replay) take(p [3]int, passes bool, later func(func())) {
	key := [2]int{min(p[0], p[1]), max(p[0], p[1])}
	if r.linked[key]++; r.linked[key] > 1 {
		r.complain("two steps hold link %v", key)
	}
	for _, n := range key {
		if r.since[n] = r.now; r.held[n] > 0 {
			r.complain("link %v is taken while machine %d is broken", key, n)
		}
	}
	later(func() { r.linked[key]-- })
	if passes {
		return
	}
	ways := [][2]int{{p[0], p[1]}}
	if p[2] == 1 {
		ways = append(ways, [2]int{p[1], p[0]})
	}
	for _, w := range ways {
		r.parted[w]++
		later(func() { r.parted[w]-- })
	}
}

// heal lets a millisecond pass.
func (r *replay) heal() {
	if len(r.sick) == 0 {
		return
	}
	quiet := r.off == 0
	for _, c := range r.held {
		quiet = quiet && c == 0
	}
	for _, c := range r.linked {
		quiet = quiet && c == 0
	}
	for n, passed := range r.sick {
		if !quiet {
			r.sick[n] = 0
		} else if passed += time.Millisecond; passed >= r.s.Recovery {
			delete(r.sick, n)
		} else {
			r.sick[n] = passed
		}
	}
}

// judge counts, now that something began or ended.
func (r *replay) judge() {
	switch most := r.most(1, nil); {
	case r.budget != nil:
	case len(r.sick) > (r.s.Nodes-1)/2:
		r.budget = fmt.Errorf("at %s: %d sick disks", r.now, len(r.sick))
	case len(r.wrong) > (r.s.Nodes-1)/2:
		r.budget = fmt.Errorf("at %s: %d wrong clocks", r.now, len(r.wrong))
	case 2*most <= r.s.Nodes:
		r.budget = fmt.Errorf("at %s: only %d work together", r.now, most)
	}
}

// most returns how many nodes from n on can work together with those of the group.
func (r *replay) most(n int, group []int) int {
	if n > r.s.Nodes {
		return len(group)
	}
	without := r.most(n+1, group)
	if _, sick := r.sick[n]; sick || r.broken[n] > 0 {
		return without
	}
	for _, g := range group {
		if r.parted[[2]int{g, n}] > 0 || r.parted[[2]int{n, g}] > 0 {
			return without
		}
	}
	return max(without, r.most(n+1, append(group[:len(group):len(group)], n)))
}

func (r *replay) complain(format string, args ...any) {
	if r.overlap == nil {
		r.overlap = fmt.Errorf("at %s: "+format, append([]any{r.now}, args...)...)
	}
}
