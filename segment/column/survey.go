package column

import (
	"math"
	"math/bits"
)

// The three ways to see a row of integers, in the order in which a tie is decided.
const (
	asFrame  = iota // the values
	asDelta         // their differences
	asDelta2        // the differences of those
	views
)

// survey is what one pass over integers finds out: for each view and miniblock the least entry and the width of the distances from it,
// and what all of that would cost.
type survey struct {
	ref   [views][maxBlocks]uint64
	width [views][maxBlocks]uint8
	bytes [views]int // of all miniblocks, before patching
	runs  int        // stretches of equal values
	low   int64      // the least value
	high  int64      // the greatest

	// The value before the first is chosen such that the first delta equals the second one, and so is the delta before that: no first
	// entry stands out in its miniblock, and every view has as many entries as there are values.
	before, delta uint64
}

// spread is the least and the greatest entry of one miniblock in each view.
type spread struct {
	low, high [views]uint64
	changes   int // neighbours that differ
}

// take surveys x, of at least two values.
func (s *survey) take(x []uint64) {
	s.delta = x[1] - x[0]
	s.before = x[0] - s.delta
	s.bytes = [views]int{}
	s.low, s.high = math.MaxInt64, math.MinInt64
	s.runs = 1
	if s.delta != 0 {
		s.runs = 0 // the first change is made up
	}
	var former [views]uint64
	var found spread
	prev, prevDelta := s.before, s.delta
	for block := 0; block*miniblock < len(x); block++ {
		part := x[block*miniblock : min(len(x), (block+1)*miniblock)]
		prev, prevDelta = found.take(part, prev, prevDelta)
		s.runs += found.changes
		s.low, s.high = min(s.low, int64(found.low[asFrame])), max(s.high, int64(found.high[asFrame]))
		for view := range views {
			low := found.low[view]
			width := uint(bits.Len64(found.high[view] - low))
			s.ref[view][block], s.width[view][block] = low, uint8(width)
			s.bytes[view] += blockBytes(len(part), width, low-former[view])
			former[view] = low
		}
	}
}

// take looks at one miniblock behind the value prev, to which the difference delta led.
func (f *spread) take(part []uint64, prev, delta uint64) (last, lastDelta uint64) {
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	low1, high1 := low, high
	low2, high2 := low, high
	changes := uint64(0)
	for _, v := range part {
		d := int64(v - prev)
		dd := d - int64(delta)
		low, high = min(low, int64(v)), max(high, int64(v))
		low1, high1 = min(low1, d), max(high1, d)
		low2, high2 = min(low2, dd), max(high2, dd)
		changes += uint64(d|-d) >> 63
		prev, delta = v, uint64(d)
	}
	f.low = [views]uint64{uint64(low), uint64(low1), uint64(low2)}
	f.high = [views]uint64{uint64(high), uint64(high1), uint64(high2)}
	f.changes = int(changes)
	return prev, delta
}

// best is the cheapest view and its bytes; a later one must save at least one byte in 128.
func (s *survey) best() (view, bytes int) {
	for v := range views {
		if s.bytes[v] < s.bytes[view]-s.bytes[view]>>7 {
			view = v
		}
	}
	return view, s.bytes[view]
}
