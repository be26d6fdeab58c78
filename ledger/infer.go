package ledger

// route says where a frame belongs: to a number of an epoch, or to a new epoch that it opens.
type route struct {
	epoch     *epoch
	n         uint64
	opens     bool
	probation bool // the new epoch waits for a second frame
	ambiguous bool // the new epoch's relation to epoch is unknown
	narrow    unwrapped
}

func to(e *epoch, n uint64) route { return route{epoch: e, n: n} }

// restart opens an epoch after e. Without probation the evidence is already enough.
func restart(e *epoch, n uint64, probation bool) route {
	return route{epoch: e, n: n, opens: true, probation: probation}
}

// route finds the place of a frame whose epoch value leads to e, which is not nil.
func (l *Ledger) route(s owned, e *epoch, f *sighting) route {
	if f.bits == 64 {
		n, ok := l.trueNumber(s, e, f.reading())
		if !ok {
			return l.elsewhere(s, e, f, route{epoch: e, n: f.seq, opens: true, probation: true, ambiguous: true})
		}
		l.learn(s, e, n, f.seq)
		return l.place(s, e, n, f)
	}
	p := e.pacing(f)
	if p == nil {
		return to(e, e.firstNumber(f))
	}
	u := p.unwrap(f.reading(), l.policyOf(s.stream))
	switch u.fit {
	case fitOne:
		return l.place(s, e, u.n, f)
	case fitMany:
		return l.elsewhere(s, e, f, route{epoch: e, n: u.n, opens: true, probation: true, ambiguous: true, narrow: u})
	}
	return l.outOfReach(s, e, p, f)
}

// outOfReach places the number of a narrow counter that the rate does not explain: a late frame, a restart or damage.
func (l *Ledger) outOfReach(s owned, e *epoch, p *pace, f *sighting) route {
	behind, any := p.behind(f.reading())
	if f.value != "" { // the device names its epochs, so this is no restart
		if any && e.missing(behind) && !f.newerThan(e) {
			return to(e, behind)
		}
		return l.elsewhere(s, e, f, route{epoch: e, n: p.nextLike(f.reading()), opens: true, probation: true, ambiguous: true})
	}
	if any && !f.newerThan(e) {
		return l.place(s, e, behind, f)
	}
	if policy := l.policyOf(s.stream); any && policy.ruled() {
		return restart(e, f.seq, !policy.fell(p.number, behind, f.seq))
	}
	return l.elsewhere(s, e, f, restart(e, f.seq, true))
}

// place decides about a full number. Where the device names its epochs, that is all there is to it; otherwise the epoch is an inference.
func (l *Ledger) place(s owned, e *epoch, n uint64, f *sighting) route {
	if before, m, linked := s.beforeLink(e, n); linked {
		return to(before, m)
	}
	top, any := e.top()
	switch {
	case f.value != "" || !any && !e.sealedBelow(n):
		return to(e, n)
	case any && n <= top:
		return l.placeBack(s, e, n, top, f)
	case e.sealedBelow(n):
		return restart(e, f.seq, false)
	}
	return l.placeAhead(s, e, n, top, f)
}

// sealedBelow reports whether the device closed the epoch at a number below n.
func (e *epoch) sealedBelow(n uint64) bool {
	return e.said != nil && e.said.sealed && n > e.said.sealLast
}

// placeAhead places a number above the highest stored one.
func (l *Ledger) placeAhead(s owned, e *epoch, n, top uint64, f *sighting) route {
	window := l.window(s.stream)
	if n-top <= window {
		return to(e, n)
	}
	if prev := s.epoch(s.previous); prev != nil && f.bits == 64 && lateFor(prev, e, n, window, f) {
		return to(prev, n)
	}
	r := to(e, n)
	if n > e.next && n-e.next > l.policy.MaxJump {
		r = restart(e, f.seq, true)
		r.ambiguous = true
	}
	return l.elsewhere(s, e, f, r)
}

// lateFor reports whether a number far above cur is one of the epoch before that is late: cur began only now, or the frame is older than cur's.
func lateFor(prev, cur *epoch, n, window uint64, f *sighting) bool {
	top, any := prev.top()
	if !any || prev.unseq || prev.pace != nil || n > top+window {
		return false
	}
	if f.plausible {
		return f.olderThan(cur) && n >= prev.base
	}
	return cur.stored <= window && n >= satSub(top, window)
}

// placeBack places a number that is not above the highest stored one.
func (l *Ledger) placeBack(s owned, e *epoch, n, top uint64, f *sighting) route {
	fp, known := e.recall(n)
	same := known && fp == f.fingerprint && !f.reject
	if n == top || same && !f.timeless {
		return to(e, n) // content with a device time does not come twice by chance
	}
	policy := l.policyOf(s.stream)
	if policy.ruled() {
		if policy.fell(top, n, f.seq) {
			return restart(e, f.seq, false)
		}
		return to(e, n)
	}
	if same {
		return to(e, n)
	}
	stored := e.cov.Contains(n)
	if top-n <= policy.MisorderWindow {
		if stored && s.suspect != 0 && s.suspect == n && !s.proven && f.newerThan(e) {
			return restart(e, f.seq, false) // the second conflict in a row, both newer than all: the counter began again
		}
		return to(e, n)
	}
	far := to(e, n)
	switch {
	case !stored && n >= e.base: // a hole: late
	case n < e.base, f.newerThan(e), s.proven && n >= s.suspect && n-s.suspect <= policy.MisorderWindow:
		far = restart(e, f.seq, true)
	}
	return l.elsewhere(s, e, f, far)
}

// ruled reports whether the policy has rules for restarts. They replace inference from two packets.
func (p *Policy) ruled() bool { return p.RestartBelow > 0 || p.RestartDrop > 0 }

// fell applies those rules to a number that came after a higher one.
func (p *Policy) fell(top, n, wire uint64) bool {
	return p.RestartBelow > 0 && wire < p.RestartBelow || p.RestartDrop > 0 && top-n > p.RestartDrop
}

// elsewhere sends a frame that does not continue e to the epoch that e's last misfit opened, if it is that one's neighbour: two neighbours prove
// what one could not (RFC 3550, A.1). Otherwise it follows r.
func (l *Ledger) elsewhere(s owned, e *epoch, f *sighting, r route) route {
	t := s.epoch(s.trial)
	if t == nil || t.rare.after != e.ordinal {
		return r
	}
	policy := l.policyOf(s.stream)
	if f.bits != 64 {
		if t.pace == nil {
			return r
		}
		if n, ok := t.pace.beside(f.reading(), f.reading().window(policy)); ok {
			return to(t, n)
		}
		return r
	}
	if n, ok := l.trueNumber(s, t, f.reading()); ok && distance(n, t.next-1) <= policy.MisorderWindow {
		l.learn(s, t, n, f.seq)
		return to(t, n)
	}
	return r
}
