package query

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"slices"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/query/series"
	"github.com/gaplessdb/gapless/segment"
)

// seriesReader reads streams, one after the other. It is for one goroutine.
type seriesReader struct {
	run    *seriesRun
	slab   segment.Slab // what was read last of a segment
	blocks []seriesBlock
	fields []*cellField // of the columns of the slab at hand
	text   bool         // texts are of use
}

// seriesBlock is rows that lie together: a block of a segment, or some of a head.
type seriesBlock struct {
	segment.Block
	part    *seriesPart // nil: a head, and this is its slab
	place   int         // of the block in the part
	slab    *segment.Slab
	overlap bool // another block has numbers between its own
}

// job reads what a stretch has of one stream.
func (r *seriesReader) job(stretch *seriesStretch, job *seriesJob) error {
	t := job.track
	r.text = slices.ContainsFunc(r.run.plan.aggs, series.Agg.Textual)
	for i := range job.pieces {
		p := &job.pieces[i]
		if err := r.run.r.expired(); err != nil {
			return err
		}
		if r.gather(stretch, p); len(r.blocks) > 0 {
			t.begin()
		}
		if err := r.read(t, p); err != nil {
			return err
		}
		if p.ended {
			t.endEpoch(p.epoch)
		}
	}
	if job.ended {
		return t.finish()
	}
	return nil
}

// gather lists the blocks that may have rows of a piece, in order of their first numbers.
func (r *seriesReader) gather(stretch *seriesStretch, p *seriesPiece) {
	r.blocks = r.blocks[:0]
	span := r.run.span
	span.FirstSeq, span.LastSeq = p.first, p.last
	for _, part := range r.run.parts.epochs[p.epoch.id()] {
		if !stretch.live[part.name] {
			continue
		}
		for i := range part.epoch.Blocks() {
			r.addBlock(p, &span, seriesBlock{Block: part.epoch.Block(i), part: part, place: i})
		}
	}
	for _, head := range stretch.sealed {
		var rows []headRow
		looked, _, _ := head.Scan(p.epoch.target.id, p.epoch.key.ordinal, span, func(row *segment.Row) bool {
			if row.Index <= r.run.asOf.Index { // it may have been sealed after the state was chosen
				rows = append(rows, headRow{row.Seq, row.FiledNS(), row.Body})
			}
			return true
		})
		r.run.meter.rows.Add(int64(looked))
		r.addRows(&span, rows)
	}
	r.addRows(&span, p.rows)
	slices.SortFunc(r.blocks, func(a, b seriesBlock) int { return cmp.Compare(a.FirstSeq, b.FirstSeq) })
	last := 0 // the block that reaches furthest
	for i := 1; i < len(r.blocks); i++ {
		if r.blocks[i].FirstSeq < r.blocks[last].LastSeq {
			r.blocks[i].overlap, r.blocks[last].overlap = true, true
		}
		if r.blocks[i].LastSeq > r.blocks[last].LastSeq {
			last = i
		}
	}
}

// addBlock adds a block of a segment. One that lies outside of the range tells nothing but how near to it its numbers come; it is read for
// that only where some of its rows may be later than the state.
func (r *seriesReader) addBlock(p *seriesPiece, span *segment.Span, b seriesBlock) {
	switch {
	case b.part.lastIndex > r.run.asOf.Index:
		if b.FirstSeq <= span.LastSeq && b.LastSeq >= span.FirstSeq {
			r.blocks = append(r.blocks, b)
		}
	case b.LastNS < span.FirstNS:
		p.epoch.before.raise(outside{b.LastSeq, true})
	case b.FirstNS > span.LastNS:
		p.epoch.after.lower(outside{b.FirstSeq, true})
	default:
		r.add(span, b)
	}
}

func (r *seriesReader) add(span *segment.Span, b seriesBlock) {
	if b.FirstSeq <= span.LastSeq && b.LastSeq >= span.FirstSeq && b.FirstNS <= span.LastNS && b.LastNS >= span.FirstNS {
		r.blocks = append(r.blocks, b)
	}
}

// addRows makes blocks of rows of a head.
func (r *seriesReader) addRows(span *segment.Span, rows []headRow) {
	for some := range slices.Chunk(rows, headSlabRows) {
		b := seriesBlock{slab: slabOf(some, &r.run.plan.cols)}
		b.Block = segment.Block{
			Rows: len(some), FirstSeq: some[0].seq, LastSeq: some[len(some)-1].seq,
			FirstNS: slices.Min(b.slab.FiledNS), LastNS: slices.Max(b.slab.FiledNS),
		}
		r.add(span, b)
	}
}

