package census

import (
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// Leaf is the account of one stream at one index: what a certificate says of the stream is in it, or follows from it.
type Leaf struct {
	Key    frame.StreamKey
	Epochs []Epoch // ordinals 1, 2, 3, ...
}

// Epoch is the account of one life of a stream's counter.
type Epoch struct {
	Ordinal    uint32
	Value      string // the device's own, "" when it never sent one
	Source     ledger.Source
	Begun      bool // a first number is known
	Unnumbered bool // the server numbers the frames
	Probation  bool // inferred from a single frame
	Ambiguous  bool // how it relates to the epoch before is unknown

	Base, Next uint64 // expected are Base..Next-1
	Head       Head   // who said that Base is the first number
	Tail       Tail   // who said that Next-1 is the last one
	TailMS     int64  // and when, by commit time; 0 with TailLastSeen

	Runs []ledger.Run // what is stored
	Gaps []Gap        // what is not: together they are Base..Next-1, each number once

	Sealed    bool // the device closed the epoch with number SealLast
	Counted   bool // and said that it numbered SealCount frames
	SealLast  uint64
	SealCount uint64

	After     uint32 // ordinal of the epoch that inference split it from, 0 = none
	Linked    bool   // number n here is n+LinkDelta of epoch After
	LinkDelta uint64
	Offset    uint64    // the device's whole numbers are n+Offset
	Wraps     [2]uint64 // least and greatest number of wraps in the silence before the epoch; none if the second is 0

	Identical      uint64 // frames that came again with the same content
	Conflict       uint64 // with another content
	Unverified     uint64 // and nobody compared them
	Suspected      uint64 // without numbers: stored, but equal to one just before
	Contradictions uint64 // frames and declarations against the device's own earlier word
	LateClosed     uint64 // frames that came after their gap was final
	Ambiguities    uint64 // wraps that could not be counted
}

// Gap is consecutive missing numbers with one state, cause and reason.
type Gap struct {
	First, Last uint64
	State       ledger.State
	Cause       frame.Cause // 0 while they may still come
	Reason      string      // the device's words, "" for none
}

// Count is how many numbers are missing.
func (g *Gap) Count() uint64 { return g.Last - g.First + 1 }

// Confidence in the cause, "" while the gap is open.
func (g *Gap) Confidence() string { return ledger.Confidence(g.Cause) }

// sameAs reports whether both say the same of their numbers.
func (g *Gap) sameAs(h *Gap) bool {
	return g.State == h.State && g.Cause == h.Cause && g.Reason == h.Reason
}

// Head says how the first number is known. The numbers are part of the format.
type Head uint8

const (
	HeadFirstSeen    Head = 1 // it is the lowest one seen
	HeadProtocolZero Head = 2 // policy says that the protocol begins at 0
	HeadDeclared     Head = 3 // the device said so
)

var headNames = [...]string{"unknown", ledger.BasisFirstSeen, ledger.BasisProtocolZero, ledger.BasisDeclared}

// String is the name in reports.
func (h Head) String() string { return nameOf(headNames[:], uint8(h)) }

// Tail says how the last number is known. The numbers are part of the format.
type Tail uint8

const (
	TailLastSeen  Tail = 1 // it is the highest one seen
	TailWatermark Tail = 2 // a heartbeat said that all below the next number exist
	TailSuccessor Tail = 3 // the next epoch's heartbeat said where this one ended
	TailSeal      Tail = 4 // the device closed the epoch
)

var tailNames = [...]string{"unknown", ledger.BasisLastSeen, ledger.BasisWatermark, ledger.BasisSuccessor, ledger.BasisSeal}

// String is the name in reports.
func (t Tail) String() string { return nameOf(tailNames[:], uint8(t)) }

func nameOf(names []string, n uint8) string {
	if int(n) >= len(names) {
		return names[0]
	}
	return names[n]
}

// Epoch is the one with an ordinal, nil when there is none.
func (l *Leaf) Epoch(ordinal uint32) *Epoch {
	if ordinal == 0 || uint64(ordinal) > uint64(len(l.Epochs)) {
		return nil
	}
	return &l.Epochs[ordinal-1]
}

// Expected is how many numbers there are between the ends, both included.
func (e *Epoch) Expected() uint64 { return e.Next - e.Base }

// CountMismatch is the device's count less the numbers between the ends, 0 when it gave none or they agree.
func (e *Epoch) CountMismatch() int64 {
	if !e.Counted {
		return 0
	}
	return int64(e.SealCount - e.Expected())
}

// counters is what came that was not new and clean, in the order of the format.
func (e *Epoch) counters() [7]*uint64 {
	return [...]*uint64{&e.Identical, &e.Conflict, &e.Unverified, &e.Suspected, &e.Contradictions, &e.LateClosed, &e.Ambiguities}
}
