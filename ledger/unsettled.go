package ledger

import (
	"cmp"
	"slices"
)

// maxUnsettled bounds the numbers of an epoch whose duplicates wait for a verdict. Beyond it a duplicate is counted as unverified for good.
const maxUnsettled = 4096

// unsettled is a stored number of which so many unverified duplicates came.
type unsettled struct {
	n     uint64
	times uint32
}

func (r *rare) unsettledAt(n uint64) (int, bool) {
	return slices.BinarySearchFunc(r.unsettled, n, func(u unsettled, n uint64) int { return cmp.Compare(u.n, n) })
}

func (r *rare) addUnsettled(n uint64) {
	i, found := r.unsettledAt(n)
	switch {
	case found:
		r.unsettled[i].times++
	case len(r.unsettled) < maxUnsettled:
		r.unsettled = slices.Insert(r.unsettled, i, unsettled{n, 1})
	}
}

// settle takes one duplicate of every waiting number in first..last and returns how many.
func (r *rare) settle(first, last uint64) uint64 {
	i, _ := r.unsettledAt(first)
	j, keep := i, i
	for ; j < len(r.unsettled) && r.unsettled[j].n <= last; j++ {
		u := r.unsettled[j]
		if u.times--; u.times > 0 {
			r.unsettled[keep] = u
			keep++
		}
	}
	r.unsettled = slices.Delete(r.unsettled, keep, j)
	return uint64(j - i)
}
