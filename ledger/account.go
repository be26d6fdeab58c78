package ledger

import (
	"iter"

	"github.com/gaplessdb/gapless/frame"
)

// Account is all that is known of the numbers of one epoch, for who states it where others can check the statement. It reads the ledger when it is
// asked for runs and gaps, so it is good until the ledger changes.
type Account struct {
	Ordinal    uint32
	Value      string // the device's own, "" when it never sent one
	Source     Source
	Begun      bool // Base and Next mean something
	Unnumbered bool // the server numbers the frames
	Probation  bool // inferred from a single frame
	Ambiguous  bool // how it relates to the epoch before is unknown

	Base, Next uint64 // expected are Base..Next-1
	HeadBasis  string // one of the Basis constants, as TailBasis
	TailBasis  string
	TailMS     int64 // commit time of the declaration, 0 with BasisLastSeen

	Sealed    bool // the device closed the epoch with number SealLast
	Counted   bool // and said that it numbered SealCount frames
	SealLast  uint64
	SealCount uint64

	After     uint32 // ordinal of the epoch that inference split it from, 0 = none
	Linked    bool   // number n here is n+LinkDelta of epoch After
	LinkDelta uint64
	Offset    uint64    // the device's whole numbers are n+Offset, as far as that is known
	Wraps     [2]uint64 // least and greatest number of wraps in the silence before the epoch

	Identical, Conflict, Unverified, Suspected uint64 // duplicates
	LateClosed, Contradictions, Ambiguities    uint64
	Balance                                    Balance // the counters; Drift is not measured

	e *epoch
}

// Piece is consecutive missing numbers with one state, cause and reason.
type Piece struct {
	First, Last uint64
	State       State
	Cause       frame.Cause // 0 while they may still come
	Reason      string      // the device's words
}

// Runs yields what is stored, ascending. Runs neither overlap nor touch.
func (a *Account) Runs() iter.Seq[Run] { return a.e.cov.All(0, MaxSeq) }

// Pieces yields what is missing, ascending. Two that touch may be equal: they wait since, or were asked for, at different times.
func (a *Account) Pieces() iter.Seq[Piece] {
	return func(yield func(Piece) bool) {
		if a.e.whole() {
			return
		}
		for g := range a.e.gaps(0) {
			if !yield(Piece{g.first, g.end - 1, g.state, g.cause, g.reason}) {
				return
			}
		}
	}
}

// Accounts yields the epochs of a stream, by ordinal; none of an unknown one.
func (l *Ledger) Accounts(id frame.StreamID) iter.Seq[Account] {
	return func(yield func(Account) bool) {
		s := l.stream(id)
		if s == nil {
			return
		}
		for _, e := range s.epochs {
			if !yield(e.account()) {
				return
			}
		}
	}
}

// All yields every stream, sorted by (tenant, device, stream).
func (l *Ledger) All() iter.Seq2[frame.StreamID, frame.StreamKey] {
	return func(yield func(frame.StreamID, frame.StreamKey) bool) {
		for id := range l.names.order.all() {
			if !yield(id, l.stream(id).key()) {
				return
			}
		}
	}
}

func (e *epoch) account() Account {
	r := e.less()
	a := Account{
		Ordinal: e.ordinal, Value: e.value, Source: e.source,
		Begun: e.begun, Unnumbered: e.unseq, Probation: e.probation, Ambiguous: e.ambiguous,
		Base: e.base, Next: e.next, HeadBasis: e.headBasis(),
		After: r.after, Linked: r.linked, LinkDelta: r.linkDelta, Wraps: r.wraps,
		Identical: r.identical, Conflict: r.conflict, Unverified: r.unverified, Suspected: r.suspected,
		LateClosed: r.lateClosed, Contradictions: r.contradictions, Ambiguities: r.ambiguities,
		Balance: e.counters(), e: e,
	}
	a.TailBasis, a.TailMS = e.tail()
	if d := e.said; d != nil && d.sealed {
		a.Sealed, a.Counted, a.SealLast, a.SealCount = true, d.hasCount, d.sealLast, d.sealCount
	}
	if offset, known := e.trueOffset(); known {
		a.Offset = offset
	}
	return a
}

// Confidence in the cause of missing numbers; none while they may still come.
func Confidence(cause frame.Cause) string { return (&gap{cause: cause}).confidence() }
