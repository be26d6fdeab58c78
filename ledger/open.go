package ledger

import (
	"slices"

	"github.com/gaplessdb/gapless/frame"
)

// openGap is missing numbers that may still come: younger than the grace, or asked for again.
type openGap struct {
	span
	sinceMS int64  // commit time when the wait began
	nacks   uint32 // how often the device was asked to send them again
}

// openAt is the position of the first open gap that ends after n.
func (r *rare) openAt(n uint64) int {
	i, _ := slices.BinarySearchFunc(r.open, n, func(g openGap, n uint64) int {
		if g.end <= n {
			return -1
		}
		return 1
	})
	return i
}

// addOpen enters a gap that overlaps no other.
func (r *rare) addOpen(g openGap) {
	if n := len(r.open); n == 0 || r.open[n-1].end <= g.first {
		r.open = append(r.open, g)
		return
	}
	r.open = slices.Insert(r.open, r.openAt(g.first), g)
}

// cutOpen takes numbers out of the open gaps and returns how many were in there.
func (r *rare) cutOpen(cut span) uint64 {
	i := r.openAt(cut.first)
	j, n := i, uint64(0)
	var left, right openGap
	for ; j < len(r.open) && r.open[j].first < cut.end; j++ {
		g := r.open[j]
		n += g.clip(cut.first, cut.end).count()
		if g.first < cut.first {
			left = g
			left.end = cut.first
		}
		if g.end > cut.end {
			right = g
			right.first = cut.end
		}
	}
	if i == j {
		return 0
	}
	var keep [2]openGap
	k := 0
	for _, g := range [...]openGap{left, right} {
		if !g.empty() {
			keep[k] = g
			k++
		}
	}
	r.open = slices.Replace(r.open, i, j, keep[:k]...)
	return n
}

// Request notes that the device was asked to send first..last again: what of it is OPEN becomes REQUESTED and waits a new grace. It returns how many
// numbers that are, 0 for an unknown stream or epoch.
func (l *Ledger) Request(id frame.StreamID, ordinal uint32, first, last uint64, commitMS int64) uint64 {
	l.advance(commitMS)
	s := l.stream(id)
	if s == nil || s.epoch(ordinal) == nil || first > last || last > MaxSeq {
		return 0
	}
	e, total := s.epoch(ordinal), uint64(0)
	want := span{first, last + 1}
	for _, g := range slices.Clone(e.openList()) {
		part := g.clip(want.first, want.end)
		if part.empty() {
			continue
		}
		e.rare.cutOpen(part)
		e.rare.addOpen(openGap{span: part, sinceMS: l.nowMS, nacks: g.nacks + 1})
		l.queue.push(deadline{span: part, sinceMS: l.nowMS, stream: s.id, epoch: e.ordinal})
		total += part.count()
	}
	return total
}
