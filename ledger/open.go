package ledger

import "github.com/gaplessdb/gapless/frame"

// openGap is missing numbers that may still come: younger than the grace, or asked for again.
type openGap struct {
	span
	sinceMS int64  // commit time when the wait began
	nacks   uint32 // how often the device was asked to send them again
}

// openAt is the spot of the first open gap that ends after n.
func (r *rare) openAt(n uint64) spot {
	return r.open.search(func(g openGap) bool { return g.end > n })
}

// addOpen enters a gap that overlaps no other.
func (r *rare) addOpen(g openGap) {
	if last, any := r.open.last(); !any || last.end <= g.first {
		r.open.push(g)
		return
	}
	at := r.openAt(g.first)
	r.open.replace(at, at, g)
}

// cutOpen takes numbers out of the open gaps and returns how many were in there.
func (r *rare) cutOpen(cut span) uint64 {
	from := r.openAt(cut.first)
	to, n := from, uint64(0)
	var buf [2]openGap
	keep := buf[:0]
	for {
		g, any := r.open.at(to)
		if !any || g.first >= cut.end {
			break
		}
		n += g.clip(cut.first, cut.end).count()
		if left := (openGap{span{g.first, cut.first}, g.sinceMS, g.nacks}); !left.empty() {
			keep = append(keep, left)
		}
		if right := (openGap{span{cut.end, g.end}, g.sinceMS, g.nacks}); !right.empty() {
			keep = append(keep, right)
		}
		to = r.open.next(to)
	}
	if to != from {
		r.open.replace(from, to, keep...)
	}
	return n
}

// Request notes that the device was asked to send first..last again: what of it is OPEN becomes REQUESTED and waits a new grace. It returns how many
// numbers that are, 0 for an unknown stream or epoch.
func (l *Ledger) Request(id frame.StreamID, ordinal uint32, first, last uint64, commitMS int64) uint64 {
	l.advance(commitMS)
	s := l.own(id)
	if s.stream == nil || s.stream.epoch(ordinal) == nil || first > last || last > MaxSeq {
		return 0
	}
	e, total := s.epoch(ordinal), uint64(0)
	if e.rare == nil {
		return 0
	}
	var asked []openGap
	for g := range e.rare.open.from(e.rare.openAt(first)) {
		if g.first > last {
			break
		}
		asked = append(asked, openGap{span: g.clip(first, last+1), sinceMS: l.nowMS, nacks: g.nacks + 1})
	}
	for _, g := range asked {
		e.rare.cutOpen(g.span)
		e.rare.addOpen(g)
		l.queue.push(deadline{span: g.span, sinceMS: l.nowMS, stream: s.id, epoch: e.ordinal})
		total += g.count()
		l.note(GapEvent{Change: GapRequested, Epoch: e.ordinal, Stream: s.id, First: g.first, Last: g.end - 1})
	}
	return total
}
