package ledger

// begin sets the ends of an epoch of which nothing is known yet: n is the first number seen or named.
func (e *epoch) begin(n uint64) {
	if e.begun {
		return
	}
	e.begun, e.base, e.next = true, n, n
	if e.zero {
		e.base, e.next = 0, 0
	}
}

// raise makes every number below next expected.
func (l *Ledger) raise(s owned, e *epoch, next uint64) {
	if next <= e.next {
		return
	}
	from := e.next
	e.next = next
	l.expect(s, e, span{from, next})
}

// lower makes every number from base on expected.
func (l *Ledger) lower(s owned, e *epoch, base uint64) {
	if base >= e.base {
		return
	}
	to := e.base
	e.base = base
	l.expect(s, e, span{base, to})
}

// expect accounts for numbers that just came inside the bounds and are not stored: those with a known cause count under it, the others are
// OPEN for the grace.
func (l *Ledger) expect(s owned, e *epoch, in span) {
	if in.empty() {
		return
	}
	r := e.more()
	at := in.first
	for f := range r.factsIn(in) {
		part := f.clip(in.first, in.end)
		l.openGap(s, e, span{at, part.first})
		*r.term(f.cause) += part.count()
		l.note(GapEvent{Change: GapFinal, Cause: f.cause, Epoch: e.ordinal, Stream: s.id, First: part.first, Last: part.end - 1})
		at = part.end
	}
	l.openGap(s, e, span{at, in.end})
}

func (l *Ledger) openGap(s owned, e *epoch, in span) {
	if in.empty() {
		return
	}
	r := e.more()
	r.addOpen(openGap{span: in, sinceMS: l.nowMS})
	r.nOpen += in.count()
	l.queue.push(deadline{span: in, sinceMS: l.nowMS, stream: s.id, epoch: e.ordinal})
	l.note(GapEvent{Change: GapOpened, Epoch: e.ordinal, Stream: s.id, First: in.first, Last: in.end - 1})
}

// store puts n, which is not stored, into coverage. It moves the ends if n lies outside and closes the gap if it lies inside, which it reports as late.
func (l *Ledger) store(s owned, e *epoch, n uint64) (late bool) {
	e.begin(n)
	switch {
	case n >= e.next:
		e.forget(n)
		l.raise(s, e, n)
		e.next = n + 1
	case n < e.base:
		e.forget(n)
		late = true
		l.lower(s, e, n+1)
		e.base = n
	default:
		late = true
		final := e.more().arrive(n)
		l.note(GapEvent{Change: GapClosed, Late: final, Epoch: e.ordinal, Stream: s.id, First: n, Last: n})
	}
	e.cov.Add(n)
	e.stored++
	return late
}

// forget drops the cause of a number outside the bounds: it arrived after all.
func (e *epoch) forget(n uint64) {
	if e.rare == nil {
		return
	}
	if _, known := e.rare.cutFact(n); known {
		e.rare.lateClosed++
	}
}

// arrive closes one missing number inside the bounds, and says whether it was final.
func (r *rare) arrive(n uint64) (final bool) {
	if r.cutOpen(span{n, n + 1}) == 1 {
		r.nOpen--
		r.reordered++
		return false
	}
	r.lateClosed++
	if cause, known := r.cutFact(n); known {
		*r.term(cause)--
		return true
	}
	r.nLost--
	return true
}

// declareFirst takes the device's word for the first number of an epoch.
func (l *Ledger) declareFirst(s owned, e *epoch, first uint64) {
	if e.said != nil && e.said.hasFirst && e.said.first == first {
		return
	}
	d := e.word()
	if d.hasFirst && d.first < first {
		e.more().contradictions++
		return
	}
	if d.hasFirst {
		e.more().contradictions++
	}
	if !e.begun {
		e.zero = false // the device knows better than the protocol
	}
	e.begin(first)
	if e.base < first {
		e.more().contradictions++
	}
	d.hasFirst, d.first = true, first
	l.lower(s, e, first)
}

// declareNext takes the device's word that every number below next exists. It reports whether that was news.
func (l *Ledger) declareNext(s owned, e *epoch, next uint64) bool {
	e.begin(next)
	d := e.word()
	if next < e.next || d.hasMark && d.mark >= next {
		if l.renews && d.hasMark && d.mark == next {
			d.markMS = l.nowMS
		}
		return false
	}
	d.hasMark, d.mark, d.markMS = true, next, l.nowMS
	l.raise(s, e, next)
	return true
}
