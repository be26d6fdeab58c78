package replay

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gaplessdb/gapless/frame"
)

// What becomes of rows without a number.
const (
	noSeqSkip       = "skip"
	noSeqUnnumbered = "unnumbered"
	noSeqReject     = "reject"
)

// ErrNoSeq ends a run at a row without a number when nobody said what becomes of such rows.
var ErrNoSeq = errors.New("replay: a row has no number")

// fate is what becomes of a row.
type fate uint8

const (
	sent     fate = iota // it is a frame
	filtered             // where does not hold
	skipped              // it has no number, and no_seq is skip
)

// item is a row as a frame. Its slices are valid until the next row.
type item struct {
	line           int64
	device, stream string
	group          frame.Group // without the stream's id
	frame          frame.Frame
}

// converter turns rows into frames.
type converter struct {
	m                            *Mapping
	strict                       bool // a column that rows do not have is a fault of the mapping
	device, stream, epoch, class template
	clock                        clock
	readings                     map[string]reading

	// For rows of one shape.
	shape          *shape
	seq, time, raw int // places of columns, -1 for none
	rawReading     reading
	fields         []fieldColumn
	where          []condition

	item item
}

// fieldColumn is a column that becomes a field.
type fieldColumn struct {
	at   int
	name string
	how  reading
}

// condition is one of where.
type condition struct {
	at    int
	value string
}

// newConverter checks the mapping. With strict every column that it names must exist.
func newConverter(m *Mapping, strict bool) (*converter, error) {
	c := &converter{m: m, strict: strict}
	for _, t := range []struct {
		name, text string
		into       *template
	}{{"device", m.Device, &c.device}, {"stream", m.Stream, &c.stream}, {"epoch", m.Epoch, &c.epoch}, {"class", m.Class, &c.class}} {
		parsed, err := parseTemplate(t.text)
		if err != nil {
			return nil, fmt.Errorf("replay: %s: %w", t.name, err)
		}
		if *t.into = parsed; len(parsed) == 0 && t.name != "epoch" {
			return nil, fmt.Errorf("replay: %s is empty", t.name)
		}
	}
	if !slices.Contains([]string{"", noSeqSkip, noSeqUnnumbered, noSeqReject}, m.NoSeq) {
		return nil, fmt.Errorf("replay: no_seq %q: give skip, unnumbered or reject", m.NoSeq)
	}
	if !slices.Contains([]uint8{8, 16, 32, 64}, m.Bits) {
		return nil, fmt.Errorf("replay: bits %d: give 8, 16, 32 or 64", m.Bits)
	}
	var err error
	if c.clock, err = newClock(m); err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	c.readings, err = m.readings()
	return c, err
}

// readings says how columns are read that are not inferred.
func (m *Mapping) readings() (map[string]reading, error) {
	all := map[string]reading{}
	for _, list := range []struct {
		names []string
		how   reading
	}{{m.Strings, readText}, {m.Floats, readFloat}, {m.Hex, readHex}, {m.Base64, readBase64}} {
		for _, name := range list.names {
			if _, twice := all[name]; twice {
				return nil, fmt.Errorf("replay: column %q is named twice among strings, floats, hex and base64", name)
			}
			all[name] = list.how
		}
	}
	return all, nil
}

// convert turns a row into c.item, unless it is left out. A *BadRow is this row's fault; any other error the mapping's.
func (c *converter) convert(r *row) (fate, error) {
	if r.shape != c.shape {
		if err := c.bind(r.shape); err != nil {
			return 0, err
		}
	}
	for _, w := range c.where {
		if r.cell(w.at).text != w.value {
			return filtered, nil
		}
	}
	c.item.line = r.line
	if skip, err := c.number(r); skip || err != nil {
		return skipped, err
	}
	if err := c.names(r); err != nil {
		return 0, err
	}
	if err := c.instant(r); err != nil {
		return 0, err
	}
	return sent, c.content(r)
}

// number reads the frame's number.
func (c *converter) number(r *row) (skip bool, err error) {
	g, f := &c.item.group, &c.item.frame
	*g = frame.Group{Bits: c.m.Bits}
	f.Seq = 0
	text := ""
	if c.m.Seq != "" {
		text = r.cell(c.seq).text
	}
	switch {
	case text != "":
		if f.Seq, err = strconv.ParseUint(strings.TrimSuffix(text, ".0"), 10, 64); err != nil {
			return false, badRow(r.line, "bad_seq", "column %q is %.40q, which is no number of a frame", c.m.Seq, text)
		}
		return false, nil
	case c.m.Seq == "" || c.m.NoSeq == noSeqUnnumbered:
		g.Unseq, g.Bits = true, 64
		return false, nil
	case c.m.NoSeq == noSeqSkip:
		return true, nil
	case c.m.NoSeq == noSeqReject:
		return false, badRow(r.line, "no_seq", "column %q is empty", c.m.Seq)
	}
	return false, fmt.Errorf("%w: line %d, column %q: say with no_seq what becomes of such rows: skip, unnumbered or reject", ErrNoSeq, r.line, c.m.Seq)
}

// names fills in device, stream, epoch and class.
func (c *converter) names(r *row) error {
	var empty string
	it := &c.item
	if it.device, empty = c.device.fill(r); empty == "" {
		it.stream, empty = c.stream.fill(r)
	}
	if empty != "" {
		return badRow(r.line, "no_name", "column %q is empty, and the device's or stream's name needs it", empty)
	}
	if it.group.Epoch, empty = c.epoch.fill(r); empty != "" {
		it.group.Epoch = "" // this row names no epoch
	}
	class, empty := c.class.fill(r)
	if empty != "" {
		class = "event" // as the HTTP API has it
	}
	var ok bool
	if it.frame.Class, ok = frame.ParseClass(class); !ok {
		return badRow(r.line, "bad_class", "class %.40q: it must be event or snapshot", class)
	}
	return nil
}

// instant reads the device time.
func (c *converter) instant(r *row) error {
	f := &c.item.frame
	f.TimeNS, f.NoTime = 0, c.m.Time == ""
	if f.NoTime {
		return nil
	}
	text := r.cell(c.time).text
	if text == "" {
		return badRow(r.line, "no_time", "column %q is empty", c.m.Time)
	}
	var err error
	if f.TimeNS, err = c.clock.read(text); err != nil {
		return badRow(r.line, "bad_time", "column %q: %v", c.m.Time, err)
	}
	return nil
}

// content reads the fields and the payload.
func (c *converter) content(r *row) error {
	f := &c.item.frame
	f.Fields, f.Raw = f.Fields[:0], nil
	for _, column := range c.fields {
		cell := r.cells[column.at]
		if cell.kind == cellMissing {
			continue
		}
		v, err := column.how.value(cell)
		if err != nil {
			return badRow(r.line, "bad_field", "column %q: %v", c.shape.names[column.at], err)
		}
		f.Fields = append(f.Fields, frame.Field{Name: column.name, Value: v})
	}
	if raw := r.cell(c.raw); raw.kind != cellMissing {
		var err error
		if f.Raw, err = c.rawReading.bytes(raw); err != nil {
			return badRow(r.line, "bad_raw", "column %q: %v", c.m.Raw, err)
		}
	}
	return nil
}
