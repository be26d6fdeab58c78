package segment

// BlockStats is what a block knows of an epoch's rows in it without decoding them.
type BlockStats struct {
	Rows              int
	FirstSeq, LastSeq uint64
	FirstNS, LastNS   int64 // bounds of FiledNS

	// Shared says that the block has frames of other epochs, too: then Fields is nil, so read the rows, and the bounds below are those of
	// all rows of the block.
	Shared                        bool
	Fields                        []FieldStats // ordered by name and kind
	FirstReceiveMS, LastReceiveMS int64        // bounds of ReceiveMS
	FirstIndex, LastIndex         uint64       // bounds of the Raft index
}

// Statistics calls fn for every block of the epoch in order, until fn returns false. It reads directories only.
func (r *Reader) Statistics(e *Epoch, fn func(BlockStats) bool) error {
	for i := range e.refs {
		st, err := r.BlockStats(e, i, Columns{All: true})
		if err != nil {
			return err
		}
		if !fn(st) {
			return nil
		}
	}
	return nil
}

// BlockStats is what block i of the epoch knows of its rows, and of the fields that are asked for. It reads the block's directory only.
func (r *Reader) BlockStats(e *Epoch, i int, cols Columns) (st BlockStats, err error) {
	ref := &e.refs[i]
	l := r.loader(ref)
	defer l.release()
	d, err := l.directory(false)
	if err != nil {
		return st, err
	}
	st = BlockStats{Rows: int(ref.rows), FirstSeq: ref.firstSeq, LastSeq: ref.lastSeq, FirstNS: ref.minNS, LastNS: ref.maxNS, Shared: d.runs > 1}
	okReceive, okIndex := false, false
	st.FirstReceiveMS, st.LastReceiveMS, okReceive = d.parts[partReceive].intBounds()
	st.FirstIndex, st.LastIndex, okIndex = d.parts[partIndex].uintBounds()
	if !okReceive || !okIndex {
		return st, l.damage(damaged("block directory", 0, "bounds of receive times and indexes", "less"), "", ref.offset)
	}
	if st.Shared {
		return st, nil
	}
	for i := range d.columns {
		c := &d.columns[i]
		if c.part != partField || !cols.wants(c) {
			continue
		}
		f, err := c.statistics()
		if err != nil {
			return st, l.damage(err, "block directory", ref.offset)
		}
		st.Fields = append(st.Fields, f)
	}
	return st, nil
}

// statistics reads what the directory says of a field.
func (c *blockColumn) statistics() (FieldStats, error) {
	f := FieldStats{Name: c.name, Kind: c.kind, Count: c.values}
	if !f.parse(c.stats) {
		return f, damaged("block directory", 0, "statistics of "+c.String(), c.stats)
	}
	return f, nil
}

// intBounds and uintBounds read what the directory says of numbers that every row has.
func (c *blockColumn) intBounds() (lo, hi int64, ok bool) {
	b := cursor{b: c.stats}
	lo = b.varint()
	hi = int64(uint64(lo) + b.uvarint())
	return lo, hi, !b.bad && lo <= hi
}

func (c *blockColumn) uintBounds() (lo, hi uint64, ok bool) {
	b := cursor{b: c.stats}
	lo = b.uvarint()
	hi = lo + b.uvarint()
	return lo, hi, !b.bad && lo <= hi
}

// checkBounds compares the directory with the rows.
func (d *directory) checkBounds(b *blockRows) error {
	for _, c := range []struct {
		part part
		v    []uint64
	}{{partSeq, b.seq}, {partIndex, b.index}} {
		lo, hi := bounds(c.v)
		if gotLo, gotHi, ok := d.parts[c.part].uintBounds(); !ok || gotLo != lo || gotHi != hi {
			return damaged("statistics of "+d.parts[c.part].String(), 0, []uint64{lo, hi}, []uint64{gotLo, gotHi})
		}
	}
	for _, c := range []struct {
		part part
		v    []int64
	}{{partTime, b.time}, {partReceive, b.receive}} {
		lo, hi := bounds(c.v)
		if gotLo, gotHi, ok := d.parts[c.part].intBounds(); !ok || gotLo != lo || gotHi != hi {
			return damaged("statistics of "+d.parts[c.part].String(), 0, []int64{lo, hi}, []int64{gotLo, gotHi})
		}
	}
	return nil
}
