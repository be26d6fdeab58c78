package slowreader

import (
	"fmt"
	"math"
)

// rowTable makes rows of the columns of a block.
type rowTable struct {
	entries  []*entry
	rows     []Row
	runs     []run
	runCount int
}

// read reads all columns and holds them against their statistics.
func (t *rowTable) read() error {
	steps := []struct {
		part byte
		read func(*entry) error
	}{
		{partRuns, t.readRuns}, {partSeq, t.readSeq}, {partTime, t.readTime},
		{partReceive, t.numbers(math.MinInt64, math.MaxInt64, func(r *Row, v int64) { r.ReceiveMS = v })},
		{partClass, t.numbers(1, 2, func(r *Row, v int64) { r.Class = byte(v) })},
		{partFlags, t.numbers(0, math.MaxUint16, func(r *Row, v int64) { r.Flags = uint64(v) })},
		{partSeal, t.numbers(0, math.MaxUint32, func(r *Row, v int64) { r.Seal = uint32(v) })},
		{partIndex, t.numbers(math.MinInt64, math.MaxInt64, func(r *Row, v int64) { r.Index = uint64(v) })},
		{partOrdinal, t.numbers(0, math.MaxUint32, func(r *Row, v int64) { r.Ordinal = uint32(v) })},
	}
	for _, step := range steps {
		e, err := t.find(step.part)
		if err != nil {
			return err
		}
		if err := step.read(e); err != nil {
			return fmt.Errorf("%v: %w", e, err)
		}
	}
	for _, e := range t.entries {
		var err error
		switch e.part {
		case partField:
			err = t.readField(e)
		case partRaw:
			err = t.readRaw(e)
		}
		if err == nil {
			err = t.checkStatistics(e)
		}
		if err != nil {
			return fmt.Errorf("%v: %w", e, err)
		}
	}
	return nil
}

// find returns the one column of a part that every block has.
func (t *rowTable) find(part byte) (*entry, error) {
	var found *entry
	for _, e := range t.entries {
		if e.part == part {
			if found != nil || e.name != "" || e.kind != 0 || e.listed {
				return nil, damaged("%v: has a name, a kind, a list, or comes twice", e)
			}
			found = e
		}
	}
	if found == nil {
		return nil, damaged("no column of part %d", part)
	}
	return found, nil
}

// numbers reads a column with a number for each row.
func (t *rowTable) numbers(least, greatest int64, set func(*Row, int64)) func(*entry) error {
	return func(e *entry) error {
		if e.values != len(t.rows) {
			return damaged("%d values, %d rows", e.values, len(t.rows))
		}
		values, err := e.column().ints()
		if err != nil {
			return err
		}
		for i, v := range values {
			if v < least || v > greatest {
				return damaged("row %d has %d, not %d to %d", i, v, least, greatest)
			}
			set(&t.rows[i], v)
		}
		return nil
	}
}

// readRuns reads which epochs the rows belong to, and their first numbers and times.
func (t *rowTable) readRuns(e *entry) error {
	if e.encoding != 0 || e.codec != 0 || e.values != t.runCount {
		return damaged("encoding %d, codec %d and %d values of a table of %d runs", e.encoding, e.codec, e.values, t.runCount)
	}
	tab, err := readTable(e.chunk, 6, func(byte) int { return t.runCount })
	if err != nil {
		return err
	}
	list, err := tab.keys(0)
	if err != nil {
		return err
	}
	epoch, rows, seq, ns := tab.ints(2), tab.ints(3), tab.ints(4), tab.ints(5)
	if tab.err != nil {
		return tab.err
	}
	next := 0
	for i, key := range list {
		key.Epoch = uint32(epoch[i])
		if int64(key.Epoch) != epoch[i] || rows[i] < 1 || rows[i] > int64(len(t.rows)-next) {
			return damaged("run %d has epoch %d and %d rows, %d are left", i, epoch[i], rows[i], len(t.rows)-next)
		}
		if i > 0 && t.runs[i-1].Compare(key) >= 0 {
			return damaged("run %d is of %v, the one before of %v", i, key, t.runs[i-1].Key)
		}
		t.runs = append(t.runs, run{Key: key, first: next, rows: int(rows[i])})
		t.rows[next].Seq, t.rows[next].TimeNS = uint64(seq[i]), ns[i]
		for range rows[i] {
			t.rows[next].Key = key
			next++
		}
	}
	if next != len(t.rows) {
		return damaged("runs of %d rows, the block has %d", next, len(t.rows))
	}
	return nil
}

