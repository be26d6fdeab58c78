package query

import (
	"math"
	"time"
)

// pace is how a device with a cadence keeps it: when its newest frame was, and whether the next one is overdue, by the commit time of the
// state. It is so when half a step has passed since it was expected: then a frame is missing by the rule of cadences.
type pace struct {
	step   time.Duration // 0: the device has no cadence
	silent bool          // it has no frame at all

	hasTime bool // of its newest frame, which is
	lastNS  int64
	asked   []target // epochs whose times are to be looked up: their frames have no plausible device times, but were received
	nowNS   int64
}

// paceOf reads what a View knows. The newest plausible device time of a stream is in the ledger; without one, the time of its newest frame
// counts, which may lie in any layer.
func paceOf(v *View, streams []listedStream, step time.Duration) pace {
	p := pace{step: step, silent: true, lastNS: math.MinInt64, nowNS: time.UnixMilli(v.AsOf.TimeMS).UnixNano()}
	if step == 0 {
		return p
	}
	for i := range streams {
		s := &streams[i]
		switch {
		case s.HasTime:
			p.take(s.LastTimeNS)
		case s.HasLast:
			p.look(v, s)
		}
	}
	return p
}

func (p *pace) take(ns int64) {
	p.hasTime, p.silent, p.lastNS = true, false, max(p.lastNS, ns)
}

// look takes the newest frame of the heads, or leaves it to settle.
func (p *pace) look(v *View, s *listedStream) {
	p.silent = false
	row, ok := v.Head.Get(s.id, s.Current, s.LastSeq)
	if ok {
		p.take(row.FiledNS())
		return
	}
	p.asked = append(p.asked, targetOf(v, s.id, s.key, s.Current))
}

// settle looks up times outside of the lock. It reads no block: an index of epochs has the bounds of their times.
func (p *pace) settle(l *layers) error {
	for i := range p.asked {
		t := &p.asked[i]
		err := l.each(t, nil, func(x layer) (bool, error) {
			switch x := x.(type) {
			case *fileLayer:
				p.take(x.epoch.LastNS)
			case *headLayer:
				p.takeNewest(x)
			}
			return true, nil
		})
		if err != nil {
			return err
		}
	}
	p.asked = nil
	return nil
}

// takeNewest takes the newest row of a sealed head, if it has one of the epoch.
func (p *pace) takeNewest(h *headLayer) {
	if row, ok := h.head.Before(h.t.id, h.t.key.ordinal, math.MaxUint64); ok {
		p.take(row.FiledNS())
	}
}

// mayBeOverdue is what can be said before settle.
func (p *pace) mayBeOverdue() bool { return p.step > 0 && (len(p.asked) > 0 || p.overdue()) }

// overdue is true of a device that never sent a frame, too: one is expected, and has never come.
func (p *pace) overdue() bool {
	return p.step > 0 && (p.silent || p.nowNS > p.lastNS && steps(p.lastNS, p.nowNS, p.step) > 1)
}

// write appends last_time and overdue_ms, how long after its time the next frame still has not come; null where no time is known to
// measure from.
func (p *pace) write(w *writer) {
	if p.step == 0 {
		return
	}
	w.key("last_time")
	if p.hasTime {
		w.timeNS(p.lastNS)
	} else {
		w.null()
	}
	w.key("overdue_ms")
	switch {
	case !p.hasTime:
		w.null()
	case !p.overdue():
		w.int(0)
	default:
		w.int(time.Duration(p.nowNS - p.lastNS - int64(p.step)).Milliseconds())
	}
}
