package ledger

// said is what a device declared about an epoch's ends. Times are commit times in ms.
type said struct {
	hasFirst, hasMark, sealed, hasCount, succeeded bool

	first       uint64 // first number
	mark        uint64 // every number below exists
	markMS      int64
	sealLast    uint64 // last number for ever
	sealCount   uint64 // numbers that the device counted
	sealMS      int64
	successor   uint64 // last number, according to the next epoch
	successorMS int64
}

func (e *epoch) word() *said {
	if e.said == nil {
		e.said = &said{}
	}
	return e.said
}

// Names of bases in reports: domain words, not to be changed.
const (
	BasisDeclared     = "declared"
	BasisProtocolZero = "protocol_zero"
	BasisFirstSeen    = "first_seen"
	BasisSeal         = "seal"
	BasisWatermark    = "watermark"
	BasisSuccessor    = "successor"
	BasisLastSeen     = "last_seen"
)

// headBasis says who said that base is the first number. A frame below the declared first takes the declaration's force away.
func (e *epoch) headBasis() string {
	switch {
	case e.said != nil && e.said.hasFirst && e.begun && e.base == e.said.first:
		return BasisDeclared
	case e.zero && e.begun && e.base == 0:
		return BasisProtocolZero
	}
	return BasisFirstSeen
}

// tailBasis says who said that next-1 is the last number. A declaration that later frames have overtaken is not one of the tail.
func (e *epoch) tailBasis() string {
	basis, _ := e.tail()
	return basis
}

// tail is the basis and when it was declared, 0 when it was not.
func (e *epoch) tail() (basis string, declaredMS int64) {
	d := e.said
	switch {
	case d == nil || !e.begun:
	case d.sealed && d.sealLast+1 == e.next:
		return BasisSeal, d.sealMS
	case d.succeeded && d.successor+1 == e.next:
		return BasisSuccessor, d.successorMS
	case d.hasMark && d.mark == e.next:
		return BasisWatermark, d.markMS
	}
	return BasisLastSeen, 0
}

// countMismatch is the device's count less the numbers between the ends, 0 when it gave none or they agree.
func (e *epoch) countMismatch() int64 {
	if e.said == nil || !e.said.hasCount {
		return 0
	}
	return int64(e.said.sealCount - e.expected())
}
