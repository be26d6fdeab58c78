package slowreader

import "fmt"

// The parts of a block.
const (
	partRuns    = 1
	partSeq     = 2
	partTime    = 3
	partReceive = 4
	partClass   = 5
	partFlags   = 6
	partSeal    = 7
	partIndex   = 8
	partOrdinal = 9
	partField   = 10
	partRaw     = 11
)

// entry is what the directory of a block says of a column.
type entry struct {
	part, kind  byte
	name        string
	encoding    byte
	codec       byte
	values      int
	chunkLength uint64
	sum         uint32

	listed   bool   // a list says which rows have a value; else all have one
	list     packed // encoding and codec of it
	listSize uint64

	statistics []byte
	chunk      []byte
}

func (e *entry) String() string {
	return fmt.Sprintf("column %d %q of kind %d", e.part, e.name, e.kind)
}

// before says whether the directory has e before o.
func (e *entry) before(o *entry) bool {
	if e.part != o.part {
		return e.part < o.part
	}
	if e.name != o.name {
		return e.name < o.name
	}
	return e.kind < o.kind
}

func readDirectory(b []byte, columns int) ([]*entry, error) {
	in := &input{rest: b}
	var list []*entry
	for range columns {
		e, err := readEntry(&input{rest: in.take(in.uvarint())})
		if in.err != nil {
			return nil, in.err
		}
		if err != nil {
			return nil, fmt.Errorf("%v: %w", e, err)
		}
		if n := len(list); n > 0 && !list[n-1].before(e) {
			return nil, damaged("%v stands behind %v", e, list[n-1])
		}
		list = append(list, e)
	}
	return list, in.end()
}

func readEntry(in *input) (*entry, error) {
	e := &entry{part: in.u8(), kind: in.u8(), name: in.text(), encoding: in.u8(), codec: in.u8()}
	validity := in.u8()
	e.values = in.count("values", maxValues)
	e.chunkLength = in.uvarint()
	e.sum = in.u32()
	if validity > 1 {
		in.fail("validity %d", validity)
	}
	if validity == 1 {
		e.listed = true
		e.list = packed{encoding: in.u8(), codec: in.u8()}
		e.listSize = in.uvarint()
	}
	e.statistics = in.take(in.uvarint())
	return e, in.err // what later versions add is left
}

// column is the values of an entry as they are packed.
func (e *entry) column() packed {
	return packed{values: e.values, encoding: e.encoding, codec: e.codec, payload: e.chunk[e.listSize:]}
}

// places lists which of the rows have the values of an entry, in order.
func (e *entry) places(rows int) ([]int, error) {
	var places []int
	if !e.listed {
		if e.values != rows {
			return nil, damaged("%d values, %d rows", e.values, rows)
		}
		for i := range rows {
			places = append(places, i)
		}
		return places, nil
	}
	if e.listSize > uint64(len(e.chunk)) {
		return nil, damaged("a list of %d bytes in a chunk of %d", e.listSize, len(e.chunk))
	}
	list := e.list
	list.values, list.payload = rows, e.chunk[:e.listSize]
	has, err := list.bools()
	if err != nil {
		return nil, fmt.Errorf("which rows have a value: %w", err)
	}
	for i, yes := range has {
		if yes {
			places = append(places, i)
		}
	}
	if len(places) != e.values {
		return nil, damaged("%d values of %d rows", e.values, len(places))
	}
	return places, nil
}