// steps calls fn for every row but the first of each run, with its distance from the row before.
func (t *rowTable) steps(e *entry, fn func(before, row *Row, step int64) error) error {
	if e.values != len(t.rows)-t.runCount {
		return damaged("%d values, %d rows in %d runs", e.values, len(t.rows), t.runCount)
	}
	values, err := e.column().ints()
	if err != nil {
		return err
	}
	for _, r := range t.runs {
		for i := r.first + 1; i < r.first+r.rows; i++ {
			if err := fn(&t.rows[i-1], &t.rows[i], values[0]); err != nil {
				return err
			}
			values = values[1:]
		}
	}
	return nil
}

func (t *rowTable) readSeq(e *entry) error {
	return t.steps(e, func(before, row *Row, step int64) error {
		row.Seq = before.Seq + uint64(step)
		if row.Seq <= before.Seq {
			return damaged("number %d stands behind %d", row.Seq, before.Seq)
		}
		return nil
	})
}

func (t *rowTable) readTime(e *entry) error {
	return t.steps(e, func(before, row *Row, step int64) error {
		row.TimeNS = before.TimeNS + step
		return nil
	})
}

// readField reads the values of a field of one kind. Fields come by name, so those of a row are in order, too.
func (t *rowTable) readField(e *entry) error {
	if e.name == "" || e.values == 0 {
		return damaged("a name of %d bytes, %d values", len(e.name), e.values)
	}
	places, err := e.places(len(t.rows))
	if err != nil {
		return err
	}
	values, err := e.fieldValues()
	if err != nil {
		return err
	}
	for i, place := range places {
		r := &t.rows[place]
		if n := len(r.Fields); n > 0 && r.Fields[n-1].Name == e.name {
			return damaged("row %d has a value of kind %d, too", place, r.Fields[n-1].Kind)
		}
		r.Fields = append(r.Fields, values[i])
	}
	return nil
}

// fieldValues are the values of a field's column.
func (e *entry) fieldValues() ([]Field, error) {
	values := make([]Field, e.values)
	for i := range values {
		values[i] = Field{Name: e.name, Kind: e.kind}
	}
	switch e.kind {
	case kindFloat:
		bits, err := e.column().floats()
		for i := range bits {
			values[i].Bits = bits[i]
		}
		return values, err
	case kindInt, kindUint:
		ints, err := e.column().ints()
		for i := range ints {
			values[i].Bits = uint64(ints[i])
		}
		return values, err
	case kindBool:
		bools, err := e.column().bools()
		for i := range bools {
			if bools[i] {
				values[i].Bits = 1
			}
		}
		return values, err
	case kindString, kindBytes:
		texts, err := e.column().texts()
		for i := range texts {
			values[i].Bytes = texts[i]
		}
		return values, err
	}
	return nil, fmt.Errorf("a field of kind %d: %w", e.kind, ErrVersion)
}

func (t *rowTable) readRaw(e *entry) error {
	if e.name != "" || e.kind != kindBytes {
		return damaged("a raw payload with a name, or of another kind")
	}
	places, err := e.places(len(t.rows))
	if err != nil {
		return err
	}
	texts, err := e.column().texts()
	if err != nil {
		return err
	}
	for i, place := range places {
		t.rows[place].Raw = texts[i]
	}
	return nil
}
