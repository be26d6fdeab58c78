package ledger

import "math/bits"

// ringSize is how many of the newest numbers of an epoch keep the fingerprint of their frame.
const ringSize = 64

// remember keeps the fingerprint of n, which is about to be stored. Slot n%64 belongs to the number congruent to n among the 64 below and including
// the highest stored one; ringSet says which slots hold such a number.
func (e *epoch) remember(n uint64, fingerprint uint32) {
	if e.ring == nil {
		return
	}
	top, any := e.top()
	switch {
	case !any || n > top && n-top >= ringSize:
		e.ringSet = 0
	case n > top+1: // the slots of skipped numbers hold ones that are now too old
		skipped := uint64(1)<<(n-top-1) - 1
		e.ringSet &^= bits.RotateLeft64(skipped, int((top+1)%ringSize))
	case n <= top && top-n >= ringSize:
		return
	}
	e.ring[n%ringSize] = fingerprint
	e.ringSet |= 1 << (n % ringSize)
}

// recall is the fingerprint of a stored number, false when it is too old or was never kept.
func (e *epoch) recall(n uint64) (uint32, bool) {
	top, any := e.top()
	if !any || n > top || top-n >= ringSize || e.ringSet>>(n%ringSize)&1 == 0 {
		return 0, false
	}
	return e.ring[n%ringSize], true
}
