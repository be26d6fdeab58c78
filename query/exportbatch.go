package query

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// Places of the columns that are dictionaries, as frameColumns has them.
var arrowNames = [...]int{0, 1, 6, 7} // device, stream, class, flags

// arrowBatch is a record batch in the making.
type arrowBatch struct {
	schema  *arrow.Schema
	columns *array.RecordBuilder
	names   [len(arrowNames)]map[string]int32 // values of each dictionary,
	order   [len(arrowNames)][]string         // in the order of their numbers
	rows    int
	bytes   int // of texts
	text    writer
}

// row appends what every row has.
func (b *arrowBatch) row(t *target, rec *segment.Record) {
	for i, name := range [...]string{t.key.device, t.key.stream, rec.Class.String(), flagText(rec.Flags)} {
		b.columns.Field(arrowNames[i]).(*array.Int32Builder).Append(b.number(i, name))
	}
	b.columns.Field(2).(*array.Uint32Builder).Append(t.key.ordinal)
	b.columns.Field(3).(*array.Uint64Builder).Append(rec.Seq)
	b.columns.Field(4).(*array.TimestampBuilder).Append(arrow.Timestamp(rec.TimeNS))
	b.columns.Field(5).(*array.TimestampBuilder).Append(arrow.Timestamp(rec.ReceiveMS))
	b.rows++
}

// number is a name's place in the dictionary of its column.
func (b *arrowBatch) number(dictionary int, name string) int32 {
	n, ok := b.names[dictionary][name]
	if !ok {
		n = int32(len(b.order[dictionary]))
		b.names[dictionary][name] = n
		b.order[dictionary] = append(b.order[dictionary], name)
	}
	return n
}

func (b *arrowBatch) raw(column int, raw []byte) {
	if len(raw) == 0 {
		b.columns.Field(column).AppendNull()
		return
	}
	b.bytes += len(raw)
	b.columns.Field(column).(*array.BinaryBuilder).Append(raw)
}

// value appends a field's value in the type of its column.
func (b *arrowBatch) value(column int, v *frame.Value) error {
	switch c := b.columns.Field(column).(type) {
	case *array.Float64Builder:
		c.Append(v.Float64())
	case *array.Int64Builder:
		c.Append(v.Int64())
	case *array.Uint64Builder:
		c.Append(v.Uint64())
	case *array.BooleanBuilder:
		c.Append(v.Bool())
	case *array.BinaryBuilder:
		b.bytes += len(v.Str)
		c.Append(v.Str)
	case *array.StringBuilder:
		text := b.textOf(v)
		b.bytes += len(text)
		c.BinaryBuilder.Append(text)
	default:
		return fmt.Errorf("query: a column of type %T takes no value of kind %s", c, v.Kind)
	}
	return nil
}

// textOf is a value as text: numbers as in JSON, bytes in base64.
func (b *arrowBatch) textOf(v *frame.Value) []byte {
	if v.Kind == frame.KindString {
		return v.Str
	}
	b.text.b = b.text.b[:0]
	b.text.value(v)
	return unquoted(b.text.b)
}

// record takes the batch out and leaves an empty one.
func (b *arrowBatch) record() arrow.RecordBatch {
	plain := b.columns.NewRecordBatch()
	defer plain.Release()
	columns := append([]arrow.Array(nil), plain.Columns()...)
	for i, column := range arrowNames {
		values := array.NewStringBuilder(memory.DefaultAllocator)
		values.AppendValues(b.order[i], nil)
		dictionary := values.NewArray()
		columns[column] = array.NewDictionaryArray(b.schema.Field(column).Type, columns[column], dictionary)
		defer columns[column].Release()
		dictionary.Release()
		values.Release()
		clear(b.names[i])
		b.order[i] = b.order[i][:0]
	}
	b.rows, b.bytes = 0, 0
	return array.NewRecordBatch(b.schema, columns, plain.NumRows())
}
