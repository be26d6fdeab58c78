package query

import (
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// epochKey names the (stream, epoch) of rows in an answer. Rows share it.
type epochKey struct {
	device, stream string
	ordinal        uint32
	value          string // the device's own value of its epoch, "" when it sent none
}

// found is one row of an answer, copied out of a View.
type found struct {
	key *epochKey
	row segment.Row
}

// frameWriter writes frames as JSON and reuses what it needs for that.
type frameWriter struct {
	history uint64
	decoded frame.Frame
}

// write appends one frame as docs/http-api.md describes it. It runs outside of every lock: a row's bytes never change.
func (f *frameWriter) write(w *writer, row *found) {
	r := &row.row
	w.open('{')
	w.key("device")
	w.str(row.key.device)
	w.key("stream")
	w.str(row.key.stream)
	w.key("epoch")
	w.uint(uint64(row.key.ordinal))
	if row.key.value != "" {
		w.key("epoch_value")
		w.str(row.key.value)
	}
	w.key("seq")
	w.uint(r.Seq)
	w.key("time")
	w.timeNS(r.TimeNS)
	w.key("class")
	w.str(r.Class.String())
	r.Body.Decode(&f.decoded)
	w.key("fields")
	w.open('{')
	for i := range f.decoded.Fields {
		field := &f.decoded.Fields[i]
		w.anyKey(field.Name)
		w.value(&field.Value)
	}
	w.close('}')
	if len(f.decoded.Raw) > 0 {
		w.key("raw")
		w.base64(f.decoded.Raw)
	}
	w.key("received")
	w.timeMS(r.ReceiveMS)
	w.key("position")
	w.str(frame.Position{History: f.history, Index: r.Index, Ordinal: r.Ordinal}.String())
	w.flags(r.Flags)
	w.close('}')
}

// value writes a field's value; bytes become base64.
func (w *writer) value(v *frame.Value) {
	switch v.Kind {
	case frame.KindFloat:
		w.float(v.Float64())
	case frame.KindInt:
		w.int(v.Int64())
	case frame.KindUint:
		w.uint(v.Uint64())
	case frame.KindBool:
		w.bool(v.Bool())
	case frame.KindString:
		w.text(v.Str)
	case frame.KindBytes:
		w.base64(v.Str)
	default:
		w.null() // no decoder gives another kind
	}
}

func (w *writer) flags(flags segment.Flags) {
	if flags == 0 {
		return
	}
	w.key("flags")
	w.open('[')
	flags.Each(w.str)
	w.close(']')
}
