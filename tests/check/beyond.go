package check

import (
	"slices"
	"strings"
)

// Beyond its budget a cluster need not get through, and must be honest: what it answers is true, and what it lost, or cannot give, it says aloud.
// Never excused is who answers something false, votes twice or goes on after a failed sync; nor who lost something and says that all is well.

// Add holds a finding against a run, unless the run is beyond the budget and the finding is no lie.
func (v *Verdict) Add(r *Run, found Violation) {
	if r.excuses(&found) {
		v.Excused = append(v.Excused, found)
		return
	}
	v.Violations = append(v.Violations, found)
	if !found.Undecided {
		v.Result = Fail
	}
}

// excuses reports whether a finding is what a cluster may come to beyond its budget.
func (r *Run) excuses(found *Violation) bool {
	if !r.Beyond {
		return false
	}
	switch found.Checker {
	case "liveness": // who does not answer does not lie
		return true
	case "certificates": // likewise
		return strings.HasPrefix(found.What, WithheldWords)
	case "durable":
		return r.mayLack(found.Node)
	case "replicas", "dump":
		return r.loud()
	case "damage": // it was noticed, and there is nobody to repair from
		return strings.HasPrefix(found.What, unrepairedWords)
	case "onlycopy":
		return (strings.HasPrefix(found.What, singleWords) || strings.HasPrefix(found.What, NowhereWords) && r.majorityLost()) && r.loud()
	}
	return false
}

// loud reports whether a node ever said that something is wrong with it, or does not take part in the end.
func (r *Run) loud() bool {
	said := func(e Event) bool { return e.Kind == Refusal || e.Kind == Damaged }
	return slices.ContainsFunc(r.Events, said) || slices.ContainsFunc(r.Nodes, r.wanting)
}

// wanting reports whether a node says in the end that it has not everything, or says nothing.
func (r *Run) wanting(node string) bool {
	at := slices.IndexFunc(r.Finals, func(f *Final) bool { return f.Node == node })
	if at < 0 {
		return true
	}
	f := r.Finals[at]
	return !f.Ready || f.Withheld || f.Storage == nil || len(f.unrepaired()) > 0 ||
		slices.ContainsFunc(r.unmended(), func(v Violation) bool { return v.Node == node })
}

// majorityLost reports whether so many disks were lost, one after the other or at once, that nobody need be left who knows everything.
func (r *Run) majorityLost() bool {
	lost := map[string]bool{}
	for i := range r.Events {
		if e := &r.Events[i]; e.Kind == DiskLost || e.Kind == Wiped {
			lost[e.Node] = true
		}
	}
	return len(lost) > len(r.Nodes)/2
}

// mayLack reports whether a node need not have in the end what it once had: it says so, or disks of a majority are gone and somebody does.
func (r *Run) mayLack(node string) bool { return r.wanting(node) || r.majorityLost() && r.loud() }

// answered is the run as far as it can tell of the past: what a node may lack in the end is no evidence that it was never there. Its last
// answers count as those during the run do.
func (r *Run) answered() *Run {
	if !r.Beyond {
		return r
	}
	less := *r
	less.known, less.Finals = nil, nil
	less.Reads, less.GapReports = slices.Clip(r.Reads), slices.Clip(r.GapReports)
	less.Ledgers, less.Storages = slices.Clip(r.Ledgers), slices.Clip(r.Storages)
	for _, f := range r.Finals {
		if !r.mayLack(f.Node) {
			less.Finals = append(less.Finals, f)
			continue
		}
		less.Reads, less.GapReports = append(less.Reads, f.Latest...), append(less.GapReports, f.Gaps...)
		if f.Ledger != nil {
			less.Ledgers = append(less.Ledgers, *f.Ledger)
		}
		if f.Storage != nil {
			less.Storages = append(less.Storages, *f.Storage)
		}
	}
	return &less
}

// ofRows are the checkers that look at the rows of every node in the end, also of one that may lack some: what is there must be true.
func (c checker) ofRows() bool {
	return slices.Contains([]string{"durable", "invented", "once", "bytes", "epochs", "replicas", "damage", "liveness"}, c.name)
}
