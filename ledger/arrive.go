package ledger

import "github.com/gaplessdb/gapless/frame"

// Arrive accounts for one frame, in apply: g is its group, receiveMS the receive time of its batch, commitMS the commit time, both in ms
// since the Unix epoch. Numbers that g declares (first number, epoch value) are taken note of.
func (l *Ledger) Arrive(g *frame.Group, receiveMS, commitMS int64, it *frame.Item) Outcome {
	l.advance(commitMS)
	s := l.own(g.Stream)
	if s.stream == nil {
		return refused(CodeUnknownStream)
	}
	if g.Unseq {
		return l.arriveUnseq(s, g, it)
	}
	if e := s.cur; e != nil && e.continues(s.stream, g, receiveMS, it) {
		return l.arriveNext(e, receiveMS, it)
	}
	f, code := l.sight(g, receiveMS, it)
	if code != "" {
		return refused(code)
	}
	return l.arrive(s, g, &f)
}

// continues reports whether the frame is just the next one of a stream without anything unusual: nearly all are.
func (e *epoch) continues(s *stream, g *frame.Group, receiveMS int64, it *frame.Item) bool {
	if e.pace == nil {
		if it.Seq != e.next || g.Bits != 64 && g.Bits != 0 {
			return false
		}
	} else if !e.pace.ticks(e.next, g.Bits, receiveMS, it) {
		return false
	}
	return e.next == e.cov.tail.end && e.next-1 < MaxSeq && // 0 wraps: the first frame is unusual
		!e.unseq && (g.Epoch == "" || g.Epoch == e.value) &&
		s.trial == 0 && s.suspect == 0 &&
		(e.rare == nil || e.rare.facts.count == 0) &&
		(e.said == nil || !e.said.sealed && !e.said.succeeded) &&
		(!g.HasFirst || e.said != nil && e.said.hasFirst && e.said.first == g.First)
}

// arriveNext is arrive for such a frame.
func (l *Ledger) arriveNext(e *epoch, receiveMS int64, it *frame.Item) Outcome {
	n := e.next
	if e.ring != nil {
		e.ring[n%ringSize] = it.Fingerprint
		e.ringSet |= 1 << (n % ringSize)
	}
	e.cov.tail.end++
	e.next++
	e.stored++
	if e.pace != nil {
		e.pace.observe(n, reading{timeless: it.NoTime, timeNS: it.TimeNS, recvMS: receiveMS})
	}
	skewed := l.skewed(it)
	if skewed {
		e.more().skewed++
	} else if !it.NoTime {
		e.maxTime = max(e.maxTime, it.TimeNS)
	}
	return Outcome{Status: Stored, Epoch: e.ordinal, Seq: n, Skew: skewed}
}

func (l *Ledger) arrive(s owned, g *frame.Group, f *sighting) Outcome {
	e := s.target(f.value)
	if e == nil {
		source := SourceInferred
		if f.value != "" {
			source = SourceDeclared
		}
		return l.arriveFirst(s, g, f, route{n: f.seq}, source)
	}
	r := l.route(s, e, f)
	if r.opens {
		return l.arriveFirst(s, g, f, r, SourceInferred)
	}
	return l.settle(s, r.epoch, r.n, g, f)
}

// arriveFirst opens an epoch with its first frame.
func (l *Ledger) arriveFirst(s owned, g *frame.Group, f *sighting, r route, source Source) Outcome {
	if r.n > MaxSeq {
		return refused(CodeSeqOutOfRange)
	}
	e := l.open(s, f.value, source)
	if e == nil {
		return refused(CodeTooManyEpochs)
	}
	if r.epoch != nil {
		e.splitFrom(r, f)
	}
	if r.probation {
		s.trial, s.trialAge = e.ordinal, uint16(min(l.window(s.stream), 1<<16-1))
	} else {
		s.makeCurrent(e)
	}
	n := r.n
	if !r.ambiguous {
		l.takeFirst(s, e, opening(s, g))
		n = e.firstNumber(f)
	}
	o := l.settle(s, e, n, g, f)
	o.NewEpoch, o.Probation, o.WrapAmbiguous = true, r.probation, r.ambiguous
	return o
}

// takeFirst takes note of the first number that a group declares. It is that of the counter's life, so not of an epoch that only continues it
// after an ambiguity.
func (l *Ledger) takeFirst(s owned, e *epoch, g *frame.Group) {
	if g.HasFirst && (e.rare == nil || e.rare.ambiguities == 0) {
		l.declareFirst(s, e, g.First)
	}
}

// opening is the group that opens an epoch: where it declares no first number, the rule of the device does.
func opening(s owned, g *frame.Group) *frame.Group {
	if g.HasFirst || s.rule == nil || s.rule.First == nil {
		return g
	}
	ruled := *g
	ruled.HasFirst, ruled.First = true, *s.rule.First
	return &ruled
}

// splitFrom notes why inference opened e.
func (e *epoch) splitFrom(r route, f *sighting) {
	m := e.more()
	m.after = r.epoch.ordinal
	e.probation, e.ambiguous = r.probation, r.ambiguous
	if r.ambiguous {
		m.ambiguities, m.wraps = 1, r.narrow.wraps
		e.inherit(r.epoch.pace, f, r.n)
	}
}

// settle stores the frame as number n of e, or says what it duplicates.
func (l *Ledger) settle(s owned, e *epoch, n uint64, g *frame.Group, f *sighting) Outcome {
	if n > MaxSeq {
		return refused(CodeSeqOutOfRange)
	}
	if e.cov.Len() >= l.policy.MaxRuns && e.cov.splits(n) {
		return refused(CodeTooManyRuns)
	}
	l.takeFirst(s, e, g)
	o := Outcome{Status: Stored, Epoch: e.ordinal, Seq: n, Skew: f.skewed, Probation: e.probation}
	if e.cov.Contains(n) {
		o.Status = l.duplicate(s, e, n, f)
		return o
	}
	if e.sealedBelow(n) || e.said != nil && e.said.succeeded && n > e.said.successor {
		e.more().contradictions++
	}
	e.remember(n, f.fingerprint)
	o.Late = l.store(s, e, n)
	e.keepPace(f, n)
	if f.skewed {
		e.more().skewed++
	} else if f.plausible {
		e.maxTime = max(e.maxTime, f.timeNS)
	}
	l.confirm(s, e)
	o.Probation = e.probation
	return o
}

// confirm ends a probation whose second frame was just stored, or lets it lapse once the epoch it was split from went on for long enough.
func (l *Ledger) confirm(s owned, e *epoch) {
	switch {
	case s.trial == 0:
	case e.ordinal == s.trial && e.stored > 1:
		e.probation = false
		s.trial = 0
		if s.cur.ordinal == e.rare.after {
			s.makeCurrent(e)
		}
	case e.ordinal != s.trial:
		if s.trialAge--; s.trialAge == 0 {
			s.trial = 0
		}
	}
	if e == s.cur {
		s.forgive()
	}
}

// duplicate judges a frame whose number is stored.
func (l *Ledger) duplicate(s owned, e *epoch, n uint64, f *sighting) Status {
	m := e.more()
	fp, known := e.recall(n)
	switch {
	case !known:
		m.unverified++
		m.addUnsettled(n)
		return Unverified
	case fp == f.fingerprint:
		m.identical++
		return Duplicate
	}
	m.conflict++
	if f.value == "" && f.newerThan(e) {
		s.suspect, s.proven = n+1, false
	}
	return Conflict
}
