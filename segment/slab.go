package segment

import "github.com/gaplessdb/gapless/frame"

// Block is what the device index says of an epoch's rows in one block.
type Block struct {
	Rows              int
	FirstSeq, LastSeq uint64
	FirstNS, LastNS   int64 // bounds of FiledNS
}

// Block is block i of Blocks, in order of seq.
func (e *Epoch) Block(i int) Block {
	r := &e.refs[i]
	return Block{int(r.rows), r.firstSeq, r.lastSeq, r.minNS, r.maxNS}
}

// Slab is rows of one epoch as columns, in order of seq: what a reader that goes through many values takes instead of records. What it refers to
// is shared and must not be changed.
type Slab struct {
	Seq     []uint64
	FiledNS []int64
	Index   []uint64 // Raft index of each row; nil where it was not asked for
	Columns []Column // ordered by name and kind
}

// Column is the values of one field of one kind. Those of consecutive rows stand one behind the other.
type Column struct {
	Name  string
	Kind  frame.Kind
	Place []int16  // of each row's value, -1 for none; nil: every row has one, at its own place
	Bits  []uint64 // values of KindFloat, by their bits, and of KindUint
	Ints  []int64  // of KindInt
	Bools []bool   // of KindBool
	Texts [][]byte // of KindString and KindBytes
}

// Span is where the values of rows from..to (to excluded) stand in the column, and which rows have the first and the last of them. It is false
// when none of the rows has a value.
func (c *Column) Span(from, to int) (first, last, firstRow, lastRow int, ok bool) {
	if c.Place == nil {
		return from, to - 1, from, to - 1, from < to
	}
	for firstRow = from; firstRow < to && c.Place[firstRow] < 0; firstRow++ {
	}
	if firstRow == to {
		return 0, 0, 0, 0, false
	}
	for lastRow = to - 1; c.Place[lastRow] < 0; lastRow-- {
	}
	return int(c.Place[firstRow]), int(c.Place[lastRow]), firstRow, lastRow, true
}

// Slab reads block i of the epoch into s, which it reuses: the fields that are asked for, and the Raft indexes where they are. Of columns that
// every row has it decodes no more than numbers and times.
func (r *Reader) Slab(e *Epoch, i int, fields Columns, index bool, s *Slab) (done Scanned, err error) {
	ref := &e.refs[i]
	l := r.loader(ref)
	defer l.release()
	var b *blockRows
	if index {
		b, err = l.rows(false)
	} else {
		b, err = l.times()
	}
	var cols []*values
	if err == nil {
		cols, _, err = l.values(&fields)
	}
	done = Scanned{Blocks: 1, Bytes: l.bytes}
	if err != nil {
		return done, err
	}
	run := &b.runs[ref.run]
	from, to := run.first, run.first+run.rows
	done.Rows = run.rows
	s.Seq, s.FiledNS, s.Index = b.seq[from:to], b.filedOf(from, to), nil
	if index {
		s.Index = b.index[from:to]
	}
	s.Columns = s.Columns[:0]
	for _, v := range cols {
		s.Columns = append(s.Columns, v.column(from, to))
	}
	return done, nil
}

// column is the column's part of some rows.
func (v *values) column(from, to int) Column {
	c := Column{Name: v.name, Kind: v.kind, Bits: v.nums, Ints: v.ints, Bools: v.bools, Texts: v.texts}
	switch {
	case v.place != nil:
		c.Place = v.place[from:to]
	case from > 0:
		c.Bits, c.Ints, c.Bools, c.Texts = tailOf(v.nums, from), tailOf(v.ints, from), tailOf(v.bools, from), tailOf(v.texts, from)
	}
	return c
}

func tailOf[T any](list []T, from int) []T {
	if list == nil {
		return nil
	}
	return list[from:]
}

// filedOf is Row.FiledNS of rows from..to, to excluded.
func (b *blockRows) filedOf(from, to int) []int64 {
	if !b.skewed() {
		return b.time[from:to]
	}
	list := make([]int64, to-from)
	for i := range list {
		list[i] = b.filed(from + i)
	}
	return list
}

// skewed reports whether any row is filed under another time than its own.
func (b *blockRows) skewed() bool {
	for _, f := range b.flags {
		if Flags(f)&FlagSkew != 0 {
			return true
		}
	}
	return false
}

// times reads what a block's rows are found by: numbers, times, flags, and where a row is filed under its receive time those. The rest stays nil.
func (l *loader) times() (*blockRows, error) {
	key := cacheKey{l.r.id, l.ref.offset, cacheTimes}
	b, ok := l.r.opt.Cache.get(key).(*blockRows)
	l.r.metrics.Blocks.Add(1)
	if !ok {
		var err error
		if b, err = l.decodeTimes(); err != nil {
			return nil, err
		}
		l.r.opt.Cache.put(key, b, b.timesSize())
	}
	if err := b.check(l.ref); err != nil {
		return nil, l.damage(err, "block", l.ref.offset)
	}
	return b, nil
}

func (l *loader) decodeTimes() (*blockRows, error) {
	d, err := l.directory(false)
	if err != nil {
		return nil, err
	}
	b := &blockRows{}
	decode := func(c *blockColumn, chunk []byte) error { return b.decode(&l.s.dec, d, c, chunk) }
	if err := l.chunks([]*blockColumn{d.parts[partRuns], d.parts[partSeq], d.parts[partTime], d.parts[partFlags]}, decode); err != nil {
		return nil, err
	}
	if b.skewed() {
		err = l.chunks([]*blockColumn{d.parts[partReceive]}, decode)
	}
	return b, err
}

func (b *blockRows) timesSize() int64 {
	n := int64(256)
	for i := range b.runs {
		n += 64 + int64(len(b.runs[i].key))
	}
	return n + 16*int64(len(b.seq)) + 8*int64(len(b.receive)) + 2*int64(len(b.flags))
}
