package main

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// frameLine is a frame of a segment: what a node answers of it, and its tenant.
type frameLine struct {
	Type   string `json:"type"` // frame
	Path   string `json:"path"`
	Tenant string `json:"tenant"`
	frameAnswer
	Received string `json:"received"`
	Position string `json:"position"`
}

// eachFrame prints the frames. A damaged block costs what is in it, and no more.
func (d *dumpSegment) eachFrame(path string, r *segment.Reader) error {
	t := newTable("TENANT", "DEVICE", "STREAM", "EPOCH#", "SEQ#", "TIME", "CLASS", "FIELDS")
	err := d.each(path, r, func(key frame.StreamKey, e *segment.Epoch) error {
		line := frameLine{Type: "frame", Path: path, Tenant: key.Tenant}
		line.Device, line.Stream, line.Epoch = key.Device, key.Stream, e.Ordinal
		return salvage(r, e, d.span, func(rec *segment.Record) error {
			line.fill(rec, r.Options().History)
			if d.json {
				return d.object(line)
			}
			return t.addTo(d.w, append([]string{line.Tenant, line.Device}, line.cells()...)...)
		}, func(err error) error { return d.faultIn(path, err, t) })
	})
	return d.endTable(t, err)
}

// fill sets what a record says.
func (l *frameLine) fill(rec *segment.Record, history uint64) {
	l.Seq, l.Time, l.Class = rec.Seq, timeText(rec.TimeNS), rec.Class.String()
	l.Fields = make(map[string]json.RawMessage, len(rec.Fields))
	for i := range rec.Fields {
		l.Fields[rec.Fields[i].Name] = valueJSON(&rec.Fields[i].Value)
	}
	l.Raw, l.Flags = base64.StdEncoding.EncodeToString(rec.Raw), nil
	rec.Flags.Each(func(name string) { l.Flags = append(l.Flags, name) })
	l.Received = time.UnixMilli(rec.ReceiveMS).UTC().Format(time.RFC3339Nano)
	l.Position = frame.Position{History: history, Index: rec.Index, Ordinal: rec.Ordinal}.String()
}

// valueJSON is a value as the API writes it.
func valueJSON(v *frame.Value) json.RawMessage {
	switch v.Kind {
	case frame.KindFloat:
		return floatJSON(v.Float64())
	case frame.KindInt:
		return strconv.AppendInt(nil, v.Int64(), 10)
	case frame.KindUint:
		return strconv.AppendUint(nil, v.Uint64(), 10)
	case frame.KindBool:
		return strconv.AppendBool(nil, v.Bool())
	case frame.KindString:
		return textJSON(string(v.Str))
	case frame.KindBytes:
		return textJSON(base64.StdEncoding.EncodeToString(v.Str))
	}
	return json.RawMessage("null") // no decoder gives another kind
}

// floatJSON always has a point or an exponent, so that a float is told from an integer. What is no number is a string.
func floatJSON(v float64) json.RawMessage {
	switch abs := math.Abs(v); {
	case math.IsNaN(v), math.IsInf(v, 0):
		return textJSON(strconv.FormatFloat(v, 'g', -1, 64))
	case abs != 0 && (abs < 1e-6 || abs >= 1e21):
		return strconv.AppendFloat(nil, v, 'e', -1, 64)
	}
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return json.RawMessage(s)
}

// textJSON quotes a text. HTML means nothing here, so its characters stay.
func textJSON(s string) json.RawMessage {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a text always encodes
	return json.RawMessage(strings.TrimSuffix(b.String(), "\n"))
}
