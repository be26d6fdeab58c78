//go:build linux

package fault

import (
	"fmt"
	"strings"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/drive"
)

// prove asks whether a run shows what its scenario is for. One that does not proves nothing.
func (s *Scenario) prove(out *drive.Outcome) {
	if s.Proof == nil {
		return
	}
	v := &out.Verdict
	if why := s.Proof(out.Run); why != "" {
		v.Why = append(v.Why, why)
		if v.Result == check.Pass {
			v.Result = check.Inconclusive
		}
	}
}

// deathRattle is how long after the end of a process something that it had sent may still arrive.
const deathRattle = time.Second

// cutWhileAway is a Proof: while the node of the first fault was away, every other node cut its log above all that the absent one can have,
// so that none could bring it up to date from its log.
func cutWhileAway(r *check.Run) string {
	if len(r.Faults) == 0 {
		return "nobody was away"
	}
	away := r.Faults[0]
	had := lastWhenGone(r, away)
	if had == 0 {
		return "nobody said where its log ended when " + away.Node + " went away"
	}
	first := map[string]uint64{} // of each other node, when it was asked last before the absent one came back
	for i := range r.Storages {
		s := &r.Storages[i]
		if s.Node == away.Node {
			continue
		}
		first[s.Node] = max(first[s.Node], 0)
		if s.Invoke >= away.From && s.Return <= away.To {
			first[s.Node] = s.Log.First
		}
	}
	if len(first) == 0 {
		return "there are no other nodes"
	}
	for node, first := range first {
		if first <= had+1 { // the entry before the next one must be there, too
			return fmt.Sprintf("the log of %s began at %d when %s came back, which had at most %d: nothing that it needs was cut", node,
				first, away.Node, had)
		}
	}
	return ""
}

// leadersHit is the Proof of scenarios without another: every fault that was meant for the leader befell who led then, in the newest term that is
// known.
func leadersHit(r *check.Run) string {
	for i := range r.Faults {
		f := &r.Faults[i]
		if f.Node == "" || !strings.HasPrefix(f.Text, f.Kind+" leader") {
			continue
		}
		led, term := "", uint64(0)
		for j := range r.Events {
			if e := &r.Events[j]; e.Kind == check.Led && e.At <= f.From && e.Term >= term {
				led, term = e.Node, e.Term
			}
		}
		if led != f.Node {
			return fmt.Sprintf("%s of %s at %s was meant for the leader, and %q led", f.Kind, f.Node, f.From, led)
		}
	}
	return ""
}

// lastWhenGone is the highest index that a node which was killed can have in common with the others: where their logs ended shortly after.
// The last answer of the node itself is older than its newest entry. 0: nobody was asked in time.
func lastWhenGone(r *check.Run, away check.Fault) (last uint64) {
	asked := map[string]bool{}
	for i := range r.Storages {
		s := &r.Storages[i]
		if s.Node != away.Node && s.Invoke >= away.From+deathRattle && s.Return <= away.To && !asked[s.Node] {
			asked[s.Node] = true
			last = max(last, s.Log.Last)
		}
	}
	return last
}
