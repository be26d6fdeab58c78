package ledger

import "github.com/gaplessdb/gapless/frame"

// Reject accounts for a frame that a door refused or shed although its number was readable. If the number is missing it gets the cause; if
// the frame arrived before or arrives later, it is stored as if nothing had been. The result is where it was entered.
//
// It is false when the number cannot be attributed: an unknown stream, no numbers, a malformed number, a limit, or a place that only a frame of its own
// could prove (restart, wrap, a jump). A frame with a broken checksum may have a broken number too: it explains numbers that others show to exist, and never
// moves the ends of an epoch.
func (l *Ledger) Reject(g *frame.Group, seq uint64, receiveMS, commitMS int64, cause frame.Cause) (epoch uint32, n uint64, ok bool) {
	l.advance(commitMS)
	s := l.own(g.Stream)
	if s.stream == nil || g.Unseq || !cause.Valid() || !cause.Exact() {
		return 0, 0, false
	}
	it := frame.Item{Seq: seq, TimeNS: msToNS(receiveMS), NoTime: true}
	f, code := l.sight(g, receiveMS, &it)
	if code != "" {
		return 0, 0, false
	}
	f.reject = true
	e, n, ok := l.rejectPlace(s, g, &f, cause)
	if !ok || !l.rejected(s, e, n, cause) {
		return 0, 0, false
	}
	return e.ordinal, n, true
}

// rejectPlace finds the epoch and number of a refused frame.
func (l *Ledger) rejectPlace(s owned, g *frame.Group, f *sighting, cause frame.Cause) (*epoch, uint64, bool) {
	e := s.target(f.value)
	if e == nil {
		if cause == frame.CauseRejectedCRC {
			return nil, 0, false
		}
		return l.rejectFirst(s, g, f)
	}
	r := l.route(s, e, f)
	if r.opens || r.n > MaxSeq {
		return nil, 0, false
	}
	return r.epoch, r.n, l.rejectNear(s, r.epoch, r.n, f, cause)
}

// rejectNear reports whether a refused frame's number can be believed. Where the device does not name its epochs, one far behind may be of another life;
// with a broken checksum, one far off may be broken too.
func (l *Ledger) rejectNear(s owned, e *epoch, n uint64, f *sighting, cause frame.Cause) bool {
	low, window := e.base, l.window(s.stream)
	switch {
	case !e.begun:
		return true
	case f.value == "":
		low = e.next
	case cause != frame.CauseRejectedCRC:
		return true
	}
	return n >= satSub(low, window) && n <= satAdd(e.next, window)
}

// rejectFirst opens the first epoch of a stream, or of a value that the device declares, for a frame that did not get in.
func (l *Ledger) rejectFirst(s owned, g *frame.Group, f *sighting) (*epoch, uint64, bool) {
	source := SourceInferred
	if f.value != "" {
		source = SourceDeclared
	}
	e := l.open(s, f.value, source)
	if e == nil {
		return nil, 0, false
	}
	s.makeCurrent(e)
	l.takeFirst(s, e, opening(s, g))
	n := e.firstNumber(f)
	e.keepPace(f, n)
	return e, n, true
}

// rejected gives a missing number its cause.
func (l *Ledger) rejected(s owned, e *epoch, n uint64, cause frame.Cause) bool {
	if _, ok := l.explain(s, e, span{n, n + 1}, cause, ""); !ok {
		return false
	}
	if cause != frame.CauseRejectedCRC {
		if e.sealedBelow(n) {
			e.more().contradictions++
		}
		l.include(s, e, span{n, n + 1})
	}
	return true
}

// include makes the numbers of a span expected.
func (l *Ledger) include(s owned, e *epoch, in span) {
	e.begin(in.first)
	l.lower(s, e, in.first)
	l.raise(s, e, in.end)
}
