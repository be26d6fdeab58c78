package ingest

import (
	"unicode/utf8"

	"github.com/gaplessdb/gapless/frame"
)

// Nearly all frame objects are plain: known keys, none twice, no nested values. scan reads these in one pass that
// checks the grammar (RFC 8259) and takes the values as it goes, in less than half the time that validating and then walking need. It
// never refuses anything: what is not plain, right or wrong, is left to the thorough way (document.go, frameobject.go), which alone
// words faults. FuzzScan holds the two ways against each other.

// scan reads the frame object that begins here. False: it is not plain, the item says nothing, and the scanner stands somewhere in it.
func (it *frameObject) scan(s *scanner) bool {
	it.Reset()
	it.seen = 0
	start := s.at
	if !s.take('{') {
		return false
	}
	for more := !s.take('}'); more; more = s.take(',') {
		name, ok := s.string()
		key := keyOf(name)
		if !ok || key == 0 || it.seen&key != 0 || !s.take(':') || !it.scanMember(key, s) {
			return false
		}
		it.seen |= key
	}
	if it.seen != 0 && !s.take('}') || s.wide >= utf8.RuneSelf && !utf8.Valid(s.text[start:s.at]) {
		return false
	}
	it.finish()
	return !it.Failed()
}

// scanMember reads the value of a key.
func (it *frameObject) scanMember(key keys, s *scanner) bool {
	if key == keyFields {
		return it.scanFields(s)
	}
	start := s.space()
	if s.is('"') {
		if _, ok := s.string(); !ok {
			return false
		}
	} else if v := &s.scratch; !s.number(v) {
		return false
	} else if n := v.Int64(); v.Kind == frame.KindInt && n >= 0 {
		switch key { // the two that every frame has are not read again
		case keySeq:
			it.Frame.Seq = uint64(n)
			return true
		case keyTimeNS:
			it.Frame.TimeNS = n
			return true
		}
	}
	return it.set(key, s.text[start:s.at:s.at]) == nil
}

// scanFields reads the object of measurements. Fields that appear twice are found by the Builder.
func (it *frameObject) scanFields(s *scanner) bool {
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return true
	}
	fields := it.Frame.Fields[:0]
	for more := true; more; more = s.take(',') {
		name, ok := s.string()
		if !ok || !s.take(':') || len(fields) == frame.MaxFields {
			return false
		}
		if len(fields) == cap(fields) {
			fields = append(fields, frame.Field{})
		} else {
			fields = fields[:len(fields)+1] // overwritten as a whole
		}
		f := &fields[len(fields)-1]
		f.Name = alias(name)
		if !s.value(&f.Value) {
			return false
		}
	}
	it.Frame.Fields = fields
	return s.take('}')
}

// scanner stands in a JSON text. Its methods report false where the text is not plain, and never read beyond it.
type scanner struct {
	text    []byte
	at      int
	wide    byte // all bytes of texts so far, joined by or: the high bit tells of characters beyond ASCII
	scratch frame.Value
}

// space moves past white space.
func (s *scanner) space() int {
	at := s.at
	for at < len(s.text) && s.text[at] <= ' ' && (s.text[at] == ' ' || s.text[at] == '\n' || s.text[at] == '\r' || s.text[at] == '\t') {
		at++
	}
	s.at = at
	return at
}

// is reports whether this byte is next.
func (s *scanner) is(c byte) bool { return s.at < len(s.text) && s.text[s.at] == c }

// take moves past white space and, if it is next, this byte.
func (s *scanner) take(c byte) bool {
	if s.is(c) {
		s.at++
		return true
	}
	if s.space(); s.is(c) {
		s.at++
		return true
	}
	return false
}

// string reads a text and returns it without its quotes and escapes.
func (s *scanner) string() (inner []byte, ok bool) {
	if !s.take('"') {
		return nil, false
	}
	rest, wide := s.text[s.at:], s.wide
	for i, c := range rest {
		if c == '"' {
			s.at, s.wide = s.at+i+1, wide
			return rest[:i:i], true
		}
		if c == '\\' {
			return s.escaped(s.at - 1)
		}
		if c < ' ' {
			break
		}
		wide |= c
	}
	return nil, false
}

// escaped reads a text with escapes, whose first quote is at text[start].
func (s *scanner) escaped(start int) (inner []byte, ok bool) {
	for at := start + 1; at < len(s.text); at++ {
		switch s.text[at] {
		case '\\':
			at++
		case '"':
			s.at = at + 1
			return unquote(s.text[start:s.at])
		}
	}
	return nil, false
}

// value reads a value that a field can have.
func (s *scanner) value(v *frame.Value) bool {
	switch s.space(); {
	case s.is('"'):
		text, ok := s.string()
		*v = frame.Value{Kind: frame.KindString, Str: text}
		return ok
	case s.is('t'):
		*v = frame.Bool(true)
		return s.word("true")
	case s.is('f'):
		*v = frame.Bool(false)
		return s.word("false")
	default:
		return s.number(v)
	}
}

// word reads a literal name. What follows it is checked by who looks for the next separator.
func (s *scanner) word(name string) bool {
	if rest := s.text[s.at:]; len(rest) < len(name) || string(rest[:len(name)]) != name {
		return false
	}
	s.at += len(name)
	return true
}

// number reads a number. The common ones, whole or with a point and few digits, are computed on the way; it leaves the rest to the
// function number.
func (s *scanner) number(v *frame.Value) bool {
	text, at, negative := s.text, s.at, s.is('-')
	if negative {
		at++
	}
	first := at
	mantissa, at := scanDigits(text, at, 0)
	digits, scale, exponent := at-first, 0, false
	if digits == 0 || digits > 1 && text[first] == '0' {
		return false
	}
	if at < len(text) && text[at] == '.' {
		point := at
		mantissa, at = scanDigits(text, at+1, mantissa)
		if scale = at - point - 1; scale == 0 {
			return false
		}
	}
	if at < len(text) && text[at]|0x20 == 'e' {
		if at, exponent = scanExponent(text, at), true; at < 0 {
			return false
		}
	}
	token := text[s.at:at]
	s.at = at
	switch {
	case exponent:
	case scale == 0 && plainInteger(v, mantissa, digits, negative), scale > 0 && plainFloat(v, mantissa, digits+scale, scale, negative):
		return true
	}
	var ok bool
	*v, ok = number(token)
	return ok
}

// scanExponent returns the place behind the exponent at hand, -1 when it is none.
func scanExponent(text []byte, at int) int {
	if at++; at < len(text) && (text[at] == '+' || text[at] == '-') {
		at++
	}
	first := at
	for at < len(text) && text[at]-'0' <= 9 {
		at++
	}
	if at == first {
		return -1
	}
	return at
}
