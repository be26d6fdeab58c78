package ledger

// ringSize is how many of the newest numbers of an epoch keep the fingerprint of their frame.
const ringSize = 64

// remember keeps the fingerprint of n, which is about to be stored. Slot n%64 belongs to the number congruent to n among the 64 up to the highest stored
// one. Each of those wrote its slot when it was stored, so a slot that holds an older number's is never asked for.
func (e *epoch) remember(n uint64, fingerprint uint32) {
	top, any := e.top()
	if e.ring == nil || any && n <= top && top-n >= ringSize {
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
