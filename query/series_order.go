package query

import (
	"math"

	"github.com/gaplessdb/gapless/segment"
)

// ordered is a block whose rows are being taken in order.
type ordered struct {
	slab *segment.Slab
	at   int // the next row
	end  int
}

func (o *ordered) next() uint64 { return o.slab.Seq[o.at] }

// readOrdered is read in order of numbers, whichever blocks they lie in. A block is decoded when its first number is due, and let go after its
// last.
func (r *seriesReader) readOrdered(t *seriesTrack, p *seriesPiece) error {
	var open []*ordered
	for waiting := r.blocks; len(open) > 0 || len(waiting) > 0; {
		low, rival := lowest(open)
		if len(waiting) > 0 && (low == nil || waiting[0].FirstSeq < low.next()) {
			o, err := r.open(&waiting[0], p)
			if err != nil {
				return err
			}
			if waiting = waiting[1:]; o.at < o.end {
				open = append(open, o)
			}
			continue
		}
		if len(waiting) > 0 {
			rival = min(rival, waiting[0].FirstSeq)
		}
		to := low.at + 1
		for to < low.end && low.slab.Seq[to] < rival {
			to++
		}
		if err := r.take(t, p, low.slab, low.at, to); err != nil {
			return err
		}
		if low.at = to; to == low.end {
			open = without(open, low)
		}
	}
	return nil
}

// open decodes a block into a slab of its own.
func (r *seriesReader) open(b *seriesBlock, p *seriesPiece) (*ordered, error) {
	o := &ordered{slab: b.slab}
	if o.slab == nil {
		o.slab = &segment.Slab{}
		if err := r.loadInto(b, o.slab); err != nil {
			return nil, err
		}
	}
	o.at, o.end = rowsBetween(o.slab, p.first, p.last)
	return o, nil
}

// lowest finds the block with the lowest number that is due, and the lowest one of the others.
func lowest(open []*ordered) (low *ordered, rival uint64) {
	rival = math.MaxUint64
	for _, o := range open {
		switch {
		case low == nil:
			low = o
		case o.next() < low.next():
			low, rival = o, low.next()
		default:
			rival = min(rival, o.next())
		}
	}
	return low, rival
}

func without(open []*ordered, one *ordered) []*ordered {
	for i, o := range open {
		if o == one {
			return append(open[:i], open[i+1:]...)
		}
	}
	return open
}
