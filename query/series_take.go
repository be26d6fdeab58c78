package query

import (
	"fmt"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/query/series"
	"github.com/gaplessdb/gapless/segment"
)

// take puts rows from..to (to excluded) of a slab into the stream's cells: in runs of rows that lie in one bucket.
func (r *seriesReader) take(t *seriesTrack, p *seriesPiece, slab *segment.Slab, from, to int) error {
	r.fields = append(r.fields[:0], make([]*cellField, len(slab.Columns))...)
	grid, bucket := r.run.grid, -1
	for i := from; i < to; {
		ns := slab.FiledNS[i]
		switch {
		case r.later(slab, i):
			i++
			continue
		case ns < r.run.span.FirstNS:
			p.epoch.before.raise(outside{slab.Seq[i], true})
			i++
			continue
		case ns > r.run.span.LastNS:
			p.epoch.after.lower(outside{slab.Seq[i], true})
			i++
			continue
		}
		if bucket = grid.FindFrom(bucket, ns); bucket < 0 {
			return fmt.Errorf("query: time %d lies in the range %d to %d and in no bucket", ns, r.run.span.FirstNS, r.run.span.LastNS)
		}
		end := r.same(slab, i, to, grid.Starts[bucket], grid.End(bucket))
		t.note(bucket, slab.Seq[i], slab.Seq[end-1])
		for k := range slab.Columns {
			if err := r.column(t, p, slab, k, bucket, i, end); err != nil {
				return err
			}
		}
		if r.run.plan.need.Ordered() {
			r.follow(slab, bucket, i, end)
		}
		i = end
	}
	return nil
}

// later reports whether a row is of a later commit than the state.
func (r *seriesReader) later(slab *segment.Slab, row int) bool {
	return slab.Index != nil && slab.Index[row] > r.run.asOf.Index
}

// same is the end of the rows from i on that lie in the same bucket.
func (r *seriesReader) same(slab *segment.Slab, i, to int, first, last int64) int {
	times := slab.FiledNS[i:to]
	n := 1
	for n < len(times) && times[n] >= first && times[n] <= last {
		n++
	}
	if slab.Index == nil {
		return i + n
	}
	for end := i + 1; end < i+n; end++ {
		if r.later(slab, end) {
			return end
		}
	}
	return i + n
}

// column puts the values of a column in rows from..to into a cell.
func (r *seriesReader) column(t *seriesTrack, p *seriesPiece, slab *segment.Slab, k, bucket, from, to int) error {
	c := &slab.Columns[k]
	first, last, firstRow, lastRow, ok := c.Span(from, to)
	if !ok {
		return nil
	}
	if err := r.check(t, c.Name, c.Kind); err != nil || !r.wants(c.Kind) {
		return err
	}
	if r.fields[k] == nil { // fields without a value are none
		r.fields[k] = t.field(c.Name)
	}
	cell, err := t.cell(r.fields[k], bucket)
	if err != nil {
		return err
	}
	need := r.run.plan.need
	if need.Collects() && !textual(c.Kind) {
		if err := r.run.collectValues(last - first + 1); err != nil {
			return err
		}
	}
	at := series.Place{
		Epoch: p.epoch.key.ordinal, FirstSeq: slab.Seq[firstRow], LastSeq: slab.Seq[lastRow],
		FirstNS: slab.FiledNS[firstRow], LastNS: slab.FiledNS[lastRow],
	}
	switch c.Kind {
	case frame.KindFloat:
		cell.Floats(need, c.Bits[first:last+1], at)
	case frame.KindInt:
		cell.Ints(need, c.Ints[first:last+1], at)
	case frame.KindUint:
		cell.Uints(need, c.Bits[first:last+1], at)
	case frame.KindBool:
		cell.Bools(need, c.Bools[first:last+1], at)
	default:
		cell.Texts(need, c.Kind, c.Texts[first:last+1], at)
	}
	return nil
}

// follow gives counters the points of rows from..to, row by row: a field of several kinds has several columns, which stand together.
func (r *seriesReader) follow(slab *segment.Slab, bucket, from, to int) {
	for k := 0; k < len(slab.Columns); {
		same := k + 1
		for same < len(slab.Columns) && slab.Columns[same].Name == slab.Columns[k].Name {
			same++
		}
		for row := from; row < to; row++ {
			for c := k; c < same; c++ {
				if f := r.fields[c]; f != nil {
					stepRow(&f.counter, f.at(bucket), &slab.Columns[c], row, slab.FiledNS[row])
				}
			}
		}
		k = same
	}
}

// stepRow gives a counter a row's value, if it has one.
func stepRow(k *series.Counter, cell *series.Cell, c *segment.Column, row int, ns int64) {
	if c.Place != nil {
		if row = int(c.Place[row]); row < 0 {
			return
		}
	}
	switch c.Kind {
	case frame.KindFloat:
		k.FloatStep(cell, c.Bits[row], ns)
	case frame.KindInt:
		k.IntStep(cell, c.Ints[row], ns)
	case frame.KindUint:
		k.UintStep(cell, c.Bits[row], ns)
	case frame.KindBool:
		k.BoolStep(cell, c.Bools[row], ns)
	}
}
