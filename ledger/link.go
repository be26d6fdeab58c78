package ledger

// trueNumber turns a number of full width into the epoch's own. They differ in an epoch that began on a narrow counter, whose number of wraps before
// the first frame is unknown until a full number settles it; ok is false while that is impossible. It changes nothing: see learn.
func (l *Ledger) trueNumber(s owned, e *epoch, r reading) (n uint64, ok bool) {
	p, full := e.pace, r.low
	if p == nil {
		return full, true
	}
	if p.known {
		return full - p.offset, full >= p.offset
	}
	policy := l.policyOf(s.stream)
	r.bits, r.low = p.bits, full&(1<<p.bits-1)
	u := p.unwrap(r, policy)
	if u.fit != fitOne || u.n > full { // counting from 0, the epoch's own number is never above the device's: that may leave just one
		u = p.between(r, satSub(p.number, r.window(policy)), full)
	}
	return u.n, u.fit == fitOne
}

// learn takes note that number n of e is the device's number full.
func (l *Ledger) learn(s owned, e *epoch, n, full uint64) {
	if p := e.pace; p != nil && !p.known {
		p.known, p.offset = true, full-n
		l.link(s, e)
	}
}

// link settles how an ambiguous epoch relates to the one it was split from, once the true numbers of both are known: what lies between them was
// expected of the earlier one. No frame moves.
func (l *Ledger) link(s owned, e *epoch) {
	if !e.ambiguous || e.rare == nil || !e.begun {
		return
	}
	before := s.epoch(e.rare.after)
	if before == nil || !before.begun {
		return
	}
	offset, known := before.trueOffset()
	mine, mineKnown := e.trueOffset()
	if !known || !mineKnown || mine < offset || e.base+(mine-offset) < before.next || e.base+(mine-offset) > MaxSeq {
		return
	}
	e.rare.linked, e.rare.linkDelta = true, mine-offset
	e.ambiguous = false
	d := before.word()
	d.succeeded, d.successor, d.successorMS = true, e.base+(mine-offset)-1, l.nowMS
	l.raise(s, before, d.successor+1)
}

// trueOffset is what to add to the epoch's numbers to get the device's, and whether that is known.
func (e *epoch) trueOffset() (uint64, bool) {
	if e.pace == nil {
		return 0, true
	}
	return e.pace.offset, e.pace.known
}

// beforeLink is where a number below the base of a linked epoch belongs: the epoch before, in its numbers.
func (s owned) beforeLink(e *epoch, n uint64) (*epoch, uint64, bool) {
	if e.rare == nil || !e.rare.linked || n >= e.base {
		return e, n, false
	}
	return s.epoch(e.rare.after), n + e.rare.linkDelta, true
}
