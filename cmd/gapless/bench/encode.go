package bench

import (
	"fmt"
	"strconv"

	"github.com/gaplessdb/gapless/frame"
)

// encoder turns frames into request bodies.
type encoder interface {
	// begin starts a body in buf, which is reused.
	begin(buf []byte)
	add(f *simFrame) error
	// end returns the body; it is good until the next begin with the same buffer.
	end() ([]byte, error)
	mime() string
}

func newEncoder(format string, fields int) (encoder, error) {
	names := make([]string, fields)
	for i := range names {
		names[i] = fieldName(i)
	}
	switch format {
	case "binary":
		e := &binaryEncoder{values: make([]frame.Field, fields)}
		for i := range names {
			e.values[i].Name = names[i]
		}
		return e, nil
	case "json":
		return &textEncoder{names: names, one: appendJSON, kind: "application/x-ndjson"}, nil
	case "line":
		return &textEncoder{names: names, one: appendLine, kind: "text/plain; charset=utf-8"}, nil
	}
	return nil, fmt.Errorf("bench: format %q: it is binary, json or line", format)
}

// binaryEncoder writes batches of package frame.
type binaryEncoder struct {
	b      frame.Builder
	values []frame.Field
	buf    []byte
}

func (e *binaryEncoder) begin(buf []byte) {
	e.buf = buf[:0]
	e.b.Reset(frame.Header{})
}

func (e *binaryEncoder) add(f *simFrame) error {
	id, err := e.b.Stream(frame.StreamKey{Device: f.device})
	if err != nil {
		return err
	}
	for i, mantissa := range f.values {
		v, ok := frame.DecimalFloat(mantissa, uint8(digits(i)))
		if !ok {
			return fmt.Errorf("bench: %d with %d decimals is no decimal float", mantissa, digits(i))
		}
		e.values[i].Value = v
	}
	return e.b.Add(frame.Group{Stream: id, Bits: 64}, &frame.Frame{Seq: f.seq, TimeNS: f.timeMS * 1e6, Class: frame.ClassEvent, Fields: e.values})
}

func (e *binaryEncoder) end() ([]byte, error) { return e.b.Finish(e.buf) }
func (e *binaryEncoder) mime() string         { return "application/vnd.gapless.batch" }

// textEncoder writes a line a frame.
type textEncoder struct {
	names []string
	one   func(dst []byte, names []string, f *simFrame) []byte
	kind  string
	buf   []byte
}

func (e *textEncoder) begin(buf []byte) { e.buf = buf[:0] }

func (e *textEncoder) add(f *simFrame) error {
	e.buf = e.one(e.buf, e.names, f)
	return nil
}

func (e *textEncoder) end() ([]byte, error) { return e.buf, nil }
func (e *textEncoder) mime() string         { return e.kind }

// appendJSON is POST /v1/frames as NDJSON.
func appendJSON(dst []byte, names []string, f *simFrame) []byte {
	dst = append(append(append(dst, `{"device":"`...), f.device...), `","seq":`...)
	dst = strconv.AppendUint(dst, f.seq, 10)
	dst = strconv.AppendInt(append(dst, `,"time_ms":`...), f.timeMS, 10)
	dst = append(dst, `,"fields":{`...)
	for i, v := range f.values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), names[i]...), `":`...)
		dst = appendDecimal(dst, v, digits(i))
	}
	return append(dst, "}}\n"...)
}

// measurement is the name under which line protocol sends the fleet.
const measurement = "bench"

// appendLine is a line of InfluxDB's line protocol, with a timestamp in milliseconds. Stores that know nothing of numbers take seq for a field.
func appendLine(dst []byte, names []string, f *simFrame) []byte {
	dst = append(append(append(dst, measurement+",device="...), f.device...), ' ')
	for i, v := range f.values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, names[i]...), '=')
		dst = appendDecimal(dst, v, digits(i))
	}
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, f.timeMS, 10)
	return append(dst, '\n')
}

// appendNumberedLine is appendLine with the number, for gapless.
func appendNumberedLine(dst []byte, names []string, f *simFrame) []byte {
	dst = append(append(append(dst, measurement+",device="...), f.device...), " seq="...)
	dst = append(strconv.AppendUint(dst, f.seq, 10), 'i')
	for i, v := range f.values {
		dst = append(append(append(dst, ','), names[i]...), '=')
		dst = appendDecimal(dst, v, digits(i))
	}
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, f.timeMS, 10)
	return append(dst, '\n')
}

// appendDecimal writes v / 10^digits, v not negative.
func appendDecimal(dst []byte, v int64, digits int) []byte {
	scale := int64(1)
	for range digits {
		scale *= 10
	}
	dst = append(strconv.AppendInt(dst, v/scale, 10), '.')
	for rest := v % scale; scale > 1; rest %= scale {
		scale /= 10
		dst = append(dst, byte('0'+rest/scale))
	}
	return dst
}
