package check

import (
	"fmt"
	"slices"
	"strings"
)

// leastAcked is how many frames must have been acknowledged for a run to prove anything.
const leastAcked = 1000

// checker is a named function over a run.
type checker struct {
	name  string
	check func(*Run) []Violation
}

func (c checker) Name() string { return c.name }

// Check implements Checker.
func (c checker) Check(r *Run) []Violation {
	list := c.check(r)
	for i := range list {
		list[i].Checker = c.name
	}
	return list
}

// All is every checker, in the order in which a reader wants their findings.
func All() (list []Checker) {
	for _, c := range checkers() {
		list = append(list, c)
	}
	return list
}

func checkers() []checker {
	return []checker{
		{"durable", durable}, {"invented", invented}, {"once", once}, {"bytes", intact}, {"epochs", epochs}, {"pages", pages}, {"tails", tails},
		{"gaps", gaps}, {"certificates", certificates}, {"balance", balance}, {"latest", latest}, {"linear", linear}, {"stale", stale},
		{"replicas", replicas}, {"damage", damage}, {"failstop", failstop}, {"amnesia", amnesia},
		{"onlycopy", onlycopy}, {"liveness", liveness},
	}
}

// Judge asks every checker. A run that broke no promise passes only if it proves something: every fault bit, enough was acknowledged, and
// all nodes were read in the end.
func Judge(r *Run) Verdict {
	v := Verdict{Result: Pass}
	answered := r.answered()
	for _, c := range checkers() {
		run := answered
		if c.ofRows() {
			run = r
		}
		for _, found := range c.Check(run) {
			v.Add(r, found)
		}
	}
	v.Why = r.unproven()
	v.Blind = r.unseen()
	for _, found := range v.Violations {
		if found.Undecided {
			v.Why = append(v.Why, found.String())
		}
	}
	if v.Result == Pass && len(v.Why) > 0 {
		v.Result = Inconclusive
	}
	return v
}

// unproven is why a run without violations proves nothing.
func (r *Run) unproven() (why []string) {
	if acked := r.ackedFrames(); acked < leastAcked {
		why = append(why, fmt.Sprintf("%d frames were acknowledged, at least %d are needed", acked, leastAcked))
	}
	for i := range r.Faults {
		if f := &r.Faults[i]; f.Witness == 0 {
			why = append(why, "no witness that the fault bit: "+f.String())
		}
	}
	if len(r.Finals) == 0 {
		why = append(why, "nothing was read in the end")
	}
	for _, f := range r.Finals {
		for _, c := range []struct {
			missing bool
			what    string
		}{
			{len(f.counters) == 0, "frames"}, {len(f.Gaps) == 0, "gap reports"}, {len(f.Latest) == 0, "newest frames"},
			{f.Ledger == nil, "ledger"}, {f.Storage == nil, "storage"},
		} {
			if c.missing && !(r.Beyond && r.wanting(f.Node)) {
				why = append(why, fmt.Sprintf("%s gave no %s in the end", f.Node, c.what))
			}
		}
	}
	unchecked := func(c *Certificate) bool { return len(c.Verified) == 0 }
	if at := slices.IndexFunc(r.Certified, unchecked); at >= 0 {
		why = append(why, "nobody checked offline: "+r.Certified[at].String())
	}
	if len(r.Faults) > 0 && r.Healed == 0 {
		why = append(why, "the cluster was never healed")
	}
	return why
}

func (r *Run) ackedFrames() (total uint64) {
	for _, rec := range r.history().order {
		total += rec.acked.Count()
	}
	return total
}

// unseen is which checkers had nothing to look at.
func (r *Run) unseen() (blind []string) {
	reads, gaps, ledgers, storages, votes := 0, len(r.GapReports), len(r.Ledgers), 0, 0
	r.reads(func(d *Read) {
		if d.Consistency == "linearizable" {
			reads++
		}
	})
	for _, f := range r.Finals {
		gaps += len(f.Gaps)
		if f.Ledger != nil {
			ledgers++
		}
	}
	r.storages(func(*Storage) { storages++ })
	for i := range r.Events {
		if r.Events[i].Kind == Voted {
			votes++
		}
	}
	for _, c := range []struct {
		n    int
		what string
	}{
		{reads, "linear: no linearizable reads"}, {gaps, "gaps: no gap reports"}, {ledgers, "balance: no ledgers"},
		{storages, "onlycopy: no storages"}, {votes, "amnesia: no votes"}, {len(r.Tails), "tails: no tails"},
		{len(r.Certified), "certificates: no certificates"},
	} {
		if c.n == 0 {
			blind = append(blind, c.what)
		}
	}
	return blind
}

// String is the verdict for a person: the result, the first findings of each checker, and what is missing.
func (v Verdict) String() string {
	const few = 5
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d violations", v.Result, len(v.Violations))
	shown := map[string]int{}
	for _, found := range v.Violations {
		if shown[found.Checker]++; shown[found.Checker] <= few {
			fmt.Fprintf(&b, "\n  %s", found)
		}
	}
	for _, c := range All() {
		if n := shown[c.Name()]; n > few {
			fmt.Fprintf(&b, "\n  %s: %d more", c.Name(), n-few)
		}
	}
	for _, found := range v.Excused[:min(few, len(v.Excused))] {
		fmt.Fprintf(&b, "\n  excused beyond the budget, one of %d: %s", len(v.Excused), found)
	}
	for _, why := range v.Why {
		fmt.Fprintf(&b, "\n  unproven: %s", why)
	}
	for _, blind := range v.Blind {
		fmt.Fprintf(&b, "\n  not looked at: %s", blind)
	}
	return b.String()
}
