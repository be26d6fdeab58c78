package ledger

import "github.com/gaplessdb/gapless/frame"

// Extent is what is expected of an epoch and how sure that is: what Report says of it without what takes long to find.
type Extent struct {
	First, Last  uint64 // expected numbers
	Stored       uint64 // of them
	HeadDeclared bool   // the device declared First
	TailSeen     bool   // nobody declared Last: it is the last one seen
	Doubt        bool   // what the device said or sent does not agree
	Grade        Grade  // of the epoch as a whole
}

// Extent looks at counters only. It is false while nothing is expected, and for an unknown epoch.
func (l *Ledger) Extent(id frame.StreamID, ordinal uint32) (x Extent, ok bool) {
	s := l.stream(id)
	if s == nil {
		return x, false
	}
	e := s.epoch(ordinal)
	if e == nil || e.next <= e.base {
		return x, false
	}
	r := e.less()
	x = Extent{
		First: e.base, Last: e.next - 1, Stored: e.stored,
		HeadDeclared: e.headBasis() == BasisDeclared, TailSeen: e.tailBasis() == BasisLastSeen,
		Doubt: r.conflict > 0 || r.unverified > 0 || r.contradictions > 0 || e.said != nil && e.said.sealed && e.countMismatch() != 0,
	}
	x.Grade, _ = e.grade()
	return x, true
}

// Missing calls fn for the missing numbers of an epoch inside in, ascending, in pieces that have one state and cause, until it returns false.
// A piece is explained when its cause is known exactly: the device declared it, or this store refused, shed or expired it.
func (l *Ledger) Missing(id frame.StreamID, ordinal uint32, in Run, fn func(piece Run, explained bool) bool) {
	s := l.stream(id)
	if s == nil {
		return
	}
	e := s.epoch(ordinal)
	if e == nil || e.whole() {
		return
	}
	for g := range e.gaps(in.First) {
		if g.first > in.Last {
			return
		}
		piece := Run{max(g.first, in.First), min(g.end-1, in.Last)}
		if !fn(piece, g.cause != 0 && g.cause != frame.CauseNeverArrived) {
			return
		}
	}
}
