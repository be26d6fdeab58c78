package slowreader

import "fmt"

// table is columns one behind the other. The first fault stays.
type table struct {
	columns map[byte]packed
	err     error
}

// readTable reads columns until b ends. values says how many values a column below known has: one of none is not there. Columns from known
// on are of a later version.
func readTable(b []byte, known int, values func(id byte) int) (*table, error) {
	in := &input{rest: b}
	t := &table{columns: map[byte]packed{}}
	before := -1
	for len(in.rest) > 0 && in.err == nil {
		id := in.u8()
		if int(id) <= before {
			in.fail("column %d of a table stands behind column %d", id, before)
		}
		before = int(id)
		c := packed{encoding: in.u8(), codec: in.u8()}
		c.payload = in.take(in.uvarint())
		if int(id) < known {
			c.values = values(id)
			t.columns[id] = c
		}
	}
	for id := range known {
		if _, there := t.columns[byte(id)]; there != (values(byte(id)) > 0) {
			in.fail("column %d of a table of %d values: there %v", id, values(byte(id)), there)
		}
	}
	return t, in.end()
}

func (t *table) ints(id byte) []int64 {
	values, err := t.columns[id].ints()
	t.fault(id, err)
	return values
}

func (t *table) texts(id byte) [][]byte {
	values, err := t.columns[id].texts()
	t.fault(id, err)
	return values
}

func (t *table) fault(id byte, err error) {
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("column %d of a table: %w", id, err)
	}
}

// keys reads the two columns of keys from id on.
func (t *table) keys(id byte) ([]Key, error) {
	shared, rest := t.ints(id), t.texts(id+1)
	if t.err != nil {
		return nil, t.err
	}
	return keys(shared, rest)
}
