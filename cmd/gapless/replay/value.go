package replay

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/gaplessdb/gapless/frame"
)

// reading says how the cells of a column are read.
type reading uint8

const (
	readInferred reading = iota // what JSON says, or what the text of CSV looks like
	readText
	readFloat
	readHex
	readBase64
)

// value reads a cell that is not missing.
func (how reading) value(c cell) (frame.Value, error) {
	switch how {
	case readText:
		return text(c.text)
	case readFloat:
		if v, ok := float(c.text); ok {
			return v, nil
		}
		return frame.Value{}, fmt.Errorf("%.40q is no number", c.text)
	case readHex, readBase64:
		b, err := how.bytes(c)
		return frame.Bytes(b), err
	}
	switch c.kind {
	case cellText:
		return text(c.text)
	case cellBool:
		return frame.Bool(c.text == "true"), nil
	case cellNumber:
		if v, ok := number(c.text); ok {
			return v, nil
		}
		return frame.Value{}, fmt.Errorf("%.40s fits neither int64, uint64 nor float64", c.text)
	}
	return infer(c.text)
}

// bytes reads a cell as a payload.
func (how reading) bytes(c cell) ([]byte, error) {
	switch how {
	case readHex:
		b, err := hex.DecodeString(c.text)
		if err != nil {
			return nil, fmt.Errorf("%.40q is not hexadecimal", c.text)
		}
		return b, nil
	case readBase64:
		b, err := base64.StdEncoding.DecodeString(c.text)
		if err != nil {
			return nil, fmt.Errorf("%.40q is not base64 with padding", c.text)
		}
		return b, nil
	}
	return []byte(c.text), nil
}

// infer takes the text of CSV for what it looks like. What only resembles a number stays text: 007 is a name.
func infer(s string) (frame.Value, error) {
	switch s {
	case "true", "True", "TRUE":
		return frame.Bool(true), nil
	case "false", "False", "FALSE":
		return frame.Bool(false), nil
	}
	if isNumber(s) {
		if v, ok := number(s); ok {
			return v, nil
		}
		return text(s)
	}
	if v, ok := special(s); ok {
		return v, nil
	}
	return text(s)
}

func text(s string) (frame.Value, error) {
	if !utf8.ValidString(s) {
		return frame.Value{}, fmt.Errorf("%.40q is not valid UTF-8: %s", s, latinHint)
	}
	return frame.String(s), nil
}

// special reads what numbers cannot be written as.
func special(s string) (frame.Value, bool) {
	switch s {
	case "NaN", "nan", "NAN":
		return frame.Float(math.NaN()), true
	case "Inf", "inf", "+Inf", "+inf", "Infinity", "infinity", "+Infinity":
		return frame.Float(math.Inf(1)), true
	case "-Inf", "-inf", "-Infinity", "-infinity":
		return frame.Float(math.Inf(-1)), true
	}
	return frame.Value{}, false
}

// isNumber reports whether s is a number as JSON writes them (RFC 8259 section 6).
func isNumber(s string) bool {
	i := 0
	if i < len(s) && s[i] == '-' {
		i++
	}
	whole := digits(s[i:])
	if whole == 0 || whole > 1 && s[i] == '0' {
		return false
	}
	i += whole
	if i < len(s) && s[i] == '.' {
		part := digits(s[i+1:])
		if part == 0 {
			return false
		}
		i += 1 + part
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		part := digits(s[i:])
		if part == 0 {
			return false
		}
		i += part
	}
	return i == len(s)
}

// digits is how many of them s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n]-'0' <= 9 {
		n++
	}
	return n
}

// number reads a JSON number exactly as the HTTP API does: without point and exponent it is an integer, else the nearest float64. -0 is the float.
func number(s string) (frame.Value, bool) {
	whole := s
	if s[0] == '-' {
		whole = s[1:]
	}
	if digits(whole) < len(whole) || s == "-0" {
		return float(s)
	}
	if s[0] == '-' {
		v, err := strconv.ParseInt(s, 10, 64)
		return frame.Int(v), err == nil
	}
	v, err := strconv.ParseUint(s, 10, 64)
	return frame.Uint(v), err == nil
}

// float reads any number as the nearest float64, with its decimal beside it where it has few digits: it is stored in less room then.
func float(s string) (frame.Value, bool) {
	if !isNumber(s) {
		return special(s)
	}
	if v, ok := decimal(s); ok {
		return v, true
	}
	f, err := strconv.ParseFloat(s, 64)
	return frame.Float(f), err == nil
}

// maxDecimalDigits is how many digits always fit the mantissa of a decimal.
const maxDecimalDigits = 15

// decimal reads a number without exponent and of few digits. Negative zero has no decimal.
func decimal(s string) (frame.Value, bool) {
	if len(s) > maxDecimalDigits+2 {
		return frame.Value{}, false
	}
	var mantissa int64
	scale, n, point := 0, 0, false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '-':
		case c == '.':
			point = true
		case c-'0' > 9 || n == maxDecimalDigits:
			return frame.Value{}, false
		default:
			mantissa = mantissa*10 + int64(c-'0')
			n++
			if point {
				scale++
			}
		}
	}
	if s[0] == '-' {
		if mantissa == 0 {
			return frame.Value{}, false
		}
		mantissa = -mantissa
	}
	return frame.DecimalFloat(mantissa, uint8(scale))
}
