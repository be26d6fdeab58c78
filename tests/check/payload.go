package check

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/gaplessdb/gapless/frame"
)

// Payload is the fields of frame n of a counter, ordered by name: a function of its arguments alone. They name the frame, so that one that
// turns up in another's place is seen, and exercise every kind of value that JSON has.
func Payload(seed uint64, c Counter, n uint64) []frame.Field { return PayloadOf(seed, c, n, 0) }

// PayloadOf is the fields that a device sends under n when it contradicts itself: another variant, other bytes.
func PayloadOf(seed uint64, c Counter, n, variant uint64) []frame.Field {
	r := noise(seed, c, n, variant)
	return []frame.Field{
		{Name: "big", Value: frame.Uint(r)},
		{Name: "id", Value: frame.String(frameID(c, n, variant))},
		{Name: "int", Value: frame.Int(int64(mix(r+1)) >> (r & 63))},
		{Name: "odd", Value: frame.Bool(r&1 == 1)},
		{Name: "text", Value: frame.String(noiseText(mix(r + 2)))},
		{Name: "v", Value: frame.Float(float64(int32(mix(r+3))) / 8)},
	}
}

// Raw is the frame's raw payload; one in four has one, but for devices that cannot send any.
func Raw(seed uint64, c Counter, n, variant uint64) []byte {
	r := noise(seed, c, n, variant)
	if r%4 != 0 || strings.HasPrefix(c.Device, lineDevice) {
		return nil
	}
	raw := make([]byte, 0, 24)
	for i := range r/4%3 + 1 {
		raw = binary.BigEndian.AppendUint64(raw, mix(r+10+i))
	}
	return raw
}

// noise is a number that nothing but its arguments determines.
func noise(seed uint64, c Counter, n, variant uint64) uint64 {
	h := mix(seed + 1)
	for _, s := range [...]string{c.Device, c.Stream, c.Epoch} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 0x100000001b3
		}
		h = mix(h)
	}
	return mix(mix(h^n) + variant)
}

// frameID ends with number and variant, so that it can be read back whatever the names are.
func frameID(c Counter, n, variant uint64) string {
	return fmt.Sprintf("%s/%s/%s#%d.%d", c.Device, c.Stream, c.Epoch, n, variant)
}

// parseID is the number and the variant of an id.
func parseID(id string) (n, variant uint64, ok bool) {
	tail := id[strings.LastIndexByte(id, '#')+1:]
	number, version, found := strings.Cut(tail, ".")
	n, err := strconv.ParseUint(number, 10, 64)
	variant, err2 := strconv.ParseUint(version, 10, 64)
	return n, variant, found && err == nil && err2 == nil
}

var letters = [...]string{"a", "b", "\"", "\\", "\t", "<", "ü", "€", "𝛑", " "}

func noiseText(r uint64) string {
	var b strings.Builder
	for range r % 16 {
		b.WriteString(letters[r/16%uint64(len(letters))])
		r = mix(r)
	}
	return b.String()
}

// AppendBatch appends the batch as NDJSON, the body of its POST /v1/frames.
func AppendBatch(dst []byte, seed uint64, b *Batch) []byte {
	for n := b.First; n <= b.Last; n++ {
		dst = append(AppendFrame(dst, seed, b, n), '\n')
	}
	return dst
}

// AppendFrame appends one frame of the batch as a JSON object.
func AppendFrame(dst []byte, seed uint64, b *Batch, n uint64) []byte {
	dst = append(dst, `{"device":`...)
	dst = appendText(dst, b.Counter.Device)
	dst = append(dst, `,"stream":`...)
	dst = appendText(dst, b.Counter.Stream)
	if b.Counter.Epoch != "" {
		dst = append(dst, `,"epoch":`...)
		dst = appendText(dst, b.Counter.Epoch)
	}
	if b.Numbered {
		dst = strconv.AppendUint(append(dst, `,"seq":`...), n, 10)
	}
	if b.Declares {
		dst = strconv.AppendUint(append(dst, `,"first":`...), b.Head, 10)
	}
	if b.BaseNS != 0 {
		dst = append(dst, `,"time_ns":`...)
		dst = strconv.AppendInt(dst, b.BaseNS+int64(n)*b.StepNS, 10)
	}
	for i, f := range PayloadOf(seed, b.Counter, n, b.Variant) {
		dst = append(dst, [...]string{`,"fields":{"`, `,"`}[min(i, 1)]...)
		dst = append(append(dst, f.Name...), `":`...)
		dst = appendValue(dst, f.Value)
	}
	dst = append(dst, '}')
	if raw := Raw(seed, b.Counter, n, b.Variant); raw != nil {
		dst = base64.StdEncoding.AppendEncode(append(dst, `,"raw":"`...), raw)
		dst = append(dst, '"')
	}
	return append(dst, '}')
}

func appendText(dst []byte, s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always has a form
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

// appendValue writes a value as the API shows it.
func appendValue(dst []byte, v frame.Value) []byte {
	switch v.Kind {
	case frame.KindFloat:
		at := len(dst)
		dst = strconv.AppendFloat(dst, v.Float64(), 'f', -1, 64)
		if !bytes.ContainsRune(dst[at:], '.') {
			dst = append(dst, ".0"...)
		}
		return dst
	case frame.KindInt:
		return strconv.AppendInt(dst, v.Int64(), 10)
	case frame.KindUint:
		return strconv.AppendUint(dst, v.Uint64(), 10)
	case frame.KindBool:
		return strconv.AppendBool(dst, v.Bool())
	}
	return appendText(dst, v.Text())
}

// content is what an answer shows of a frame that a device chose.
type content struct {
	Fields map[string]json.RawMessage `json:"fields"`
	Raw    []byte                     `json:"raw"`
}

// verify finds out which frame of the counter the content is of, and what is wrong with it, "" for nothing.
func (c *content) verify(seed uint64, counter Counter) (n, variant uint64, wrong string) {
	id, _ := c.text("id")
	n, variant, ok := parseID(id)
	if !ok {
		return 0, 0, fmt.Sprintf("field id is %.80q, which names no frame", id)
	}
	if want := frameID(counter, n, variant); id != want {
		return n, variant, fmt.Sprintf("the frame is %.80q, in the place of %.80q", id, want)
	}
	want := PayloadOf(seed, counter, n, variant)
	for _, f := range want {
		token := []byte(c.Fields[f.Name])
		if text, isText := c.text(f.Name); isText {
			token = appendText(nil, text)
		}
		if expected := appendValue(nil, f.Value); !bytes.Equal(token, expected) {
			return n, variant, fmt.Sprintf("field %s of %s is %.80q, sent was %.80q", f.Name, id, token, expected)
		}
	}
	if len(c.Fields) != len(want) {
		return n, variant, fmt.Sprintf("%s has %d fields, sent were %d", id, len(c.Fields), len(want))
	}
	if raw := Raw(seed, counter, n, variant); !bytes.Equal(c.Raw, raw) {
		return n, variant, fmt.Sprintf("raw payload of %s is %x, sent was %x", id, c.Raw, raw)
	}
	return n, variant, ""
}

func (c *content) text(name string) (s string, ok bool) {
	token := c.Fields[name]
	return s, len(token) > 0 && token[0] == '"' && json.Unmarshal(token, &s) == nil
}
