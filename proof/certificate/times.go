package certificate

import (
	"errors"
	"fmt"
	"math"

	"github.com/gaplessdb/gapless/proof/leaves"
)

// ErrOrder says that device times were given out of order of their numbers: which numbers lie in a time nobody could tell from them.
var ErrOrder = errors.New("certificate: times out of order")

// Moment is a number and its device time.
type Moment struct {
	Seq uint64
	NS  int64
}

// Timing finds the numbers of an epoch that may lie in a time: stored ones with a device time in it, and ones without (missing, or without a device
// time) for which the neighbours that have one leave that open. Number in order is taken for time in order there.
type Timing struct {
	Key         leaves.Key // of the epoch, for messages
	From, To    int64      // nanoseconds; To is excluded
	Base, Next  uint64     // the epoch's numbers
	first, last uint64
	any         bool
	newest      Moment
	begun       bool // there is a newest moment
}

// Add takes the next moment, in order of numbers, from Base on. One that is not behind the moment before is ErrOrder.
func (t *Timing) Add(m Moment) error {
	if t.begun && m.Seq <= t.newest.Seq {
		return fmt.Errorf("%w: number %d of %s comes after %d", ErrOrder, m.Seq, t.Key, t.newest.Seq)
	}
	t.open(m.Seq, m.NS)
	if m.NS >= t.From && m.NS < t.To {
		t.take(m.Seq, m.Seq)
	}
	t.begun, t.newest = true, m
	return nil
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
		from, after = t.newest.Seq+1, t.newest.NS
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
