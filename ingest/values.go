package ingest

import (
	"encoding/base64"
	"math"
	"time"

	"github.com/gaplessdb/gapless/frame"
)

// The functions below each read one value of a frame object from its validated JSON text. What they return may alias it.

// fieldValue reads one measurement.
func fieldValue(name, content []byte) (frame.Value, *Fault) {
	switch content[0] {
	case 't', 'f':
		return frame.Bool(content[0] == 't'), nil
	case '"':
		s, ok := unquote(content)
		if !ok {
			return frame.Value{}, badUTF8("field " + string(name))
		}
		return frame.Value{Kind: frame.KindString, Str: s}, nil
	case '{', '[', 'n':
		return frame.Value{}, &Fault{"bad_field",
			clip("field " + string(name) + " is null, an object or an array; only numbers, bools and strings are stored")}
	}
	v, ok := number(content)
	if !ok {
		return frame.Value{}, &Fault{"number_out_of_range",
			clip("field " + string(name) + ": " + string(content) + " fits neither int64, uint64 nor float64")}
	}
	return v, nil
}

func badUTF8(what string) *Fault {
	return &Fault{"bad_utf8", clip(what + " has an escape that is no character (half a surrogate pair)")}
}

// text reads a JSON string.
func text(what string, value []byte) ([]byte, *Fault) {
	if value[0] != '"' {
		return nil, &Fault{"bad_" + what, what + " must be a string"}
	}
	s, ok := unquote(value)
	if !ok {
		return nil, badUTF8(what)
	}
	return s, nil
}

func textString(what string, value []byte) (string, *Fault) {
	s, f := text(what, value)
	return alias(s), f
}

// counter reads a sequence number: an integer without sign, fraction or exponent.
func counter(what string, value []byte) (uint64, *Fault) {
	v, ok := Unsigned(value)
	if !ok {
		return 0, &Fault{"bad_" + what, clip(what + " must be an integer from 0 to 2^63-1, not " + string(value))}
	}
	return v, nil
}

// epoch reads the device's own value, a string or an integer; the integer counts as its text.
func epoch(value []byte) (string, *Fault) {
	s := value
	if value[0] == '"' {
		var f *Fault
		if s, f = text("epoch", value); f != nil {
			return "", f
		}
	} else if _, ok := Unsigned(value); !ok {
		return "", &Fault{"bad_epoch", clip("epoch must be a string or an integer from 0, not " + string(value))}
	}
	if err := frame.ValidateEpoch(alias(s)); err != nil {
		return "", faultOf(err)
	}
	return alias(s), nil
}

func bits(value []byte) (uint8, *Fault) {
	switch string(value) {
	case "8":
		return 8, nil
	case "16":
		return 16, nil
	case "32":
		return 32, nil
	case "64":
		return 64, nil
	default:
		return 64, &Fault{"bad_bits", clip("bits must be 8, 16, 32 or 64, not " + string(value))}
	}
}

func class(value []byte) (frame.Class, *Fault) {
	switch string(value) {
	case `"event"`:
		return frame.ClassEvent, nil
	case `"snapshot"`:
		return frame.ClassSnapshot, nil
	default:
		return 0, &Fault{"bad_class", clip(`class must be "event" or "snapshot", not ` + string(value))}
	}
}

// timeNS reads a device time in the unit of its key.
func timeNS(key keys, value []byte) (int64, *Fault) {
	unit := int64(1)
	switch key {
	case keyTime:
		return rfc3339(value)
	case keyTimeUS:
		unit = 1_000
	case keyTimeMS:
		unit = 1_000_000
	}
	v, ok := Integer(value)
	if !ok {
		return 0, &Fault{"bad_time", clip("time_ns, time_us and time_ms must be integers, not " + string(value))}
	}
	n := v.Int64()
	if v.Kind != frame.KindInt || n > math.MaxInt64/unit || n < math.MinInt64/unit {
		return 0, &Fault{"time_out_of_range", clip(string(value) + " is outside the years 1678 to 2261")}
	}
	return n * unit, nil
}

// rfc3339 reads a time as text. Digits beyond nanoseconds are cut off, as time.Time does.
func rfc3339(value []byte) (int64, *Fault) {
	s, f := text("time", value)
	if f != nil {
		return 0, f
	}
	var t time.Time
	if err := t.UnmarshalText(s); err != nil {
		return 0, &Fault{"bad_time", clip(`time must be RFC 3339 such as "2026-11-21T10:00:00.5Z", not ` + string(value))}
	}
	ns, err := frame.UnixNS(t)
	if err != nil {
		return 0, faultOf(err)
	}
	return ns, nil
}

// raw reads the payload: base64 with padding (RFC 4648 section 4).
func raw(value []byte) ([]byte, *Fault) {
	s, f := text("raw", value)
	if f != nil {
		return nil, f
	}
	if base64.StdEncoding.DecodedLen(len(s)) > frame.MaxFrameBytes+4 {
		return nil, &Fault{"frame_too_large", "raw alone is larger than a frame may be, 1 MiB: split it"}
	}
	payload := make([]byte, base64.StdEncoding.DecodedLen(len(s)))
	n, err := base64.StdEncoding.Strict().Decode(payload, s)
	if err != nil {
		return nil, &Fault{"bad_raw", clip("raw must be base64 with padding: " + err.Error())}
	}
	return payload[:n], nil
}
