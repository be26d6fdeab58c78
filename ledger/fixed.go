package ledger

import (
	"math"
	"math/bits"
)

// Integer arithmetic that saturates: a decision never rests on a float or an overflow.

// mulDiv is a*b/c, or the greatest uint64 if that does not fit or c is 0.
func mulDiv(a, b, c uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	if hi >= c {
		return math.MaxUint64
	}
	q, _ := bits.Div64(hi, lo, c)
	return q
}

func satMul(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	if hi != 0 {
		return math.MaxUint64
	}
	return lo
}

func satAdd(a, b uint64) uint64 {
	sum, carry := bits.Add64(a, b, 0)
	if carry != 0 {
		return math.MaxUint64
	}
	return sum
}

func satSub(a, b uint64) uint64 {
	if a < b {
		return 0
	}
	return a - b
}

// since is how much later b is than a: the distance, and whether b is the earlier one.
func since(a, b int64) (distance uint64, earlier bool) {
	if b < a {
		return uint64(a) - uint64(b), true
	}
	return uint64(b) - uint64(a), false
}

// later is t plus ns.
func later(t int64, ns uint64) int64 {
	if room, _ := since(t, math.MaxInt64); ns > room {
		return math.MaxInt64
	}
	return int64(uint64(t) + ns)
}

// distance is |a-b|.
func distance(a, b uint64) uint64 {
	if a > b {
		return a - b
	}
	return b - a
}

// msToNS saturates at the ends of int64.
func msToNS(ms int64) int64 {
	const limit = math.MaxInt64 / 1_000_000
	return min(max(ms, -limit), limit) * 1_000_000
}
