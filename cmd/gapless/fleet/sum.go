package fleet

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"sort"
	"strconv"

	"github.com/gaplessdb/gapless/frame"
)

// content is what a sum covers, as text, so that a frame that was built here and one read from a JSON answer can be compared
// without the store's own encoding.
type content struct {
	class  string
	timeNS int64
	fields []contentField
	raw    []byte
}

// contentField is one value: kind is b, s, i (integer) or f (float), value its exact text; a float's is its bits.
type contentField struct {
	name  string
	kind  byte
	value string
}

// sum hashes a content. Every variable part carries its length.
func (c *content) sum() uint64 {
	sort.Slice(c.fields, func(i, j int) bool { return c.fields[i].name < c.fields[j].name })
	b := make([]byte, 0, 256)
	part := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	part(c.class)
	b = binary.BigEndian.AppendUint64(b, uint64(c.timeNS))
	b = binary.AppendUvarint(b, uint64(len(c.fields)))
	for _, f := range c.fields {
		part(f.name)
		b = append(b, f.kind)
		part(f.value)
	}
	b = binary.AppendUvarint(b, uint64(len(c.raw)))
	b = append(b, c.raw...)
	h := sha256.Sum256(b)
	return binary.BigEndian.Uint64(h[:8])
}

// sumText writes a sum as the truth file has it.
func sumText(v uint64) string { return strconv.FormatUint(v, 16) }

// sumOf returns the sum of a frame that was made here.
func sumOf(f *frame.Frame) uint64 {
	c := content{class: className(f.Class), timeNS: f.TimeNS, raw: f.Raw, fields: make([]contentField, 0, len(f.Fields))}
	for _, field := range f.Fields {
		kind, value := valueText(field.Value)
		c.fields = append(c.fields, contentField{name: field.Name, kind: kind, value: value})
	}
	return c.sum()
}

func valueText(v frame.Value) (kind byte, text string) {
	switch v.Kind {
	case frame.KindFloat:
		return 'f', strconv.FormatUint(v.Num, 16)
	case frame.KindInt:
		return 'i', strconv.FormatInt(int64(v.Num), 10)
	case frame.KindUint:
		return 'i', strconv.FormatUint(v.Num, 10)
	case frame.KindBool:
		return 'b', strconv.FormatBool(v.Num != 0)
	}
	return 's', string(v.Str)
}

func className(c frame.Class) string {
	if c == frame.ClassSnapshot {
		return "snapshot"
	}
	return "event"
}

// tokenText returns the kind and exact text of a value in a JSON answer.
func tokenText(token []byte) (kind byte, text string, err error) {
	switch {
	case len(token) == 0:
		return 0, "", errors.New("no value")
	case token[0] == '"':
		err = json.Unmarshal(token, &text)
		return 's', text, err
	case token[0] == 't' || token[0] == 'f':
		return 'b', string(token), nil
	case bytes.ContainsAny(token, ".eE"):
		x, err := strconv.ParseFloat(string(token), 64)
		return 'f', strconv.FormatUint(math.Float64bits(x), 16), err
	}
	return 'i', string(token), nil
}
