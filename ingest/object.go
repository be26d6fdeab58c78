package ingest

import (
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
)

// object walks the members of a JSON object. Its text must have been validated by jsontext: the walk only looks for where things end,
// which is cheap because nothing can be wrong any more. See document.go for why.
//
//	for o := newObject(text); o.next(&name); {
//		... o.value(), or o.inside() and o.leave(), once each
//	}
type object struct {
	text []byte
	at   int
}

// newObject starts a walk; text begins with '{' and ends with '}'.
func newObject(text []byte) object { return object{text: text, at: 1} }

// next moves to the next member's value and returns its name, in quotes; false at the object's end.
func (o *object) next(name *[]byte) bool {
	if o.skip(','); o.text[o.at] == '}' {
		return false
	}
	*name = o.value()
	o.skip(':')
	return true
}

// skip moves past white space and one separator.
func (o *object) skip(separator byte) {
	text, at := o.text, o.at
	for text[at] <= ' ' || text[at] == separator {
		at++
	}
	o.at = at
}

// isObject reports whether the value at hand is an object.
func (o *object) isObject() bool { return o.text[o.at] == '{' }

// inside starts a walk over the object at hand; leave ends it, once its next has returned false.
func (o *object) inside() object { return object{text: o.text, at: o.at + 1} }

func (o *object) leave(inner *object) { o.at = inner.at + 1 }

// value returns the raw text of the value at hand, of any kind, and moves behind it.
func (o *object) value() []byte {
	start := o.at
	switch o.text[start] {
	case '"':
		o.at = endString(o.text, start)
	case '{', '[':
		o.at = endNested(o.text, start)
	default:
		o.at = endLiteral(o.text, start)
	}
	return o.text[start:o.at:o.at]
}

func endLiteral(text []byte, at int) int {
	for c := text[at]; c > ' ' && c != ',' && c != '}' && c != ']'; c = text[at] {
		at++
	}
	return at
}

// endString returns the place behind the quote that closes the one at hand.
func endString(text []byte, at int) int {
	for at++; text[at] != '"'; at++ {
		if text[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// endNested returns the place behind the brace or bracket that closes the one at hand.
func endNested(text []byte, at int) int {
	for depth := 0; ; {
		switch text[at] {
		case '"':
			at = endString(text, at)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if at++; depth == 0 {
			return at
		}
	}
}

// unquote returns the content of a validated JSON string; it aliases quoted when there is nothing to replace, else it is new. Reports
// false for half a surrogate pair (\ud800), for which there is no UTF-8.
func unquote(quoted []byte) ([]byte, bool) {
	inner := quoted[1 : len(quoted)-1]
	for _, c := range inner {
		if c == '\\' {
			text, err := jsontext.AppendUnquote(make([]byte, 0, len(inner)), quoted)
			return text, err == nil
		}
	}
	return inner, true
}

// alias is text as a string without a copy, for functions that look at it and keep nothing: strconv, and frame.Builder, which copies
// what it is given. The text is a request body, which nobody changes while it is parsed.
func alias(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) }
