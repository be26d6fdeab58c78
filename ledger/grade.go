package ledger

import "github.com/gaplessdb/gapless/frame"

// Grade is the verdict on an epoch, a stream or more: how complete it is and how sure that is. A higher one is better. (The command that
// settles duplicates has the name Verdict here; JSON calls a grade "verdict".)
type Grade uint8

const (
	Indeterminate       Grade = 1 // a wrap or a restart is ambiguous, or there are no numbers
	Incomplete          Grade = 2 // numbers are missing without an exact cause
	Explained           Grade = 3 // every missing number has an exact cause
	CompleteBetweenSeen Grade = 4 // nothing is missing between the ends, but the device did not declare both, or what it said does not agree
	Complete            Grade = 5 // nothing is missing, both ends are declared by the device, no conflict, nothing ambiguous
)

var gradeNames = [...]string{"unknown", "INDETERMINATE", "INCOMPLETE", "EXPLAINED", "COMPLETE_BETWEEN_SEEN", "COMPLETE"}

// String is the name in APIs.
func (g Grade) String() string {
	if int(g) >= len(gradeNames) {
		return gradeNames[0]
	}
	return gradeNames[g]
}

// MarshalText makes JSON use the name.
func (g Grade) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// Reasons that a grade is not better.
const (
	ReasonNoSequence    = "no sequence"
	ReasonWrapAmbiguous = "wrap_ambiguous"
	ReasonProbation     = "probation"
	ReasonMissing       = "missing"
	ReasonOpen          = "open"
	ReasonHead          = "head_not_declared"
	ReasonTail          = "tail_not_declared"
	ReasonConflict      = "conflict"
	ReasonUnverified    = "unverified"
	ReasonSealCount     = "seal_count_mismatch"
	ReasonContradiction = "contradiction"
)

// grade judges an epoch. The reasons say why it is not better.
func (e *epoch) grade() (Grade, []string) {
	if why := e.unsure(); why != nil {
		return Indeterminate, why
	}
	r := e.less()
	missing := e.expected() - e.stored
	switch {
	case r.nOpen > 0:
		return Incomplete, []string{ReasonMissing, ReasonOpen}
	case r.nLost > 0:
		return Incomplete, []string{ReasonMissing}
	case missing > 0:
		return Explained, []string{ReasonMissing}
	}
	if why := e.doubts(); why != nil {
		return CompleteBetweenSeen, why
	}
	return Complete, nil
}

func (e *epoch) unsure() (why []string) {
	if e.unseq {
		return []string{ReasonNoSequence}
	}
	if e.ambiguous {
		why = append(why, ReasonWrapAmbiguous)
	}
	if e.probation {
		why = append(why, ReasonProbation)
	}
	return why
}

// doubts is what keeps an epoch without missing numbers from being complete.
func (e *epoch) doubts() (why []string) {
	r := e.less()
	for _, d := range []struct {
		doubt bool
		name  string
	}{
		{e.headBasis() != BasisDeclared, ReasonHead},
		{e.tailBasis() == BasisLastSeen, ReasonTail},
		{r.conflict > 0, ReasonConflict},
		{r.unverified > 0, ReasonUnverified},
		{e.countMismatch() != 0, ReasonSealCount},
		{r.contradictions > 0, ReasonContradiction},
	} {
		if d.doubt {
			why = append(why, d.name)
		}
	}
	return why
}

// grade is the worst of all epochs, 0 for a stream that has none.
func (s *stream) grade() Grade {
	worst := Grade(0)
	for _, e := range s.epochs {
		if g, _ := e.grade(); worst == 0 || g < worst {
			worst = g
		}
	}
	return worst
}

// Grade is the verdict on a stream: that of its worst epoch. It is false for an unknown stream and for one of which nothing was ever said.
func (l *Ledger) Grade(id frame.StreamID) (Grade, bool) {
	s := l.stream(id)
	if s == nil || len(s.epochs) == 0 {
		return 0, false
	}
	return s.grade(), true
}
