package ledger

import "github.com/gaplessdb/gapless/frame"

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
		n, rest := l.finalise(d, budget)
		finalised += n
		budget -= max(n, 1)
		if rest.empty() {
			l.queue.pop()
		} else {
			l.queue.cut(rest.first)
		}
	}
	return finalised
}

// finalise turns what is left of a gap from OPEN to lost, at most limit pieces of it. It returns how many pieces, and the part that it did not look at.
func (l *Ledger) finalise(d deadline, limit int) (pieces int, rest span) {
	r := l.own(d.stream).epoch(d.epoch).rare // a gap opened there, so it is not nil
	from := r.openAt(d.first)
	to := from
	var keep []openGap
	for g := range r.open.from(from) {
		if g.first >= d.end {
			break
		}
		if g.sinceMS != d.sinceMS { // requested again since, or from another opening
			keep = append(keep, g)
		} else {
			if pieces == limit {
				rest = span{g.first, d.end}
				break
			}
			pieces++
			r.nOpen -= g.count()
			r.nLost += g.count()
			l.note(GapEvent{Change: GapFinal, Cause: frame.CauseNeverArrived, Epoch: d.epoch, Stream: d.stream, First: g.first, Last: g.end - 1})
		}
		to = r.open.next(to)
	}
	if r.open.replace(from, to, keep...); r.open.count == 0 {
		r.open = list[openGap]{} // a burst of loss must not keep its memory
	}
	return pieces, rest
}
