package certificate

import "math"

// Moment is a number and its device time.
type Moment struct {
	Seq uint64
	NS  int64
}

// Timing finds the numbers of an epoch that may lie in a time: stored ones with a device time in it, and ones without (missing, or without a device
// time) for which the neighbours that have one leave that open. Number in order is taken for time in order there.
type Timing struct {
	From, To    int64  // nanoseconds; To is excluded
	Base, Next  uint64 // the epoch's numbers
	first, last uint64
	any         bool
	at          uint64 // the number behind the newest moment, if any
	atNS        int64
	begun       bool
}

// Add takes the next moment, in order of numbers, from Base on.
func (t *Timing) Add(m Moment) {
	t.open(m.Seq, m.NS)
	if m.NS >= t.From && m.NS < t.To {
		t.take(m.Seq, m.Seq)
	}
	t.begun, t.at, t.atNS = true, m.Seq+1, m.NS
}

// Range is the first and the last of these numbers, nil when there is none.
func (t *Timing) Range() []uint64 {
	t.open(t.Next, math.MaxInt64)
	if !t.any {
		return nil
	}
	return []uint64{t.first, t.last}
}

// open looks at the numbers without a time before end, behind which the time is ns.
func (t *Timing) open(end uint64, ns int64) {
	from, after := t.Base, int64(math.MinInt64)
	if t.begun {
		from, after = t.at, t.atNS
	}
	if from < end && after < t.To && ns >= t.From {
		t.take(from, end-1)
	}
}

func (t *Timing) take(first, last uint64) {
	if !t.any {
		t.any, t.first = true, first
	}
	t.last = last
}
