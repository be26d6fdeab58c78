package census

import (
	"github.com/gaplessdb/gapless/ledger"
)

// Grade judges an epoch by the rules of the ledger. The reasons say why it is not better.
func (e *Epoch) Grade() (ledger.Grade, []string) {
	b := e.Balance()
	return e.judge(tally{expected: b.Expected, stored: b.Stored, open: b.Open, lost: b.Lost}, e.ends())
}

// Grade is that of the worst epoch, 0 when there is none.
func (l *Leaf) Grade() ledger.Grade {
	worst := ledger.Grade(0)
	for i := range l.Epochs {
		if g, _ := l.Epochs[i].Grade(); worst == 0 || g < worst {
			worst = g
		}
	}
	return worst
}

// tally is the numbers that a grade rests on. Lost are missing for good, and nobody knows why.
type tally struct{ expected, stored, open, lost uint64 }

// ends says whether somebody stands for the first and for the last number.
type ends struct{ head, tail bool }

func (e *Epoch) ends() ends { return ends{head: e.Head == HeadDeclared, tail: e.Tail != TailLastSeen} }

func (e *Epoch) judge(t tally, known ends) (ledger.Grade, []string) {
	if why := e.unsure(); why != nil {
		return ledger.Indeterminate, why
	}
	switch {
	case t.open > 0:
		return ledger.Incomplete, []string{ledger.ReasonMissing, ledger.ReasonOpen}
	case t.lost > 0:
		return ledger.Incomplete, []string{ledger.ReasonMissing}
	case t.stored < t.expected:
		return ledger.Explained, []string{ledger.ReasonMissing}
	}
	if why := e.doubts(known); why != nil {
		return ledger.CompleteBetweenSeen, why
	}
	return ledger.Complete, nil
}

func (e *Epoch) unsure() (why []string) {
	if e.Unnumbered {
		return []string{ledger.ReasonNoSequence}
	}
	if e.Ambiguous {
		why = append(why, ledger.ReasonWrapAmbiguous)
	}
	if e.Probation {
		why = append(why, ledger.ReasonProbation)
	}
	return why
}

// doubts is what keeps numbers of which none is missing from being complete.
func (e *Epoch) doubts(known ends) (why []string) {
	for _, d := range []struct {
		doubt bool
		name  string
	}{
		{!known.head, ledger.ReasonHead},
		{!known.tail, ledger.ReasonTail},
		{e.Conflict > 0, ledger.ReasonConflict},
		{e.Unverified > 0, ledger.ReasonUnverified},
		{e.CountMismatch() != 0, ledger.ReasonSealCount},
		{e.Contradictions > 0, ledger.ReasonContradiction},
	} {
		if d.doubt {
			why = append(why, d.name)
		}
	}
	return why
}

// Balance is identity A of an epoch, counted from its runs and gaps.
func (e *Epoch) Balance() ledger.Balance {
	b := ledger.Balance{Expected: e.Expected()}
	for _, r := range e.Runs {
		b.Stored += r.Last - r.First + 1
	}
	for i := range e.Gaps {
		g := &e.Gaps[i]
		*term(&b, g) += g.Count()
	}
	return b
}
