package query

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// writer appends JSON (RFC 8259) to b. It needs no stack for commas: a comma is due exactly where the last byte ends a value.
// Integers of 64 bits are written exactly.
type writer struct{ b []byte }

// sep writes the comma before a key or an element when one is due.
func (w *writer) sep() {
	if len(w.b) == 0 {
		return
	}
	switch w.b[len(w.b)-1] {
	case '{', '[', ':', '\n':
	default:
		w.b = append(w.b, ',')
	}
}

// key starts a member. The name is a constant that needs no escaping.
func (w *writer) key(name string) {
	w.sep()
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

// anyKey starts a member of any name.
func (w *writer) anyKey(name string) {
	w.str(name)
	w.b = append(w.b, ':')
}

func (w *writer) open(bracket byte) {
	w.sep()
	w.b = append(w.b, bracket)
}

func (w *writer) close(bracket byte) { w.b = append(w.b, bracket) }

func (w *writer) newline() { w.b = append(w.b, '\n') }

// raw writes a value that is JSON already.
func (w *writer) raw(json string) {
	w.sep()
	w.b = append(w.b, json...)
}

func (w *writer) null()         { w.raw("null") }
func (w *writer) bool(v bool)   { w.raw(strconv.FormatBool(v)) }
func (w *writer) int(v int64)   { w.sep(); w.b = strconv.AppendInt(w.b, v, 10) }
func (w *writer) uint(v uint64) { w.sep(); w.b = strconv.AppendUint(w.b, v, 10) }

// float writes the shortest decimal that reads back to the same float64. It always has a point or an exponent, so that a client and
// POST /v1/frames tell it from an integer; -0 keeps its sign. JSON has no numbers for the rest: "NaN", "+Inf" and "-Inf" are strings.
func (w *writer) float(v float64) {
	w.sep()
	abs := math.Abs(v)
	switch {
	case math.IsNaN(v):
		w.b = append(w.b, `"NaN"`...)
	case math.IsInf(v, 0):
		w.b = append(w.b, '"')
		w.b = strconv.AppendFloat(w.b, v, 'g', -1, 64)
		w.b = append(w.b, '"')
	case abs != 0 && (abs < 1e-6 || abs >= 1e21):
		w.b = strconv.AppendFloat(w.b, v, 'e', -1, 64)
	default:
		start := len(w.b)
		w.b = strconv.AppendFloat(w.b, v, 'f', -1, 64)
		for _, c := range w.b[start:] {
			if c == '.' {
				return
			}
		}
		w.b = append(w.b, '.', '0')
	}
}

// base64 writes bytes as a string of standard base64 with padding (RFC 4648 section 4).
func (w *writer) base64(v []byte) {
	w.sep()
	w.b = append(w.b, '"')
	w.b = base64.StdEncoding.AppendEncode(w.b, v)
	w.b = append(w.b, '"')
}

// timeNS writes nanoseconds since the Unix epoch as RFC 3339 in UTC, with as many decimals as are not zero.
func (w *writer) timeNS(ns int64) { w.time(time.Unix(0, ns)) }

// timeMS writes milliseconds since the Unix epoch in the same form.
func (w *writer) timeMS(ms int64) { w.time(time.UnixMilli(ms)) }

func (w *writer) time(t time.Time) {
	w.sep()
	w.b = append(w.b, '"')
	w.b = t.UTC().AppendFormat(w.b, time.RFC3339Nano)
	w.b = append(w.b, '"')
}

const hexDigits = "0123456789abcdef"

// str writes a string. Bytes that are not UTF-8 become U+FFFD: the store holds none.
func (w *writer) str(s string) { appendString(w, s) }

// text is str for bytes.
func (w *writer) text(s []byte) { appendString(w, s) }

func appendString[T string | []byte](w *writer, s T) {
	w.sep()
	b := append(w.b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			n := runeLen(s, i)
			if n > 0 {
				i += n
				continue
			}
			b = append(b, s[start:i]...)
			b = append(b, `\ufffd`...)
			i++
			start = i
			continue
		}
		b = append(b, s[start:i]...)
		b = appendEscaped(b, c)
		i++
		start = i
	}
	b = append(b, s[start:]...)
	w.b = append(b, '"')
}

// runeLen is the length of the valid UTF-8 sequence at s[i:], 0 when there is none.
func runeLen[T string | []byte](s T, i int) int {
	r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
	if r == utf8.RuneError && n <= 1 {
		return 0
	}
	return n
}

// appendEscaped writes a quote, a backslash or a control character.
func appendEscaped(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	default:
		return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
}
