package check

import (
	"slices"
	"strings"
	"testing"
)

// lostEverywhere takes acknowledged frames from every node.
var lostEverywhere = framePlants[slices.IndexFunc(framePlants, func(p plant) bool { return p.name == "a whole batch is gone everywhere" })]

// beyondCases are runs without a budget, each with something wrong in it, and whether that is only what may come.
var beyondCases = []struct {
	name   string
	rows   func(p *planting) bool
	do     func(p *planting, r *Run)
	result Result
	words  string
}{
	{name: "nothing is wrong", result: Pass, words: "PASS"},
	{name: "lost and silent", rows: lostEverywhere.rows, result: Fail, words: "durable: LOST"},
	{name: "lost by nodes that have it in quarantine", rows: lostEverywhere.rows, do: func(_ *planting, r *Run) {
		everyFinal(r, func(f *Final) { f.Storage.Segments[0].State = "quarantined" })
	}, result: Pass, words: "excused beyond the budget"},
	{name: "lost by nodes that are not ready", rows: lostEverywhere.rows, do: func(_ *planting, r *Run) {
		everyFinal(r, func(f *Final) { f.Ready = false })
	}, result: Pass, words: "excused beyond the budget"},
	{name: "lost after most disks were, with a refusal", rows: lostEverywhere.rows, do: func(p *planting, r *Run) {
		p.loseDisks(r, "n1", "n2")
		r.event(Event{At: p.now, Kind: Refusal, Node: "n3"})
	}, result: Pass, words: "excused beyond the budget"},
	{name: "lost after most disks were, and nobody says so", rows: lostEverywhere.rows, do: func(p *planting, r *Run) {
		p.loseDisks(r, "n1", "n2")
	}, result: Fail, words: "durable: LOST"},
	{name: "lost by a node that is well although another one refused", rows: lostEverywhere.rows, do: func(p *planting, r *Run) {
		r.event(Event{At: p.now, Kind: Refusal, Node: "n2"})
	}, result: Fail, words: "durable: LOST"},
	{name: "not ready", do: func(_ *planting, r *Run) { r.Finals[1].Ready = false }, result: Pass, words: "liveness: NOT READY"},
	{name: "answers nothing in the end", do: func(_ *planting, r *Run) {
		r.Finals[1] = NewFinal("n2")
		r.Finals[1].Withheld = true
	}, result: Pass, words: "excused beyond the budget"},
	{name: "gives no gap reports and says that it is well", do: func(_ *planting, r *Run) {
		r.Finals[1].Gaps = nil
	}, result: Inconclusive, words: "n2 gave no gap reports"},
	{name: "other frames on one node, and nobody is loud", do: func(_ *planting, r *Run) {
		r.Finals[1].Storage.Floor++
	}, result: Fail, words: "replicas: DIVERGED"},
	{name: "another floor on one node, which is not ready", do: func(_ *planting, r *Run) {
		r.Finals[1].Storage.Floor++
		r.Finals[1].Ready = false
	}, result: Pass, words: "replicas: DIVERGED"},
	{name: "a segment that nobody else has, and nobody is loud", do: func(_ *planting, r *Run) {
		r.Finals[0].Storage.Segments = nil
		r.Finals[1].Storage.Segments = nil
	}, result: Fail, words: "onlycopy: ONLY COPY: SINGLE"},
}

func everyFinal(r *Run, do func(*Final)) {
	for _, f := range r.Finals {
		do(f)
	}
}

// unharmed is the run without disks that were lost, and without anybody who says that something is wrong.
func (r *Run) unharmed() {
	r.Events = slices.DeleteFunc(r.Events, func(e Event) bool {
		return slices.Contains([]EventKind{DiskLost, Wiped, Damaged, Repaired, Refusal}, e.Kind)
	})
	r.Faults = slices.DeleteFunc(r.Faults, func(f Fault) bool { return f.MustFind })
}

func (p *planting) loseDisks(r *Run, nodes ...string) {
	for _, node := range nodes {
		r.event(Event{At: p.now, Kind: DiskLost, Node: node, Server: node + ".old"})
	}
}

// TestBeyond: without a budget a run passes if it was honest.
func TestBeyond(t *testing.T) {
	for _, c := range beyondCases {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			pl := plant{rows: c.rows, run: func(p *planting, r *Run) bool {
				r.Beyond = true
				r.unharmed()
				if c.do != nil {
					c.do(p, r)
				}
				return true
			}}
			v := Judge(pl.spoil(3))
			if v.Result != c.result || !strings.Contains(v.String(), c.words) {
				t.Fatalf("want %s with %q, got %s", c.result, c.words, v)
			}
			held := func(found Violation) bool { return strings.HasPrefix(found.String(), c.words) }
			if v.Result == Fail && !slices.ContainsFunc(v.Violations, held) {
				t.Fatalf("%q is excused: %s", c.words, v)
			}
			if r := pl.spoil(3); v.Result == Pass && c.words != "PASS" {
				if r.Beyond = false; Judge(r).Result != Fail {
					t.Fatal("within the budget it is no failure either")
				}
			}
		})
	}
}

// TestBeyondIsHonest: what is a lie within the budget is one beyond it, also when a node is loud, or all are.
func TestBeyondIsHonest(t *testing.T) {
	for _, pl := range slices.Concat(framePlants, gapPlants, answerPlants, nodePlants) {
		if !slices.Contains([]string{"invented", "once", "bytes", "epochs", "gaps", "failstop", "amnesia", "latest", "linear"}, pl.checker) {
			continue
		}
		t.Run(pl.checker+"/"+strings.ReplaceAll(pl.name, " ", "_"), func(t *testing.T) {
			for seed := uint64(0); seed < 24; seed++ {
				r := pl.spoil(seed)
				if r == nil {
					continue
				}
				r.Beyond = true
				if slices.Contains([]string{"gaps", "latest", "linear"}, pl.checker) { // to these the rows in the end are a witness of the past
					r.unharmed()
					r.event(Event{At: r.Healed, Kind: Refusal, Node: "n1"})
				} else {
					everyFinal(r, func(f *Final) { f.Ready = false })
				}
				if v := Judge(r); v.Result != Fail || !pl.noticed(v) {
					t.Fatalf("seed %d: %s does not say %q: %s", seed, pl.checker, pl.words, v)
				}
				return
			}
			t.Fatal("no seed has anything to spoil")
		})
	}
}

// TestBeyondNowhere: a segment that is on no disk is excused when most disks were lost and somebody says so; one that a power cut took never is.
func TestBeyondNowhere(t *testing.T) {
	for _, c := range []struct {
		what    string
		lost    []string // whose disks
		loud    bool
		excused bool
	}{
		{NowhereWords + "segment", []string{"n1", "n2"}, true, true},
		{NowhereWords + "segment", []string{"n1", "n2"}, false, false},
		{NowhereWords + "segment", []string{"n1"}, true, false},
		{"NOT DURABLE: segment", []string{"n1", "n2"}, true, false},
	} {
		pl := plant{run: func(p *planting, r *Run) bool {
			r.Beyond = true
			r.unharmed()
			p.loseDisks(r, c.lost...)
			if c.loud {
				r.event(Event{At: p.now, Kind: Refusal, Node: "n3"})
			}
			return true
		}}
		var v Verdict
		v.Add(pl.spoil(3), Violation{Checker: "onlycopy", What: c.what})
		if (len(v.Excused) == 1) != c.excused || (v.Result == Fail) == c.excused {
			t.Errorf("%+v: %s", c, v)
		}
	}
}
