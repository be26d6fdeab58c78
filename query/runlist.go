package query

import (
	"math"
	"sort"

	"github.com/gaplessdb/gapless/ledger"
)

// runList is the stored numbers of an epoch in one segment, as runs, ascending.
type runList []ledger.Run

// at is the place of the first run that ends at or above seq.
func (l runList) at(seq uint64) int {
	return sort.Search(len(l), func(i int) bool { return l[i].Last >= seq })
}

func (l runList) has(seq uint64) bool {
	i := l.at(seq)
	return i < len(l) && l[i].First <= seq
}

// below is the next lower stored number.
func (l runList) below(seq uint64) (uint64, bool) {
	i := l.at(seq)
	if i < len(l) && l[i].First < seq {
		return seq - 1, true
	}
	if i == 0 {
		return 0, false
	}
	return l[i-1].Last, true
}

// above is the next higher stored number.
func (l runList) above(seq uint64) (uint64, bool) {
	if seq == math.MaxUint64 {
		return 0, false
	}
	i := l.at(seq + 1)
	if i == len(l) {
		return 0, false
	}
	return max(l[i].First, seq+1), true
}
