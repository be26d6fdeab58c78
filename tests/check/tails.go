package check

import (
	"fmt"

	"github.com/gaplessdb/gapless/frame"
)

// Tail is what one reader of GET /v1/tail was given, over all its connections to whatever nodes: it always went on from the last position that it
// had.
type Tail struct {
	Client int
	From   frame.Position // where it began: behind this one
	UpTo   frame.Position // the last position that it was given

	Frames    *Final   // with the place of each
	Whole     bool     // it was read to the end, once nothing was sent any more
	Lines     uint64   // frames that it was given
	Resumed   int      // connections after the first
	Disorder  []string // the first few lines that do not come behind the one before
	Disorders int
}

// NewTail is a reader that has been given nothing.
func NewTail(client int, from frame.Position) *Tail {
	return &Tail{Client: client, From: from, UpTo: from, Frames: NewFinal("a tail")}
}

// advance notes a position that came. That of a frame must be behind all before it, that of an at or end line must not lie before them.
func (t *Tail) advance(p frame.Position, isFrame bool) {
	order := p.Compare(t.UpTo)
	if order > 0 || order == 0 && !isFrame {
		t.UpTo = p
		return
	}
	if t.Disorders++; len(t.Disorder) < fewRows {
		t.Disorder = append(t.Disorder, fmt.Sprintf("%s came behind %s", p, t.UpTo))
	}
}

// tails: a tail gives every frame that was committed between its first and its last position, or to the end if it was read so far, once, in the
// order of commits, and with the right bytes.
func tails(r *Run) (out []Violation) {
	h := r.history()
	for _, t := range r.Tails {
		if t.Disorders > 0 {
			out = append(out, Violation{What: fmt.Sprintf("OUT OF ORDER: %d lines of the tail of client %d", t.Disorders, t.Client),
				Witnesses: t.Disorder})
		}
		if h.finals != nil {
			out = append(out, h.untold(t)...)
		}
		for _, c := range t.Frames.order {
			s := t.Frames.counters[c]
			if !s.wrong.Empty() {
				out = append(out, Violation{What: fmt.Sprintf("CHANGED: wrong bytes in the tail of client %d", t.Client), Counter: c,
					Numbers: s.wrong, Witnesses: s.why})
			}
		}
	}
	return out
}

// untold is what the tail did not give of what is there in the end, and what it gave that is not there.
func (h *history) untold(t *Tail) (out []Violation) {
	from, to := placeOf(t.From), placeOf(t.UpTo)
	if to.index--; t.Whole { // else the rest of the last entry may still have been to come
		to = place{h.finals.History, h.finals.Index}
	}
	for _, c := range h.finals.order {
		there := h.finals.counters[c]
		given := t.Frames.Numbers(c)
		if left := there.by(to).Minus(there.by(from)).Minus(given); !left.Empty() {
			out = append(out, Violation{What: fmt.Sprintf("LEFT OUT of the tail of client %d", t.Client), Counter: c, Numbers: left,
				Witnesses: h.records[c].witnesses(left)})
		}
	}
	for _, c := range t.Frames.order {
		if extra := t.Frames.Numbers(c).Minus(h.finals.Numbers(c)); !extra.Empty() {
			out = append(out, Violation{What: fmt.Sprintf("GONE: the tail of client %d gave what is not there", t.Client), Counter: c,
				Numbers: extra, Witnesses: h.records[c].witnesses(extra)})
		}
	}
	return out
}

func placeOf(p frame.Position) place { return place{p.History, p.Index} }
