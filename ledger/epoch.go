package ledger

import (
	"math"

	"github.com/gaplessdb/gapless/frame"
)

// Source says how the start of an epoch is known; a higher one is stronger.
type Source uint8

const (
	SourceInferred Source = 1 // from the numbers, times and contents of frames
	SourceBirth    Source = 2 // a birth message of the protocol
	SourceDeclared Source = 3 // the device's own epoch value
)

// String is the name in reports.
func (s Source) String() string {
	switch s {
	case SourceInferred:
		return "inferred"
	case SourceBirth:
		return "birth"
	case SourceDeclared:
		return "declared"
	}
	return "unknown"
}

// epoch is one life of a counter. What every clean stream has is in the struct itself; the rest hangs on pointers that are nil until needed.
type epoch struct {
	ordinal   uint32
	source    Source
	begun     bool   // base and next mean something
	probation bool   // inferred from one frame only
	ambiguous bool   // how it relates to the epoch before is unknown
	unseq     bool   // the server numbers the frames
	zero      bool   // the protocol starts at 0
	version   uint32 // see own.go

	value   string // the device's own value, "" when it never sent one
	base    uint64 // first expected number
	next    uint64 // high-water + 1
	cov     Runs   // stored numbers, all in [base, next)
	stored  uint64 // how many: counted by store, to be compared with cov
	maxTime int64  // newest plausible device time of a stored frame, ns; noTime before the first
	ringSet uint64 // which slots of ring were ever written
	ring    *[ringSize]uint32

	said *said // what the device declared
	pace *pace // unwrapping of a narrow counter
	rare *rare // gaps, causes, counters of what is not clean
}

// noTime stands for a time that is not known.
const noTime = math.MinInt64

func newEpoch(ordinal uint32, value string, source Source) *epoch {
	return &epoch{ordinal: ordinal, value: value, source: source, maxTime: noTime, ring: new([ringSize]uint32)}
}

// rare holds what most streams do without.
type rare struct {
	open  list[openGap]
	facts list[fact] // parts outside [base, next) do not count yet

	// Terms of balance A: numbers in [base, next) that are not stored.
	nOpen, nLost, nDeclared, nShed, nRejected, nExpired uint64

	identical, conflict, unverified, suspected uint64 // frames that came for a number already stored; suspected: without numbers
	unsettled                                  list[unsettled]
	lateClosed                                 uint64 // frames that came after their number was final
	reordered                                  uint64 // frames that came late but in time
	skewed                                     uint64 // stored frames with an implausible device time
	contradictions                             uint64 // frames or declarations that break what the device declared before
	ambiguities                                uint64 // wraps that could not be counted

	after     uint32 // ordinal of the epoch from which inference split this one, 0 = none
	linked    bool   // the ambiguity is settled: number n here is n+linkDelta there
	linkDelta uint64
	wraps     [2]uint64 // least and greatest number of wraps that the silence may have held
}

func (e *epoch) more() *rare {
	if e.rare == nil {
		e.rare = &rare{}
	}
	return e.rare
}

// noRare stands in for readers of an epoch that has none.
var noRare = &rare{}

func (e *epoch) less() *rare {
	if e.rare == nil {
		return noRare
	}
	return e.rare
}

// term is the counter of balance A that a cause belongs to.
func (r *rare) term(c frame.Cause) *uint64 {
	switch {
	case c == frame.CauseDeclaredLost:
		return &r.nDeclared
	case c.Shed():
		return &r.nShed
	case c.Rejected():
		return &r.nRejected
	}
	return &r.nExpired
}

// top is the highest stored number; before the first it is the one before base. It may be -1, hence the second result.
func (e *epoch) top() (uint64, bool) {
	if e.cov.tail.empty() {
		return 0, false
	}
	return e.cov.tail.end - 1, true
}

// missing reports whether n is expected and not stored.
func (e *epoch) missing(n uint64) bool {
	return e.begun && e.base <= n && n < e.next && !e.cov.Contains(n)
}

func (e *epoch) expected() uint64 { return e.next - e.base }

// whole reports whether all that is expected is one run, so that there is no gap to look for.
func (e *epoch) whole() bool { return e.cov.tail == span{e.base, e.next} }
