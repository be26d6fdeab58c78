package ledger

// maxUnsettled bounds the numbers of an epoch whose duplicates wait for a verdict. Beyond it a duplicate is counted as unverified for good.
const maxUnsettled = 4096

// unsettled is a stored number of which so many unverified duplicates came.
type unsettled struct {
	n     uint64
	times uint32
}

// unsettledAt is the spot of the first one from n on.
func (r *rare) unsettledAt(n uint64) spot {
	return r.unsettled.search(func(u unsettled) bool { return u.n >= n })
}

func (r *rare) addUnsettled(n uint64) {
	at := r.unsettledAt(n)
	u, any := r.unsettled.at(at)
	switch {
	case any && u.n == n:
		r.unsettled.replace(at, r.unsettled.next(at), unsettled{n, u.times + 1})
	case r.unsettled.count < maxUnsettled:
		r.unsettled.replace(at, at, unsettled{n, 1})
	}
}

// settle takes one duplicate of every waiting number in first..last and returns how many.
func (r *rare) settle(first, last uint64) uint64 {
	from, settled := r.unsettledAt(first), uint64(0)
	to := from
	var keep []unsettled
	for u := range r.unsettled.from(from) {
		if u.n > last {
			break
		}
		if settled++; u.times > 1 {
			keep = append(keep, unsettled{u.n, u.times - 1})
		}
		to = r.unsettled.next(to)
	}
	r.unsettled.replace(from, to, keep...)
	return settled
}
