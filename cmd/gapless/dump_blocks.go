package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// blockLine is an epoch's part of one block.
type blockLine struct {
	Type      string       `json:"type"` // block
	Path      string       `json:"path"`
	Tenant    string       `json:"tenant"`
	Device    string       `json:"device"`
	Stream    string       `json:"stream"`
	Epoch     uint32       `json:"epoch"`
	Rows      int          `json:"rows"`
	FirstSeq  uint64       `json:"first_seq"`
	LastSeq   uint64       `json:"last_seq"`
	FirstTime string       `json:"first_time"`
	LastTime  string       `json:"last_time"`
	Shared    bool         `json:"shared,omitempty"` // with other epochs: then there are no fields
	Fields    []blockField `json:"fields,omitempty"`
}

// blockField is what a block knows of a field without reading its values. Of texts min and max are the first bytes.
type blockField struct {
	Name  string          `json:"name"`
	Kind  string          `json:"kind"`
	Count int             `json:"count"`
	NaN   int             `json:"nan,omitempty"`
	Min   json.RawMessage `json:"min,omitempty"`
	Max   json.RawMessage `json:"max,omitempty"`
}

// eachBlock prints a line for each block of each epoch.
func (d *dumpSegment) eachBlock(path string, r *segment.Reader) error {
	t := newTable("TENANT", "DEVICE", "STREAM", "EPOCH#", "ROWS#", "NUMBERS", "FROM", "TO", "FIELDS")
	err := d.each(path, r, func(key frame.StreamKey, e *segment.Epoch) error {
		return d.blocksOf(path, r, e, func(st *segment.BlockStats) error {
			line := newBlockLine(path, key, e, st)
			if d.json {
				return d.object(line)
			}
			return t.addTo(d.w, line.Tenant, line.Device, line.Stream, fmt.Sprint(line.Epoch), fmt.Sprint(line.Rows),
				numbers(line.FirstSeq, line.LastSeq), line.FirstTime, line.LastTime, line.content())
		}, t)
	})
	return d.endTable(t, err)
}

// blocksOf calls fn for the blocks of an epoch that are asked for. A damaged directory ends it.
func (d *dumpSegment) blocksOf(path string, r *segment.Reader, e *segment.Epoch, fn func(*segment.BlockStats) error, t *table) error {
	var stop error
	err := r.Statistics(e, func(st segment.BlockStats) bool {
		if st.FirstSeq <= d.span.LastSeq && st.LastSeq >= d.span.FirstSeq && st.FirstNS <= d.span.LastNS && st.LastNS >= d.span.FirstNS {
			stop = fn(&st)
		}
		return stop == nil
	})
	if err != nil && stop == nil {
		return d.faultIn(path, err, t)
	}
	return stop
}

// faultIn is fault in the middle of a table.
func (d *dumpSegment) faultIn(path string, err error, t *table) error {
	if !d.json {
		if err := t.write(d.w); err != nil {
			return err
		}
	}
	return d.fault(path, err)
}

func newBlockLine(path string, key frame.StreamKey, e *segment.Epoch, st *segment.BlockStats) *blockLine {
	line := &blockLine{
		Type: "block", Path: path, Tenant: key.Tenant, Device: key.Device, Stream: key.Stream, Epoch: e.Ordinal, Rows: st.Rows,
		FirstSeq: st.FirstSeq, LastSeq: st.LastSeq, FirstTime: timeText(st.FirstNS), LastTime: timeText(st.LastNS), Shared: st.Shared,
	}
	for i := range st.Fields {
		f := &st.Fields[i]
		field := blockField{Name: f.Name, Kind: f.Kind.String(), Count: f.Count, NaN: f.NaN}
		if f.HasRange {
			field.Min, field.Max = valueJSON(&f.Min), valueJSON(&f.Max)
		}
		line.Fields = append(line.Fields, field)
	}
	return line
}

// content prints the fields of a block: name, kind, how many rows have it, and its range.
func (l *blockLine) content() string {
	if l.Shared {
		return "(block shared with other epochs)"
	}
	parts := make([]string, len(l.Fields))
	for i, f := range l.Fields {
		parts[i] = fmt.Sprintf("%s:%s x %d", f.Name, f.Kind, f.Count)
		if f.Min != nil {
			parts[i] += fmt.Sprintf(" %s..%s", f.Min, f.Max)
		}
	}
	return strings.Join(parts, ", ")
}
