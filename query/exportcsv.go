package query

import (
	"bytes"
	"strings"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// frameColumns are those that every row of an export as CSV or Arrow begins with. Fields follow, and with raw=true the payload before them.
var frameColumns = []string{"device", "stream", "epoch", "seq", "time", "receive_time", "class", "flags"}

const rawColumn = "raw"

// nameColumns gives every field a name in the header: its own, with "fields." before it where a column has that already.
func nameColumns(fields []*fieldUse, raw bool) {
	taken := map[string]bool{}
	for _, name := range frameColumns {
		taken[name] = true
	}
	taken[rawColumn] = raw
	for _, f := range fields {
		if !taken[f.name] {
			f.column, taken[f.name] = f.name, true
		}
	}
	for _, f := range fields {
		for name := "fields." + f.name; f.column == ""; name = "fields." + name {
			if !taken[name] {
				f.column, taken[name] = name, true
			}
		}
	}
}

// columnShow is what an export with columns shows: the raw payload only when it is asked for.
func (e *exportStream) columnShow(show shown) shown {
	show.noRaw = e.r.args.text(rawColumn) != "true"
	return show
}

// csvSink writes RFC 4180 with line feeds: a header, and a line a frame. A field that a frame has not is an empty cell, an empty text is "".
// Numbers and times are written as in JSON.
type csvSink struct {
	e      *exportStream
	show   shown
	fields []*fieldUse

	decoded frame.Frame
	cell    writer // of a value
}

func (e *exportStream) newCSVSink(show shown) (*csvSink, error) {
	s := &csvSink{e: e, show: e.columnShow(show)}
	var err error
	if s.fields, err = e.columnsOf(s.show); err != nil {
		return nil, err
	}
	nameColumns(s.fields, !s.show.noRaw)
	return s, nil
}

// columnsOf is the fields that the question names, or else those that the rows have.
func (e *exportStream) columnsOf(show shown) ([]*fieldUse, error) {
	if !show.some {
		return e.scanFields(show)
	}
	list := make([]*fieldUse, len(show.fields))
	for i, name := range show.fields {
		list[i] = &fieldUse{name: name}
	}
	return list, nil
}

func (s *csvSink) contentType() string      { return csvType + "; charset=utf-8; header=present" }
func (s *csvSink) columns() segment.Columns { return readColumns(s.fields, &s.show) }
func (s *csvSink) full() bool               { return len(s.e.w.b) >= exportPiece }
func (s *csvSink) flush() error             { return nil }
func (s *csvSink) end() error               { return nil }
func (s *csvSink) fail(error)               { s.e.w.b = s.e.w.b[:0] } // the format has no place for it

// readColumns is what has to be read for some fields. Looking for each of very many in every block would take longer than reading all.
func readColumns(fields []*fieldUse, show *shown) segment.Columns {
	const many = 64
	if len(fields) > many {
		return segment.Columns{All: true}
	}
	c := segment.Columns{Raw: !show.noRaw}
	for _, f := range fields {
		c.Fields = append(c.Fields, f.name)
	}
	return c
}

func (s *csvSink) begin() error {
	b := strings.Join(frameColumns, ",")
	if !s.show.noRaw {
		b += "," + rawColumn
	}
	line := []byte(b)
	for _, f := range s.fields {
		line = appendCell(append(line, ','), []byte(f.column))
	}
	s.e.w.b = append(append(s.e.w.b, line...), '\n')
	return nil
}

func (s *csvSink) row(t *target, rec *segment.Record) error {
	fields, raw := rec.Fields, rec.Raw
	if rec.Body.Size() > 0 {
		rec.Body.Decode(&s.decoded)
		fields, raw = s.decoded.Fields, s.decoded.Raw
	}
	b := appendCell(s.e.w.b, []byte(t.key.device))
	b = appendCell(append(b, ','), []byte(t.key.stream))
	b = s.number(append(b, ','), func(w *writer) { w.uint(uint64(t.key.ordinal)) })
	b = s.number(append(b, ','), func(w *writer) { w.uint(rec.Seq) })
	b = s.number(append(b, ','), func(w *writer) { w.timeNS(rec.TimeNS) })
	b = s.number(append(b, ','), func(w *writer) { w.timeMS(rec.ReceiveMS) })
	b = append(append(b, ','), rec.Class.String()...)
	b = append(append(b, ','), flagText(rec.Flags)...)
	if !s.show.noRaw {
		b = append(b, ',')
		if len(raw) > 0 {
			b = s.number(b, func(w *writer) { w.base64(raw) })
		}
	}
	next := 0
	for _, f := range s.fields {
		b = append(b, ',')
		for next < len(fields) && fields[next].Name < f.name {
			next++
		}
		if next < len(fields) && fields[next].Name == f.name {
			b = s.value(b, &fields[next].Value)
		}
	}
	s.e.w.b = append(b, '\n')
	return nil
}

// number appends what JSON would have, without the quotes of its strings.
func (s *csvSink) number(b []byte, write func(*writer)) []byte {
	s.cell.b = s.cell.b[:0]
	write(&s.cell)
	return append(b, unquoted(s.cell.b)...)
}

// unquoted takes the quotes off a JSON string that needs no escaping.
func unquoted(b []byte) []byte { return bytes.Trim(b, `"`) }

func (s *csvSink) value(b []byte, v *frame.Value) []byte {
	if v.Kind == frame.KindString {
		return appendCell(b, v.Str)
	}
	return s.number(b, func(w *writer) { w.value(v) })
}

// flagText joins the names of flags.
func flagText(flags segment.Flags) string {
	if flags == 0 {
		return ""
	}
	var names []string
	flags.Each(func(name string) { names = append(names, name) })
	return strings.Join(names, "|")
}

// appendCell quotes a text where it has to be.
func appendCell(b, text []byte) []byte {
	if len(text) > 0 && !bytes.ContainsAny(text, "\",\r\n") && text[0] != ' ' && text[len(text)-1] != ' ' {
		return append(b, text...)
	}
	b = append(b, '"')
	b = append(b, bytes.ReplaceAll(text, []byte(`"`), []byte(`""`))...)
	return append(b, '"')
}
