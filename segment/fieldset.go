package segment

import (
	"fmt"
	"slices"

	"github.com/gaplessdb/gapless/frame"
)

// fieldSet finds the columns of a frame's fields. Frames of a stream mostly look like the one before: the column at the same place is
// tried first, and only what differs is looked up.
type fieldSet struct {
	columns map[fieldID]*fieldColumn // also those of earlier blocks, whose room is used again
	active  []*fieldColumn           // those with values in the block at hand
	guess   []*fieldColumn           // by place in a frame: what was there last
	width   int                      // how many of them are the frame at hand
	raw     fieldColumn              // raw payloads

	sources []sourceColumns // of a merge, by number
	texts   textRoom        // of a merge
}

type fieldID struct {
	name string
	kind frame.Kind
}

// keptColumns is how many columns keep their room from block to block.
const keptColumns = 256

func newFieldSet() fieldSet {
	return fieldSet{columns: map[fieldID]*fieldColumn{}, raw: fieldColumn{kind: frame.KindBytes}}
}

// resolve finds the columns of a frame. It returns how many of them the block would get anew, and the size of the values.
func (s *fieldSet) resolve(fields []frame.Field) (fresh, size int, err error) {
	for len(s.guess) < len(fields) {
		s.guess = append(s.guess, nil)
	}
	guess, changed := s.guess[:len(fields)], len(fields) > s.width
	size = 8 * len(fields)
	for i := range fields {
		v := &fields[i].Value
		size += len(v.Str)
		c := guess[i]
		if c == nil || c.kind != v.Kind || c.name != fields[i].Name {
			if c, err = s.find(&fields[i]); err != nil {
				return 0, 0, err
			}
			guess[i], changed = c, true
		}
		if !c.active {
			fresh++
		}
	}
	if changed {
		err = checkOrder(fields)
	}
	s.width = len(fields)
	return fresh, size, err
}

func checkOrder(fields []frame.Field) error {
	for i := 1; i < len(fields); i++ {
		if fields[i-1].Name >= fields[i].Name {
			return fmt.Errorf("segment: field %q stands after %q: fields are ordered by name, none twice", fields[i].Name, fields[i-1].Name)
		}
	}
	return nil
}

func (s *fieldSet) find(f *frame.Field) (*fieldColumn, error) {
	id := fieldID{f.Name, f.Value.Kind}
	if c := s.columns[id]; c != nil {
		return c, nil
	}
	if id.kind < frame.KindFloat || id.kind > frame.KindBytes {
		return nil, fmt.Errorf("segment: field %q has kind %d", id.name, id.kind)
	}
	if err := frame.ValidateName("field", id.name); err != nil {
		return nil, fmt.Errorf("segment: %w", err)
	}
	c := &fieldColumn{name: id.name, kind: id.kind}
	s.columns[id] = c
	return c, nil
}

// add adds the values of the frame that was resolved last.
func (s *fieldSet) add(row int, fields []frame.Field, raw []byte) {
	for i, c := range s.guess[:s.width] {
		if !c.active {
			c.active = true
			s.active = append(s.active, c)
		}
		c.add(row, &fields[i].Value)
	}
	if len(raw) > 0 {
		s.raw.add(row, &frame.Value{Str: raw})
	}
}

// sorted lists the columns of the block at hand in the order of the file.
func (s *fieldSet) sorted() []*fieldColumn {
	slices.SortFunc(s.active, (*fieldColumn).compare)
	return s.active
}

// reset begins a new block. The columns of the frame at hand stay resolved.
func (s *fieldSet) reset() {
	for _, c := range s.active {
		c.reset()
	}
	s.active = s.active[:0]
	s.raw.reset()
	s.texts.forget()
	if len(s.columns) > keptColumns {
		clear(s.columns)
		clear(s.sources)
		clear(s.guess[s.width:])
		for _, c := range s.guess[:s.width] {
			s.columns[fieldID{c.name, c.kind}] = c
		}
	}
}
