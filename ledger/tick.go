package ledger

import "slices"

// Tick makes gaps final whose grace is over at commit time commitMS and returns how many. It looks at no more than Policy.FinalisePerTick of them; the rest
// waits for the next Tick. With paused (no majority of clocks) nothing becomes final.
func (l *Ledger) Tick(commitMS int64, paused bool) (finalised int) {
	if paused {
		return 0
	}
	l.advance(commitMS)
	for budget := l.policy.FinalisePerTick; budget > 0 && l.queue.len() > 0; {
		d := l.queue.front()
		if d.sinceMS > l.nowMS-l.policy.GraceMS {
			break
		}
		n, done := l.finalise(d, budget)
		finalised += n
		budget -= max(n, 1)
		if done {
			l.queue.pop()
		}
	}
	return finalised
}

// finalise turns what is left of a gap from OPEN to lost, at most max pieces of it. It returns how many pieces, and whether nothing is left.
func (l *Ledger) finalise(d *deadline, limit int) (pieces int, done bool) {
	r := l.stream(d.stream).epoch(d.epoch).rare // a gap opened there, so it is not nil
	i := r.openAt(d.first)
	keep, j := i, i
	for ; j < len(r.open) && r.open[j].first < d.end; j++ {
		g := r.open[j]
		if g.sinceMS != d.sinceMS { // requested again since, or from another opening
			r.open[keep] = g
			keep++
			continue
		}
		if pieces == limit {
			d.first = g.first
			break
		}
		pieces++
		r.nOpen -= g.count()
		r.nLost += g.count()
	}
	done = j == len(r.open) || r.open[j].first >= d.end
	if r.open = slices.Delete(r.open, keep, j); len(r.open) == 0 {
		r.open = nil // a burst of loss must not keep its memory
	}
	return pieces, done
}
