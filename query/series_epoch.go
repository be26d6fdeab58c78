package query

import (
	"math"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// seriesEpoch is one epoch of a stream that is asked for: what the ledger expects of it in the range, copied out of the state.
type seriesEpoch struct {
	target
	extent        ledger.Extent
	asked, got    ledger.Run // numbers that can be in the range; those of them that are expected, and none unless
	any           bool
	side          aside          // what it has beside the range
	missing       []missingPiece // of got, ascending
	before, after outside        // by time: those of heads are found in the View, those of segments when they are read
}

// outside is the nearest number outside of the range by time: of rows before it the highest, of rows behind it the lowest one.
type outside struct {
	seq uint64
	any bool
}

// missingPiece is consecutive missing numbers.
type missingPiece struct {
	ledger.Run
	explained bool
}

func (e *seriesEpoch) id() epochID { return epochID{e.target.id, e.key.ordinal} }

// measure finds what is expected of the epoch in a range of time; room is how many pieces of missing numbers it may keep. It is false when there
// are more.
func (e *seriesEpoch) measure(v *View, parts []*seriesPart, firstNS, lastNS int64, room int) bool {
	ok := false
	if e.extent, ok = v.Ledger.Extent(e.target.id, e.key.ordinal); !ok {
		return true
	}
	edges := make([]edge, 0, len(parts)+len(v.Sealed)+1)
	for _, p := range parts {
		edges = append(edges, p.edge)
	}
	for _, head := range v.Sealed {
		edges = append(edges, e.look(head, firstNS, lastNS))
	}
	edges = append(edges, e.look(v.Head, firstNS, lastNS))
	e.asked.First, e.asked.Last, ok = windowOf(edges, firstNS, lastNS)
	e.side = asideOf(&e.extent, e.asked, ok)
	e.got = ledger.Run{First: max(e.asked.First, e.extent.First), Last: min(e.asked.Last, e.extent.Last)}
	if e.any = ok && e.got.First <= e.got.Last; !e.any {
		return true
	}
	v.Ledger.Missing(e.target.id, e.key.ordinal, e.got, func(piece ledger.Run, explained bool) bool {
		e.missing = append(e.missing, missingPiece{piece, explained})
		return len(e.missing) <= room
	})
	return len(e.missing) <= room
}

// look asks a head, which needs the lock if it is the newest.
func (e *seriesEpoch) look(head *segment.Head, firstNS, lastNS int64) edge {
	layer := &headLayer{head: head, t: &e.target}
	x, _ := edgeOf(layer, firstNS, lastNS) // a head reads no file: no error
	if firstNS != math.MinInt64 {
		r, _ := layer.until(firstNS - 1)
		e.before.raise(outside{r.at, r.hasAt})
	}
	if lastNS != math.MaxInt64 {
		r, _ := layer.since(lastNS + 1)
		e.after.lower(outside{r.at, r.hasAt})
	}
	return x
}

func (o *outside) raise(p outside) {
	if p.any && (!o.any || p.seq > o.seq) {
		*o = p
	}
}

func (o *outside) lower(p outside) {
	if p.any && (!o.any || p.seq < o.seq) {
		*o = p
	}
}

// part is the completeness of the epoch in the range, with the end of what is complete without a hole.
func (e *seriesEpoch) part(v *View) *part {
	missing, unexplained := countMissing(e.missing)
	p := &part{completeness: completeness{
		expected: e.got.Last - e.got.First + 1, stored: e.got.Last - e.got.First + 1 - missing,
		verdict: gradeIn(&e.extent, e.asked, e.got, missing > 0, unexplained),
	}}
	switch {
	case missing == 0:
		p.reach(v, e.target, e.got.Last)
	case e.missing[0].First > e.got.First:
		p.reach(v, e.target, e.missing[0].First-1)
	}
	return p
}

func countMissing(list []missingPiece) (missing uint64, unexplained bool) {
	for i := range list {
		missing += list[i].Last - list[i].First + 1
		unexplained = unexplained || !list[i].explained
	}
	return missing, unexplained
}

// gradeIn judges a range of numbers as gradeOf does.
func gradeIn(x *ledger.Extent, asked, got ledger.Run, missing, unexplained bool) ledger.Grade {
	whole := asked.First == 0 && asked.Last == math.MaxUint64
	switch {
	case whole || x.Grade == ledger.Indeterminate:
		return x.Grade
	case unexplained:
		return ledger.Incomplete
	case missing:
		return ledger.Explained
	}
	if asked.First < got.First && !x.HeadDeclared || asked.Last > got.Last && x.TailSeen || x.Doubt {
		return ledger.CompleteBetweenSeen
	}
	return ledger.Complete
}
