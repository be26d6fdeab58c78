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

// frameWriter writes frames as JSON and reuses what it needs for that.
type frameWriter struct {
	history uint64
	show    shown
	decoded frame.Frame
}

// write appends one frame as docs/http-api.md describes it. Its values are still encoded (Body) when it comes from a head, and in Fields and
// Raw when it comes from a segment. It runs outside of every lock: a row's bytes never change.
func (f *frameWriter) write(w *writer, key *epochKey, r *segment.Record) {
	fields, raw := r.Fields, r.Raw
	if r.Body.Size() > 0 {
		r.Body.Decode(&f.decoded)
		fields, raw = f.decoded.Fields, f.decoded.Raw
	}
	w.open('{')
	w.key("device")
	w.str(key.device)
	w.key("stream")
	w.str(key.stream)
	w.key("epoch")
	w.uint(uint64(key.ordinal))
	if key.value != "" {
		w.key("epoch_value")
		w.str(key.value)
	}
	w.key("seq")
	w.uint(r.Seq)
	w.key("time")
	w.timeNS(r.TimeNS)
	w.key("class")
	w.str(r.Class.String())
	w.key("fields")
	w.open('{')
	for i := range fields {
		if f.show.field(fields[i].Name) {
			w.anyKey(fields[i].Name)
			w.value(&fields[i].Value)
		}
	}
	w.close('}')
	if len(raw) > 0 && !f.show.noRaw {
		w.key("raw")
		w.base64(raw)
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
		if !w.decimal(v) {
			w.float(v.Float64())
		}
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