// read puts the rows of a piece into the stream's cells.
func (r *seriesReader) read(t *seriesTrack, p *seriesPiece) error {
	if r.run.plan.need.Ordered() {
		return r.readOrdered(t, p)
	}
	for i := range r.blocks {
		b := &r.blocks[i]
		done, err := r.summarise(t, p, b)
		if err != nil || done {
			if err != nil {
				return err
			}
			continue
		}
		slab, err := r.load(b)
		if err != nil {
			return err
		}
		from, to := rowsBetween(slab, p.first, p.last)
		if err := r.take(t, p, slab, from, to); err != nil {
			return err
		}
	}
	return nil
}

// rowsBetween is which rows of a slab have numbers first..last: from..to, to excluded.
func rowsBetween(slab *segment.Slab, first, last uint64) (from, to int) {
	from, _ = slices.BinarySearch(slab.Seq, first)
	if to = len(slab.Seq); last < math.MaxUint64 {
		to, _ = slices.BinarySearch(slab.Seq, last+1)
	}
	return from, to
}

// load decodes a block.
func (r *seriesReader) load(b *seriesBlock) (*segment.Slab, error) {
	slab := b.slab
	if slab == nil {
		slab = &r.slab
		if err := r.loadInto(b, slab); err != nil {
			return nil, err
		}
	}
	return slab, nil
}

func (r *seriesReader) loadInto(b *seriesBlock, slab *segment.Slab) error {
	index := b.part.lastIndex > r.run.asOf.Index
	done, err := b.part.reader.Slab(&b.part.epoch, b.place, r.run.plan.cols, index, slab)
	if err != nil {
		return damagedSegment(b.part.name, err)
	}
	return r.run.spend(done)
}

// summarise takes what a block of a segment knows of its values, where that says all that is asked: the block lies in one bucket, and all of
// it is of the stream, the piece and the state.
func (r *seriesReader) summarise(t *seriesTrack, p *seriesPiece, b *seriesBlock) (bool, error) {
	need, grid := r.run.plan.need, r.run.grid
	if b.part == nil || need.Decodes() || b.FirstSeq < p.first || b.LastSeq > p.last {
		return false, nil
	}
	bucket := grid.Find(b.FirstNS)
	if bucket < 0 || grid.End(bucket) < b.LastNS || need.Ends() && (b.overlap || !t.group.alone()) {
		return false, nil
	}
	st, err := b.part.reader.BlockStats(&b.part.epoch, b.place, r.run.plan.cols)
	if err != nil {
		return false, damagedSegment(b.part.name, err)
	}
	if st.Shared || st.LastIndex > r.run.asOf.Index || !r.suffice(st.Fields) {
		return false, nil
	}
	at := series.Place{Epoch: p.epoch.key.ordinal, FirstSeq: b.FirstSeq, LastSeq: b.LastSeq, FirstNS: b.FirstNS, LastNS: b.LastNS}
	for i := range st.Fields {
		f := &st.Fields[i]
		if err := r.check(t, f.Name, f.Kind); err != nil {
			return false, err
		}
		if r.wants(f.Kind) && f.Count > 0 {
			cell, err := t.cell(t.field(f.Name), bucket)
			if err != nil {
				return false, err
			}
			cell.Statistics(need, f, at)
		}
	}
	t.note(bucket, b.FirstSeq, b.LastSeq)
	r.run.meter.statistics.Add(1)
	return true, r.run.spend(segment.Scanned{})
}

// suffice reports whether the statistics of a block say all that is needed. Where a field has several kinds, they do not say whose value is the
// first, and whose the last.
func (r *seriesReader) suffice(fields []segment.FieldStats) bool {
	need := r.run.plan.need
	for i := range fields {
		f := &fields[i]
		mixed := i > 0 && fields[i-1].Name == f.Name
		if mixed && need.Ends() || r.wants(f.Kind) && !series.Suffices(need, f) {
			return false
		}
	}
	return true
}

func textual(k frame.Kind) bool { return k == frame.KindString || k == frame.KindBytes }

// wants reports whether values of that kind are of use.
func (r *seriesReader) wants(k frame.Kind) bool { return r.text || !textual(k) }

// check refuses texts where numbers of that field were asked for by name. Where no field was named, texts just have no such aggregates.
func (r *seriesReader) check(t *seriesTrack, field string, k frame.Kind) error {
	plan := r.run.plan
	if plan.fields == nil || !textual(k) {
		return nil
	}
	i := slices.IndexFunc(plan.aggs, func(a series.Agg) bool { return !a.Textual() })
	if i < 0 {
		return nil
	}
	return &Error{
		Status: http.StatusBadRequest, Code: "not_a_number",
		Message: fmt.Sprintf("field %q of device %q has values of kind %s, and %s is of numbers", field, t.epochs[0].key.device, k, plan.aggs[i].Name),
		Hint:    "texts and bytes have count, first and last; fields that are not named are left out of the others",
	}
}
