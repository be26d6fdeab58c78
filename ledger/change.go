package ledger

import "github.com/gaplessdb/gapless/frame"

// GapChange is what happened to missing numbers.
type GapChange uint8

// The life of missing numbers, as changes of it.
const (
	GapOpened    GapChange = iota + 1 // they became missing, and are waited for
	GapRequested                      // the device was asked to send them again
	GapFinal                          // they will not be waited for: nobody knows why (never_arrived), or the cause is stated
	GapExplained                      // a cause was stated for numbers that were final without one
	GapClosed                         // they arrived
)

// String is the change's name in answers: domain words, not to be changed.
func (c GapChange) String() string {
	return [...]string{"", "opened", "requested", "final", "explained", "closed"}[c]
}

// GapEvent is a change in the life of consecutive missing numbers of one epoch.
type GapEvent struct {
	Change      GapChange
	Late        bool        // of GapClosed: they were final
	Cause       frame.Cause // of GapFinal and GapExplained
	Epoch       uint32
	Stream      frame.StreamID
	First, Last uint64
	AtMS        int64 // commit time
}

// changesKept is how many of the newest changes a ledger remembers.
const changesKept = 1 << 14

// changes is the newest changes of gaps. They are of this ledger's life in memory and part of no checkpoint: what they say follows from the
// commands, and nothing follows from them.
type changes struct {
	kept  []GapEvent // number n at n % changesKept
	count uint64     // of all that ever were
}

// note keeps a change. Numbers that arrive one after the other are one change as long as nothing else comes between.
func (l *Ledger) note(e GapEvent) {
	c := &l.changes
	e.AtMS = l.nowMS
	if e.Change == GapClosed && c.count > 0 {
		if last := &c.kept[(c.count-1)%changesKept]; last.goesOn(&e) {
			last.Last = e.Last
			return
		}
	}
	if len(c.kept) < changesKept {
		c.kept = append(c.kept, e)
	} else {
		c.kept[c.count%changesKept] = e
	}
	c.count++
}

// goesOn reports whether o is more of the same.
func (e *GapEvent) goesOn(o *GapEvent) bool {
	return e.Change == o.Change && e.Late == o.Late && e.Stream == o.Stream && e.Epoch == o.Epoch && e.Last+1 == o.First && e.AtMS == o.AtMS
}

// GapCursor is a place among the changes of one Ledger. The zero value is before the first.
type GapCursor struct {
	next uint64 // number of the next change
	last uint64 // Last of the one before, which may have grown since
}

// GapsNow is the cursor behind the newest change.
func (l *Ledger) GapsNow() GapCursor {
	c := &l.changes
	if c.count == 0 {
		return GapCursor{}
	}
	return GapCursor{c.count, c.kept[(c.count-1)%changesKept].Last}
}

// GapEvents calls fn for the changes behind the cursor, oldest first, until it returns false, and moves the cursor behind those that fn got. It is
// false, and the cursor goes behind the newest, when some are not kept any more, or the cursor is of another ledger.
func (l *Ledger) GapEvents(at *GapCursor, fn func(GapEvent) bool) bool {
	c := &l.changes
	if at.next > c.count || c.count-at.next > changesKept {
		*at = l.GapsNow()
		return false
	}
	if at.next > 0 && c.count-at.next < changesKept { // the one before is kept, too
		e := c.kept[(at.next-1)%changesKept]
		if e.Change == GapClosed && e.Last > at.last {
			e.First, at.last = at.last+1, e.Last
			if !fn(e) {
				return true
			}
		}
	}
	for at.next < c.count {
		e := c.kept[at.next%changesKept]
		at.next, at.last = at.next+1, e.Last
		if !fn(e) {
			break
		}
	}
	return true
}

// noteExplained notes the cause of numbers in the bounds. It runs before those of them that are open are taken out.
func (l *Ledger) noteExplained(s owned, e *epoch, in span, cause frame.Cause) {
	event := GapEvent{Cause: cause, Epoch: e.ordinal, Stream: s.id}
	tell := func(change GapChange, part span) {
		if !part.empty() {
			event.Change, event.First, event.Last = change, part.first, part.end-1
			l.note(event)
		}
	}
	r := e.more()
	at := in.first
	for g := range r.open.from(r.openAt(in.first)) {
		if g.first >= in.end {
			break
		}
		part := g.clip(in.first, in.end)
		tell(GapExplained, span{at, part.first})
		tell(GapFinal, part)
		at = part.end
	}
	tell(GapExplained, span{at, in.end})
}
