package check

import (
	"cmp"
	"slices"
)

// amnesia: nobody votes as if it had what it lost. A server votes for one candidate in a term, over all its processes, and for no term
// below one that it voted in; one without a vote in any configuration never votes or leads; one whose disk was lost never does so again;
// and a term has one leader.
func amnesia(r *Run) (out []Violation) {
	events := slices.Clone(r.Events)
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
	out = append(out, votedTwice(events)...)
	out = append(out, ledTwice(events)...)
	return append(out, unentitled(events)...)
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
		add := func(was *Event, format string, args ...any) {
			v := e.violation(format, args...)
			v.Witnesses = append([]string{was.String()}, v.Witnesses...)
			out = append(out, v)
		}
		b := ballot{e.Server, e.Term}
		if was := votes[b]; was == nil {
			votes[b] = e
		} else if was.Candidate != e.Candidate {
			add(was, "VOTED TWICE: %s voted for two candidates in term %d", e.Server, e.Term)
		}
		if was := newest[e.Server]; was == nil || was.Term <= e.Term {
			newest[e.Server] = e
		} else {
			add(was, "FORGOT: %s voted in term %d after term %d", e.Server, e.Term, was.Term)
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
			v := e.violation("TWO LEADERS: %s and %s led in term %d", was.Server, e.Server, e.Term)
			v.Witnesses = append([]string{was.String()}, v.Witnesses...)
			out = append(out, v)
		}
	}
	return out
}

// unentitled is votes and leaderships of servers that never had a vote, or lost what they knew. A server that was voted out may not know it yet.
func unentitled(events []Event) (out []Violation) {
	voters := map[string]bool{}
	lost := map[string]*Event{}
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
		case Voted, Led:
			if was := lost[e.Server]; was != nil {
				v := e.violation("AMNESIA: %s %s although its disk was lost", e.Server, e.Kind)
				v.Witnesses = append([]string{was.String()}, v.Witnesses...)
				out = append(out, v)
			}
			if configured && !voters[e.Server] {
				out = append(out, e.violation("STRANGER: %s %s and was never a voter", e.Server, e.Kind))
			}
		}
	}
	return out
}
