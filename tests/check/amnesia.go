package check

import (
	"cmp"
	"slices"
)

// amnesia: nobody votes as if it had what it lost. A server votes for one candidate in a term, over all its processes, and for no term
// below one that it voted in; one without a vote in any configuration never votes or leads; one whose disk was lost never does so again,
// nor does a node begin on an empty disk as who it was; and a term has one leader.
func amnesia(r *Run) (out []Violation) {
	events := slices.Clone(r.Events)
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
	out = append(out, votedTwice(events)...)
	out = append(out, ledTwice(events)...)
	return append(out, unentitled(events)...)
}

// since is a violation by an event that an earlier one forbids.
func (e *Event) since(was *Event, format string, args ...any) Violation {
	v := e.violation(format, args...)
	v.Witnesses = append([]string{was.String()}, v.Witnesses...)
	return v
}

// votedTwice is votes that contradict an earlier one of the same server.
func votedTwice(events []Event) (out []Violation) {
	type ballot struct {
		server string
		term   uint64
	}
	votes, newest := map[ballot]*Event{}, map[string]*Event{}
	for i := range events {
		e := &events[i]
		if e.Kind != Voted {
			continue
		}
		b := ballot{e.Server, e.Term}
		if was := votes[b]; was == nil {
			votes[b] = e
		} else if was.Candidate != e.Candidate {
			out = append(out, e.since(was, "VOTED TWICE: %s voted for two candidates in term %d", e.Server, e.Term))
		}
		if was := newest[e.Server]; was == nil || was.Term <= e.Term {
			newest[e.Server] = e
		} else {
			out = append(out, e.since(was, "FORGOT: %s voted in term %d after term %d", e.Server, e.Term, was.Term))
		}
	}
	return out
}

// ledTwice is terms with two leaders.
func ledTwice(events []Event) (out []Violation) {
	leaders := map[uint64]*Event{}
	for i := range events {
		e := &events[i]
		if e.Kind != Led {
			continue
		}
		if was := leaders[e.Term]; was == nil {
			leaders[e.Term] = e
		} else if was.Server != e.Server {
			out = append(out, e.since(was, "TWO LEADERS: %s and %s led in term %d", was.Server, e.Server, e.Term))
		}
	}
	return out
}

// unentitled is votes and leaderships of servers that never had a vote, or lost what they knew. A server that was voted out may not know it yet.
func unentitled(events []Event) (out []Violation) {
	voters := map[string]bool{}
	lost, wiped := map[string]*Event{}, map[string]*Event{}
	configured := slices.ContainsFunc(events, func(e Event) bool { return e.Kind == Voters })
	for i := range events {
		e := &events[i]
		switch e.Kind {
		case Voters:
			for _, server := range e.Servers {
				voters[server] = true
			}
		case DiskLost:
			if lost[e.Server] == nil {
				lost[e.Server] = e
			}
		case Wiped:
			wiped[e.Server] = e
		case Started:
			if was := wiped[e.Server]; was != nil && e.Server != "" {
				out = append(out, e.since(was, "AMNESIA: %s started on an empty disk as who it was", e.Server))
			}
		case Voted, Led:
			if was := lost[e.Server]; was != nil {
				out = append(out, e.since(was, "AMNESIA: %s %s although its disk was lost", e.Server, e.Kind))
			}
			if configured && !voters[e.Server] {
				out = append(out, e.violation("STRANGER: %s %s and was never a voter", e.Server, e.Kind))
			}
		}
	}
	return out
}
