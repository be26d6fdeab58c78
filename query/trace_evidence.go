package query

import (
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// maxTraceRaw bounds what is shown of an evidence frame's payload.
const maxTraceRaw = 4 << 10

// Fields of evidence frames that an answer shows, beside those that say whose number it is.
var (
	deadLetterMembers = []string{"cause", "code"}
	conflictMembers   = []string{"size"}
)

// writeRecorder writes what one of the store's own devices has about the number, and how far it was searched.
func (p *tracePage) writeRecorder(w *writer, name string, rec *recorder, members []string) {
	w.key(name)
	w.open('{')
	w.key("device")
	w.str(rec.device)
	w.key("found")
	w.int(int64(len(rec.found)))
	w.key("list")
	w.open('[')
	var decoded frame.Frame
	for i := range rec.list {
		one := &rec.list[i]
		fields, raw := one.Fields, one.Raw
		if one.Body.Size() > 0 {
			one.Body.Decode(&decoded)
			fields, raw = decoded.Fields, decoded.Raw
		}
		p.writeEvidence(w, &one.Row, fields, raw, members)
	}
	w.close(']')
	w.key("searched")
	w.uint(rec.looked)
	w.key("complete")
	w.bool(len(rec.skipped) == 0)
	if len(rec.skipped) > 0 {
		w.key("unsearched")
		w.open('[')
		for _, run := range rec.skipped {
			writeRun(w, run)
		}
		w.close(']')
	}
	if len(rec.limits) > 0 {
		w.key("limits")
		w.open('[')
		for _, limit := range rec.limits {
			w.str(limit)
		}
		w.close(']')
	}
	w.close('}')
}

func writeRun(w *writer, run ledger.Run) {
	w.open('[')
	w.uint(run.First)
	w.uint(run.Last)
	w.close(']')
}

// writeEvidence writes one frame of a recorder.
func (p *tracePage) writeEvidence(w *writer, row *segment.Row, fields []frame.Field, raw []byte, members []string) {
	w.open('{')
	w.key("seq")
	w.uint(row.Seq)
	p.writeWhen(w, row)
	for _, name := range members {
		for i := range fields {
			if fields[i].Name == name {
				w.key(name)
				w.value(&fields[i].Value)
			}
		}
	}
	if len(raw) > 0 {
		w.key("raw_bytes")
		w.int(int64(len(raw)))
		w.key("raw")
		w.base64(raw[:min(len(raw), maxTraceRaw)])
	}
	w.close('}')
}
