package query

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

const (
	arrowRows  = 8192    // of a record batch at most,
	arrowCells = 1 << 20 // or fewer where there are very many columns
	arrowBytes = 4 << 20 // or where texts are long
)

// arrowSink writes an Arrow IPC stream: a schema, record batches, and the mark of its end. A batch carries its own dictionaries, so none
// grows with the number of devices.
type arrowSink struct {
	e      *exportStream
	show   shown
	fields []*fieldUse
	schema *arrow.Schema
	out    *ipc.Writer

	batch   arrowBatch
	most    int // rows of a batch
	decoded frame.Frame
}

func (e *exportStream) newArrowSink(show shown) (*arrowSink, error) {
	s := &arrowSink{e: e, show: e.columnShow(show)}
	var err error
	if s.fields, err = e.scanFields(s.show); err != nil {
		return nil, err
	}
	if s.show.some {
		s.fields = alsoUnused(s.fields, s.show.fields)
	}
	nameColumns(s.fields, !s.show.noRaw)
	s.schema = s.newSchema()
	s.batch = newArrowBatch(s.schema)
	s.most = max(1, min(arrowRows, arrowCells/s.schema.NumFields()))
	s.out = ipc.NewWriter(streamWriter{e}, ipc.WithSchema(s.schema))
	return s, nil
}

// alsoUnused adds the fields that a question names and no row has.
func alsoUnused(fields []*fieldUse, names []string) []*fieldUse {
	found := map[string]*fieldUse{}
	for _, f := range fields {
		found[f.name] = f
	}
	list := make([]*fieldUse, len(names))
	for i, name := range names {
		if list[i] = found[name]; list[i] == nil {
			list[i] = &fieldUse{name: name}
		}
	}
	return list
}

// streamWriter appends to the stream's piece.
type streamWriter struct{ e *exportStream }

func (w streamWriter) Write(b []byte) (int, error) {
	w.e.w.b = append(w.e.w.b, b...)
	return len(b), nil
}

// newSchema has the columns of every row, then the payload, then the fields. What the state is stands in its metadata.
func (s *arrowSink) newSchema() *arrow.Schema {
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	types := []arrow.DataType{
		dictionary, dictionary, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64,
		&arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}, &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"},
		dictionary, dictionary,
	}
	var columns []arrow.Field
	for i, name := range frameColumns {
		columns = append(columns, arrow.Field{Name: name, Type: types[i]})
	}
	if !s.show.noRaw {
		columns = append(columns, arrow.Field{Name: rawColumn, Type: arrow.BinaryTypes.Binary, Nullable: true})
	}
	for _, f := range s.fields {
		meta := arrow.MetadataFrom(map[string]string{"gapless.field": f.name, "gapless.kinds": f.kindNames()})
		columns = append(columns, arrow.Field{Name: f.column, Type: f.arrowType(), Nullable: true, Metadata: meta})
	}
	var asOf, complete writer
	asOf.asOf(s.e.asOf)
	s.e.completeness.write(&complete)
	meta := arrow.MetadataFrom(map[string]string{"gapless.as_of": string(asOf.b), "gapless.completeness": string(complete.b)})
	return arrow.NewSchema(columns, &meta)
}

// kindNames lists the kinds of values that the rows have.
func (f *fieldUse) kindNames() (names string) {
	for k := frame.KindFloat; k <= frame.KindBytes; k++ {
		if !f.has(k) {
			continue
		}
		if names != "" {
			names += ","
		}
		names += k.String()
	}
	return names
}

// arrowType is the narrowest type that holds every value of the field exactly, and text where none does: numbers are written as in JSON
// then, and bytes in base64.
func (f *fieldUse) arrowType() arrow.DataType {
	const exact = 1 << 53 // integers up to this are exact as float64
	float, integer, unsigned := f.has(frame.KindFloat), f.has(frame.KindInt), f.has(frame.KindUint)
	switch numbers := float || integer || unsigned; {
	case numbers && f.kinds&^(1<<frame.KindFloat|1<<frame.KindInt|1<<frame.KindUint) != 0:
	case f.kinds == 0:
		return arrow.PrimitiveTypes.Float64
	case float && (!integer || f.least >= -exact && f.most <= exact) && (!unsigned || f.greatest <= exact):
		return arrow.PrimitiveTypes.Float64
	case float:
	case integer && (!unsigned || f.greatest <= math.MaxInt64):
		return arrow.PrimitiveTypes.Int64
	case unsigned && (!integer || f.least >= 0):
		return arrow.PrimitiveTypes.Uint64
	case f.kinds == 1<<frame.KindBool:
		return arrow.FixedWidthTypes.Boolean
	case f.kinds == 1<<frame.KindBytes:
		return arrow.BinaryTypes.Binary
	}
	return arrow.BinaryTypes.String
}

func (s *arrowSink) contentType() string      { return arrowType }
func (s *arrowSink) columns() segment.Columns { return readColumns(s.fields, &s.show) }
func (s *arrowSink) begin() error             { return nil } // the writer writes the schema before the first batch, or before the end
func (s *arrowSink) fail(error)               { s.e.w.b = s.e.w.b[:0] }

func (s *arrowSink) full() bool { return s.batch.rows >= s.most || s.batch.bytes >= arrowBytes }

func (s *arrowSink) row(t *target, rec *segment.Record) error {
	fields, raw := rec.Fields, rec.Raw
	if rec.Body.Size() > 0 {
		rec.Body.Decode(&s.decoded)
		fields, raw = s.decoded.Fields, s.decoded.Raw
	}
	b := &s.batch
	b.row(t, rec)
	column := len(frameColumns)
	if !s.show.noRaw {
		b.raw(column, raw)
		column++
	}
	next := 0
	for i, f := range s.fields {
		for next < len(fields) && fields[next].Name < f.name {
			next++
		}
		if next == len(fields) || fields[next].Name != f.name {
			b.columns.Field(column + i).AppendNull()
			continue
		}
		if err := b.value(column+i, &fields[next].Value); err != nil {
			return err
		}
	}
	return nil
}

// flush writes a batch that is full. One that is not goes on in the next piece, so that batches do not tell where pieces ended.
func (s *arrowSink) flush() error {
	if !s.full() {
		return nil
	}
	return s.write()
}

func (s *arrowSink) write() error {
	record := s.batch.record()
	defer record.Release()
	return s.out.Write(record)
}

func (s *arrowSink) end() error {
	if s.batch.rows > 0 {
		if err := s.write(); err != nil {
			return err
		}
	}
	return s.out.Close()
}

// newArrowBatch returns an empty batch.
func newArrowBatch(schema *arrow.Schema) arrowBatch {
	plain := make([]arrow.Field, schema.NumFields()) // dictionaries are built here, by their indices
	for i, f := range schema.Fields() {
		if _, ok := f.Type.(*arrow.DictionaryType); ok {
			f.Type = arrow.PrimitiveTypes.Int32
		}
		plain[i] = f
	}
	b := arrowBatch{schema: schema, columns: array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(plain, nil))}
	for i := range b.names {
		b.names[i] = map[string]int32{}
	}
	return b
}
