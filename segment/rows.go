package segment

import (
	"slices"
	"sort"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// Scan calls fn for every frame of the span in order of seq, until fn returns false or the budget is used up. Blocks whose numbers or
// times cannot match are not read, and of the others only the columns that were asked for, once a row matches. The *Record is valid until
// fn returns; the bytes of its texts and its raw payload stay valid and must not be changed.
func (r *Reader) Scan(e *Epoch, span Span, cols Columns, fn func(*Record) bool) (done Scanned, err error) {
	s := scan{r: r, span: span, cols: cols, fn: fn}
	first := sort.Search(len(e.refs), func(i int) bool { return e.refs[i].lastSeq >= span.FirstSeq })
	for i := first; i < len(e.refs) && e.refs[i].firstSeq <= span.LastSeq; i++ {
		ref := &e.refs[i]
		if ref.maxNS < span.FirstNS || ref.minNS > span.LastNS {
			continue
		}
		more, err := s.block(ref)
		if err != nil || !more {
			return s.done, err
		}
	}
	return s.done, nil
}

// scan is the state of one Scan.
type scan struct {
	r    *Reader
	span Span
	cols Columns
	fn   func(*Record) bool
	done Scanned
	rec  Record
}

// block scans one block. It reports whether to go on.
func (s *scan) block(ref *blockRef) (more bool, err error) {
	l := s.r.loader(ref)
	defer func() {
		s.done.Bytes += l.bytes
		l.release()
	}()
	s.done.Blocks++
	b, err := l.rows(s.cols.All)
	if err != nil {
		return false, err
	}
	run := &b.runs[ref.run]
	end := run.first + run.rows
	row := run.first + sort.Search(run.rows, func(i int) bool { return b.seq[run.first+i] >= s.span.FirstSeq })
	var fields []*values
	var raw *values
	loaded, dense := false, false
	for ; row < end && b.seq[row] <= s.span.LastSeq; row++ {
		if s.span.Budget > 0 && s.done.Rows == s.span.Budget {
			s.done.More, s.done.Next = true, b.seq[row]
			return false, nil
		}
		s.done.Rows++
		if ns := b.filed(row); ns < s.span.FirstNS || ns > s.span.LastNS {
			continue
		}
		if !loaded {
			if fields, raw, err = l.values(&s.cols); err != nil {
				return false, err
			}
			loaded, dense = true, s.rec.shape(fields)
		}
		b.row(&s.rec.Row, row)
		s.rec.fill(fields, raw, row, dense)
		if !s.fn(&s.rec) {
			seq := b.seq[row]
			s.done.More, s.done.Next = seq < s.span.LastSeq, seq+1
			if !s.done.More {
				s.done.Next = 0
			}
			return false, nil
		}
	}
	return true, nil
}

// shape prepares the record for rows of a block. Where every row has every field, names and kinds are set here, once.
func (rec *Record) shape(fields []*values) (dense bool) {
	rec.Fields, rec.Raw = rec.Fields[:0], nil
	for _, f := range fields {
		if f.place != nil {
			return false
		}
	}
	for _, f := range fields {
		rec.Fields = append(rec.Fields, frame.Field{Name: f.name, Value: frame.Value{Kind: f.kind}})
	}
	return true
}

// fill sets the values of a row; dense is what shape said.
func (rec *Record) fill(fields []*values, raw *values, row int, dense bool) {
	if dense {
		for i, f := range fields {
			f.set(&rec.Fields[i].Value, row)
		}
	} else {
		rec.Fields = rec.Fields[:0]
		for _, f := range fields {
			if at, ok := f.at(row); ok {
				rec.Fields = append(rec.Fields, frame.Field{Name: f.name, Value: frame.Value{Kind: f.kind}})
				f.set(&rec.Fields[len(rec.Fields)-1].Value, at)
			}
		}
	}
	if raw != nil {
		rec.Raw = nil
		if at, ok := raw.at(row); ok {
			rec.Raw = raw.texts[at]
		}
	}
}

// wants reports whether a column is asked for.
func (c *Columns) wants(col *blockColumn) bool {
	switch col.part {
	case partField:
		return c.All || slices.Contains(c.Fields, col.name)
	case partRaw:
		return c.All && !c.NoRaw || c.Raw
	}
	return false
}

// values reads the columns that are asked for: fields in order of name and kind, and raw payloads, nil when the block has none.
func (l *loader) values(cols *Columns) (fields []*values, raw *values, err error) {
	d, err := l.directory(cols.All)
	if err != nil {
		return nil, nil, err
	}
	var missing []*blockColumn
	var places []int // of the missing ones in fields
	keep := func(c *blockColumn, at int, v *values) {
		if c.part == partRaw {
			raw = v
		} else {
			fields[at] = v
		}
	}
	for i := range d.columns {
		c := &d.columns[i]
		if !cols.wants(c) {
			continue
		}
		if c.part == partField {
			fields = append(fields, nil)
		}
		if v, ok := l.r.opt.Cache.get(l.columnKey(c)).(*values); ok {
			keep(c, len(fields)-1, v)
			continue
		}
		missing, places = append(missing, c), append(places, len(fields)-1)
	}
	next := 0
	err = l.chunks(missing, func(c *blockColumn, b []byte) error {
		v, err := decodeValues(&l.s.dec, c, d.rows, b)
		if err != nil {
			return err
		}
		if !l.once {
			l.r.opt.Cache.put(l.columnKey(c), v, v.size())
		}
		keep(c, places[next], v)
		next++
		return nil
	})
	return fields, raw, err
}

// columnKey names a column in the cache by the offset of its block and its place in the directory.
func (l *loader) columnKey(c *blockColumn) cacheKey {
	return cacheKey{l.r.id, l.ref.offset, cacheColumns + c.place}
}

// Get reads the frame of that number. It reports false, and reads no block, when there is none.
func (r *Reader) Get(e *Epoch, seq uint64, cols Columns, rec *Record) (bool, error) {
	if i := runAbove(e.runs, seq); i == len(e.runs) || e.runs[i].First > seq {
		return false, nil
	}
	span := All()
	span.FirstSeq, span.LastSeq = seq, seq
	found := false
	_, err := r.Scan(e, span, cols, func(got *Record) bool {
		*rec, found = *got, true
		return false
	})
	return found, err
}

// Before reads the stored frame with the highest number below seq, without its values.
func (r *Reader) Before(e *Epoch, seq uint64, rec *Record) (bool, error) {
	if seq <= e.FirstSeq {
		return false, nil
	}
	i := runAbove(e.runs, seq-1) // the first run that ends at or above seq-1
	if i == len(e.runs) || e.runs[i].First > seq-1 {
		return r.Get(e, e.runs[i-1].Last, Columns{}, rec)
	}
	return r.Get(e, seq-1, Columns{}, rec)
}

// After reads the stored frame with the lowest number above seq, without its values.
func (r *Reader) After(e *Epoch, seq uint64, rec *Record) (bool, error) {
	if seq >= e.LastSeq {
		return false, nil
	}
	i := runAbove(e.runs, seq+1)
	return r.Get(e, max(seq+1, e.runs[i].First), Columns{}, rec)
}

// runAbove is the place of the first run that ends at or above n.
func runAbove(runs []ledger.Run, n uint64) int {
	return sort.Search(len(runs), func(i int) bool { return runs[i].Last >= n })
}
