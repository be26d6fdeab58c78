package ledger

import (
	"iter"
	"strconv"

	"github.com/gaplessdb/gapless/frame"
)

// State is where a gap is in its life. A gap that closed is coverage: it is counted (late_closed) and listed no more.
type State string

const (
	StateOpen      State = "OPEN"      // inside the grace
	StateRequested State = "REQUESTED" // the device was asked to send it again
	StateFinal     State = "FINAL"     // it will not be waited for
	StateClosed    State = "CLOSED"    // it arrived late
	StateExpired   State = "EXPIRED"   // expired or erased before it was stored
)

// Confidence in the cause of a gap.
const (
	ConfidenceExact             = "exact"
	ConfidenceInferred          = "inferred"
	ConfidenceHeaderUnprotected = "header_unprotected" // the number was read from a frame with a broken checksum
)

// gap is consecutive missing numbers with one state and cause.
type gap struct {
	span
	state   State
	cause   frame.Cause // 0 while the gap is open
	reason  string
	sinceMS int64 // commit time when an open one began to wait
	nacks   uint32
}

func (g *gap) sameAs(h *gap) bool {
	return g.state == h.state && g.cause == h.cause && g.reason == h.reason && g.nacks == h.nacks
}

func (g *gap) confidence() string {
	switch {
	case g.cause == 0:
		return ""
	case g.cause == frame.CauseRejectedCRC:
		return ConfidenceHeaderUnprotected
	case g.cause.Exact():
		return ConfidenceExact
	}
	return ConfidenceInferred
}

// gapID names a gap for as long as its first number is missing.
func gapID(ordinal uint32, first uint64) string {
	return "g-" + strconv.FormatUint(uint64(ordinal), 10) + "-" + strconv.FormatUint(first, 10)
}

func gapOfOpen(g openGap) gap {
	state := StateOpen
	if g.nacks > 0 {
		state = StateRequested
	}
	return gap{span: g.span, state: state, sinceMS: g.sinceMS, nacks: g.nacks}
}

func gapOfFact(f fact) gap {
	state := StateFinal
	if f.cause == frame.CauseExpired || f.cause == frame.CauseErased {
		state = StateExpired
	}
	return gap{span: f.span, state: state, cause: f.cause, reason: f.reason}
}

func gapLost(s span) gap { return gap{span: s, state: StateFinal, cause: frame.CauseNeverArrived} }

// gaps yields the gaps of an epoch that end after from, ascending.
func (e *epoch) gaps(from uint64) iter.Seq[gap] {
	return func(yield func(gap) bool) {
		at := max(from, e.base)
		if hole, stored := e.cov.around(at, span{e.base, e.next}); !stored {
			at = hole.first
		}
		for hole := range e.cov.holes(at, e.reach()) {
			for g := range e.pieces(hole) {
				if g.end > from && !yield(g) {
					return
				}
			}
		}
	}
}

// pieces yields the gaps of one hole.
func (e *epoch) pieces(hole span) iter.Seq[gap] {
	return func(yield func(gap) bool) {
		var last gap
		for g := range e.parts(hole) {
			if !last.empty() && last.sameAs(&g) {
				last.end = g.end
				last.sinceMS = min(last.sinceMS, g.sinceMS)
				continue
			}
			if !last.empty() && !yield(last) {
				return
			}
			last = g
		}
		if !last.empty() {
			yield(last)
		}
	}
}

// parts yields what covers a hole, as it is kept: open gaps, causes, and what is left.
func (e *epoch) parts(hole span) iter.Seq[gap] {
	return func(yield func(gap) bool) {
		r := e.less()
		o, f := r.openAt(hole.first), r.factAt(hole.first)
		for at := hole.first; at < hole.end; {
			open, isOpen := r.open.at(o)
			known, isKnown := r.facts.at(f)
			g := gapLost(span{at, hole.end})
			switch {
			case isOpen && open.first == at:
				g, o = gapOfOpen(open), r.open.next(o)
			case isKnown && known.first <= at:
				g, f = gapOfFact(known), r.facts.next(f)
				g.span = g.clip(at, hole.end)
			default:
				if isOpen {
					g.end = min(g.end, open.first)
				}
				if isKnown {
					g.end = min(g.end, known.first)
				}
			}
			if !yield(g) {
				return
			}
			at = g.end
		}
	}
}
