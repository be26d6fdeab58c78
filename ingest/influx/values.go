package influx

import (
	"fmt"
	"math"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/influxdata/line-protocol/v2/lineprotocol"
)

// value reads one value as the decoder cut it out: without quotes, escapes and the letter of its type. fault is the code of what is wrong.
func (r *reader) value(v *frame.Value, kind lineprotocol.ValueKind, text []byte) (fault string) {
	*v = frame.Value{}
	switch {
	case kind == lineprotocol.Float && ingest.PlainFloat(v, text), kind == lineprotocol.Int && ingest.PlainInteger(v, text):
		return ""
	case kind == lineprotocol.String:
		*v = frame.Value{Kind: frame.KindString, Str: r.keep(text)}
		return ""
	}
	ok := false
	switch kind {
	case lineprotocol.Bool:
		if *v, ok = boolean(text); !ok {
			return "bad_field"
		}
		return ""
	case lineprotocol.Float:
		if !isFloat(text) {
			return "bad_field"
		}
		*v, ok = ingest.Float(text)
	case lineprotocol.Int:
		if !isInteger(text) {
			return "bad_field"
		}
		*v, ok = ingest.Integer(text)
		ok = ok && v.Kind == frame.KindInt
	case lineprotocol.Uint:
		if !isDigits(text) {
			return "bad_field"
		}
		*v, ok = ingest.Integer(text)
	default:
		return "bad_field"
	}
	if !ok {
		return "number_out_of_range"
	}
	return ""
}

func boolean(text []byte) (v frame.Value, ok bool) {
	switch string(text) {
	case "t", "T", "true", "True", "TRUE":
		return frame.Bool(true), true
	case "f", "F", "false", "False", "FALSE":
		return frame.Bool(false), true
	}
	return v, false
}

func isDigits(text []byte) bool { return len(text) > 0 && digits(text) == len(text) }

func isInteger(text []byte) bool {
	if len(text) > 0 && text[0] == '-' {
		text = text[1:]
	}
	return isDigits(text)
}

// isFloat holds a number against the grammar: [-] digits [. digits] [e [+-] digits], with a digit before or behind the point.
func isFloat(text []byte) bool {
	if len(text) > 0 && text[0] == '-' {
		text = text[1:]
	}
	whole := digits(text)
	text = text[whole:]
	if len(text) > 0 && text[0] == '.' {
		fraction := digits(text[1:])
		whole += fraction
		text = text[1+fraction:]
	}
	if whole == 0 || len(text) == 0 {
		return whole > 0
	}
	if text[0]|0x20 != 'e' {
		return false
	}
	if text = text[1:]; len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		text = text[1:]
	}
	return isDigits(text)
}

// digits is how many digits the text begins with.
func digits(text []byte) int {
	for i, c := range text {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(text)
}

// name takes a field or tag that names the frame, and reports whether it was one.
func (r *reader) name(key []byte, kind lineprotocol.ValueKind, text []byte) bool {
	switch stringOf(key) {
	case r.seqField:
		if r.seen.seq {
			r.item.Doubt(twice("number", key))
		}
		r.seen.seq = true
		r.seq(key, text)
	case r.epochField:
		if r.seen.epoch {
			r.item.Doubt(twice("epoch", key))
		}
		r.seen.epoch = true
		r.epoch(key, kind, text)
	default:
		return false
	}
	return true
}

// seq reads the number of the frame: 17i, 17u, or the digits alone, as a field or a tag.
func (r *reader) seq(key, text []byte) {
	n, ok := ingest.Unsigned(text)
	if !ok {
		r.item.Doubt(&ingest.Fault{Code: "bad_seq", Message: fmt.Sprintf(
			"%q must be an integer from 0 to 2^63-1, such as 17i, not %.100q; another field for numbers can be set with line_seq_field", key, text)})
	}
	r.item.Group.Unseq, r.item.Frame.Seq = false, n
}

// epoch reads the device's own value of its epoch: a text, or an integer, which counts as its text.
func (r *reader) epoch(key []byte, kind lineprotocol.ValueKind, text []byte) {
	err := frame.ValidateEpoch(stringOf(text))
	if kind != lineprotocol.String && !isDigits(text) || err != nil {
		r.item.Doubt(&ingest.Fault{Code: "bad_epoch", Message: fmt.Sprintf(
			"%q must be a text of up to %d bytes without control characters, or an integer from 0, not %.100q", key, frame.MaxEpochBytes, text)})
		return
	}
	r.item.Group.Epoch = stringOf(r.keep(text))
}

// time reads the timestamp in the unit of the request.
func (r *reader) time(text []byte) {
	v, ok := ingest.Integer(text)
	n, unit := v.Int64(), int64(r.unit)
	switch {
	case !isInteger(text):
		r.item.Fail(&ingest.Fault{Code: "bad_time", Message: fmt.Sprintf("the timestamp must be an integer, not %.100q", text)})
	case !ok || v.Kind != frame.KindInt || n > math.MaxInt64/unit || n < math.MinInt64/unit:
		r.item.Fail(&ingest.Fault{Code: "time_out_of_range", Message: fmt.Sprintf("%.100s is outside the years 1678 to 2261: check ?precision=", text)})
	}
	r.item.Frame.TimeNS, r.item.Frame.NoTime = n*unit, false
}
