package query

import (
	"math"
	"time"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// aheadPoints is how many rows are read beside a gap: the next gap's neighbours are often among them.
const aheadPoints = 256

// around is the stored rows on both sides of a gap. The newest head's are found under the lock (aroundInHead), then nearer ones in the
// other layers outside of it (layers.nearer).
type around struct {
	before, after       point
	hasBefore, hasAfter bool
}

func aroundInHead(v *View, t *target, gap ledger.Run) (a around) {
	var row segment.Row
	if row, a.hasBefore = v.Head.Before(t.id, t.key.ordinal, gap.First); a.hasBefore {
		a.before = pointOf(&row)
	}
	if row, a.hasAfter = v.Head.After(t.id, t.key.ordinal, gap.Last); a.hasAfter {
		a.after = pointOf(&row)
	}
	return a
}

// nearer takes in what the layers know.
func (l *layers) nearer(t *target, gap ledger.Run, a *around) error {
	if a.touches(gap) {
		return nil
	}
	list, err := l.of(t)
	if err != nil {
		return err
	}
	var before, after layer
	for _, x := range list {
		if n, ok := x.below(gap.First); ok && (!a.hasBefore || n > a.before.seq) {
			before, a.hasBefore, a.before.seq = x, true, n
		}
		if n, ok := x.above(gap.Last); ok && (!a.hasAfter || n < a.after.seq) {
			after, a.hasAfter, a.after.seq = x, true, n
		}
	}
	if before != nil {
		if a.before, err = before.point(a.before.seq, aheadPoints); err != nil {
			return err
		}
	}
	if after != nil {
		a.after, err = after.point(a.after.seq, aheadPoints)
	}
	return err
}

// touches reports whether the rows right beside the gap are known: no layer can have nearer ones.
func (a *around) touches(gap ledger.Run) bool {
	return a.hasBefore && a.before.seq+1 == gap.First && a.hasAfter && a.after.seq-1 == gap.Last
}

// meets reports whether the neighbours leave room for a time in the range.
func (a *around) meets(fromNS, toNS int64) bool {
	earliest, latest := int64(math.MinInt64), int64(math.MaxInt64)
	if a.hasBefore {
		earliest = a.before.filedNS
	}
	if a.hasAfter {
		latest = a.after.filedNS
	}
	return min(earliest, latest) <= toNS && max(earliest, latest) >= fromNS
}

// between is the device times of the neighbours: when the gap happened, as far as anybody can say. It is nil when there are none.
func (a *around) between() *[2]string {
	if !a.hasBefore && !a.hasAfter {
		return nil
	}
	return &[2]string{timeText(a.before, a.hasBefore), timeText(a.after, a.hasAfter)}
}

func timeText(p point, known bool) string {
	if !known {
		return ""
	}
	return time.Unix(0, p.timeNS).UTC().Format(time.RFC3339Nano)
}
