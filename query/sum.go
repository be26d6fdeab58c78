package query

import (
	"math"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// sum adds up the completeness of several streams or epochs. It is a value: a copy is a subtotal.
type sum struct {
	completeness
	parts   int
	broken  bool         // a part has no complete beginning, so the whole has none
	holding bool         // a part has missing numbers: through is where the earliest of those stops
	best    ledger.Grade // that parts of which nothing is expected allow, 0 when they do not bound it
}

// add takes in one part.
func (s *sum) add(part completeness) {
	s.parts++
	s.expected = saturate(s.expected, part.expected)
	s.stored = saturate(s.stored, part.stored)
	if s.verdict == 0 || part.verdict < s.verdict {
		s.verdict = part.verdict
	}
	s.addThrough(part.through, part.missing() > 0)
}

// bound takes in a part of which nothing is expected, and which may have lost something (unseen).
func (s *sum) bound(best ledger.Grade) { s.best = worse(s.best, best) }

// addThrough moves the end of what is complete: the earliest end of the parts that miss something, or the latest where none does. The
// number means something only while there is one part.
func (s *sum) addThrough(t through, holds bool) {
	if s.parts == 1 {
		s.through, s.holding = t, holds
		s.broken = !t.hasTime
		return
	}
	s.through.hasSeq = false
	s.broken = s.broken || !t.hasTime
	if s.broken {
		s.through = through{}
		return
	}
	switch {
	case holds && s.holding:
		s.through.timeNS = min(s.through.timeNS, t.timeNS)
	case holds:
		s.through.timeNS = t.timeNS
	case !s.holding:
		s.through.timeNS = max(s.through.timeNS, t.timeNS)
	}
	s.holding = s.holding || holds
}

// result is the completeness of all parts. Of nothing, nothing is known.
func (s *sum) result() completeness {
	c := s.completeness
	if c.verdict == 0 {
		c.verdict = ledger.Indeterminate
	}
	c.verdict = worse(c.verdict, s.best)
	return c
}

func saturate(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

// ofStream is the completeness of all epochs of a stream, false when it never had one. It reads counters; only where numbers are
// missing it walks the epochs to the first of them.
func ofStream(v *View, id frame.StreamID, key frame.StreamKey) (*part, bool) {
	s, ok := v.Ledger.Summary(id)
	if !ok || s.Epochs == 0 {
		return nil, false
	}
	p := &part{completeness: completeness{verdict: s.Verdict, expected: s.Totals.Expected, stored: s.Totals.Stored}}
	if p.missing() == 0 {
		if s.HasLast {
			p.reach(v, targetOf(v, id, key, s.Current), s.LastSeq)
		}
		return p, true
	}
	for ordinal := uint32(1); ordinal <= uint32(s.Epochs); ordinal++ {
		b, _ := v.Ledger.EpochBalance(id, ordinal)
		if b.Missing() == 0 {
			continue
		}
		reports, _ := v.Ledger.Report(id, ledger.ReportOptions{Epoch: ordinal, GapLimit: 1})
		if len(reports) == 1 && reports[0].CompleteThrough != nil {
			p.reach(v, targetOf(v, id, key, ordinal), reports[0].CompleteThrough.Seq)
		}
		break
	}
	return p, true
}
