package ledger

import (
	"strings"

	"github.com/gaplessdb/gapless/frame"
)

// Heartbeat applies one. An error is a *CommandError and nothing changed but the clock.
func (l *Ledger) Heartbeat(commitMS int64, h *Heartbeat) (*HeartbeatResult, error) {
	l.advance(commitMS)
	if err := h.validate(); err != nil {
		return nil, err
	}
	s, err := l.subject(&h.Subject, true)
	if err != nil {
		return nil, err
	}
	r := reading{timeless: !h.HasTime, timeNS: h.TimeNS, recvMS: commitMS}
	e, err := l.beatEpoch(s, h, r)
	if err != nil {
		return nil, err
	}
	next := h.Next
	if e != nil {
		if next, err = l.beatNext(s, e, h, r); err != nil {
			return nil, err
		}
		if next > 0 && e.sealedBelow(next-1) {
			if h.Epoch != "" {
				return nil, e.afterSeal(next - 1)
			}
			e, next = nil, h.Next // a new life of the counter
		}
	}
	opened := e == nil
	if opened {
		first := s.ruledFirst(next)
		if h.HasFirst {
			next, first = h.past(h.First, h.Next), nil
			if err := l.extent(span{h.First, next}); err != nil {
				return nil, err
			}
		}
		if e, err = l.declareEpoch(s, h.Epoch, h.source(), first, next); err != nil {
			return nil, err
		}
	}
	res := &HeartbeatResult{Epoch: e.ordinal, Opened: opened}
	l.beat(s, e, h, next, r, res)
	res.Next, res.Expected, res.Stored = e.next, e.expected(), e.stored
	res.Missing = res.Expected - res.Stored
	return res, nil
}

// afterSeal refuses a number that a sealed epoch cannot have.
func (e *epoch) afterSeal(n uint64) error {
	return refuse(CodeContradiction, "an epoch ends with its seal", "epoch %d is sealed at %d, %d is above", e.ordinal, e.said.sealLast, n)
}

func (h *Heartbeat) validate() error {
	if h.wide() && h.Next > 0 { // it may be one above the highest number
		if err := h.check(h.Next - 1); err != nil {
			return err
		}
	} else if err := h.check(h.Next); err != nil {
		return err
	}
	if h.HasFirst && (h.First > MaxSeq || h.wide() && h.First > h.Next) {
		return refuse(CodeBadRange, "next_seq is never below first", "first is %d, next_seq %d", h.First, h.Next)
	}
	if h.HasPrev && h.PrevLast > MaxSeq {
		return refuse(CodeSeqOutOfRange, "numbers end at 2^63-1", "last number of the epoch before is %d", h.PrevLast)
	}
	if err := frame.ValidateEpoch(h.Prev); err != nil {
		return refuse(CodeBadEpoch, "correct prev_epoch", "%v", err)
	}
	return nil
}

func (h *Heartbeat) source() Source {
	if h.Birth {
		return SourceBirth
	}
	return sourceOf(h.Epoch)
}

// beatEpoch finds the epoch, nil when the heartbeat begins one. The first value that a device declares, when its frames carry none, names
// the epoch that those frames opened if the counter goes on there.
func (l *Ledger) beatEpoch(s owned, h *Heartbeat, r reading) (*epoch, error) {
	if h.Birth && h.Epoch == "" {
		return nil, nil
	}
	e, err := s.named(h.Epoch)
	if e != nil || err != nil {
		return e, err
	}
	c := s.cur
	if h.Epoch == "" || c == nil || c.value != "" || c.source != SourceInferred || c.unseq || h.Birth {
		return nil, nil
	}
	next, err := l.beatNext(s, c, h, r)
	if err != nil || next < c.next || next-c.next > l.window(s.stream) || c.sealedBelow(next) {
		return nil, nil // an answer, not a fault: it does not continue there
	}
	return c, nil
}

// beatNext is the heartbeat's next number in the numbers of e.
func (l *Ledger) beatNext(s owned, e *epoch, h *Heartbeat, r reading) (uint64, error) {
	if h.wide() && h.Next == 0 {
		return 0, nil
	}
	last, err := l.number(s, e, h.Bits, h.before(h.Next), r)
	if err != nil {
		return 0, err
	}
	return last + 1, l.plausible(e, last+1)
}

// beat enters what a valid heartbeat says of e.
func (l *Ledger) beat(s owned, e *epoch, h *Heartbeat, next uint64, r reading, res *HeartbeatResult) {
	if h.Epoch != "" && e.value == "" {
		e.value, e.source = strings.Clone(h.Epoch), SourceDeclared
	}
	if h.wide() && h.Next > 0 {
		l.learn(s, e, next-1, h.Next-1)
		l.link(s, e)
	}
	if h.HasFirst {
		if first, ok := e.fromTrue(h.First); ok {
			l.declareFirst(s, e, first)
		} else {
			res.Ignored = append(res.Ignored, "first")
		}
	}
	res.News = l.declareNext(s, e, next)
	if e.pace != nil && next > 0 {
		e.pace.observe(next-1, r)
	}
	if h.HasPrev {
		l.beatPrevious(s, e, h, res)
	}
}

// fromTrue turns a device's number into the epoch's own, false if that would be negative.
func (e *epoch) fromTrue(full uint64) (uint64, bool) {
	offset, known := e.trueOffset()
	return full - offset, known && full >= offset || offset == 0
}

// beatPrevious enters the last number of the epoch before.
func (l *Ledger) beatPrevious(s owned, e *epoch, h *Heartbeat, res *HeartbeatResult) {
	var prev *epoch
	switch {
	case h.Prev != "":
		prev = s.line(h.Prev, false)
	case e == s.cur:
		prev = s.epoch(s.previous)
	default:
		prev = s.epoch(e.ordinal - 1)
	}
	last, ok := h.PrevLast, prev != nil && prev != e && !prev.unseq
	if ok {
		last, ok = prev.fromTrue(h.PrevLast)
	}
	if !ok || prev.begun && (last+1 < prev.next || last-prev.next+1 > l.policy.MaxJump) || prev.said != nil && prev.said.sealed {
		res.Ignored = append(res.Ignored, "prev_last_seq")
		return
	}
	prev.begin(last + 1)
	d := prev.word()
	d.succeeded, d.successor, d.successorMS = true, last, l.nowMS
	l.raise(s, prev, last+1)
	res.Previous = &PrevResult{Epoch: prev.ordinal, Missing: prev.expected() - prev.stored}
}
