package ingest

import (
	"math"
	"strconv"

	"github.com/gaplessdb/gapless/frame"
)

// number turns the text of a JSON number (RFC 8259 section 6, already validated) into a value. Without '.' and exponent it is an
// integer, kept exactly: int64, or uint64 above it. Otherwise it is the nearest float64, with the decimal form beside it where that is
// short enough. "-0" is the float too: an integer has no negative zero, and encoders print -0.0 like that. Reports false for numbers
// that neither uint64 nor float64 can hold.
func number(text []byte) (frame.Value, bool) {
	if isInteger(text) && string(text) != "-0" {
		return Integer(text)
	}
	return Float(text)
}

// Float is the float64 nearest to a decimal number ("-1.5e3", "1.", ".5"; the caller has checked that it is one), with the decimal form
// beside it where that is short enough. Reports false beyond the range of float64.
func Float(text []byte) (frame.Value, bool) {
	if v, ok := decimal(text); ok {
		return v, true
	}
	f, err := strconv.ParseFloat(alias(text), 64)
	return frame.Float(f), err == nil
}

func isInteger(text []byte) bool {
	for _, c := range text {
		if c == '.' || c == 'e' || c == 'E' {
			return false
		}
	}
	return true
}

// Integer reads digits, after a '-' or not. Reports false for anything else, and beyond int64 and uint64.
func Integer(text []byte) (frame.Value, bool) {
	if len(text) == 0 {
		return frame.Value{}, false
	}
	if text[0] == '-' {
		v, err := strconv.ParseInt(alias(text), 10, 64)
		return frame.Int(v), err == nil
	}
	v, ok := Unsigned(text)
	return frame.Uint(v), ok
}

// Unsigned reads digits only: no sign, fraction or exponent.
func Unsigned(text []byte) (uint64, bool) {
	if len(text) == 0 || len(text) > 20 {
		return 0, false
	}
	var v uint64
	for _, c := range text {
		d := uint64(c - '0')
		if d > 9 || v > math.MaxUint64/10 || v*10 > math.MaxUint64-d {
			return 0, false
		}
		v = v*10 + d
	}
	return v, true
}

// Below this, another digit cannot push a mantissa out of the range in which float64 holds every integer.
const maxMantissa = 1<<53 - 1

// decimal reads a number with few digits as mantissa / 10^scale, which is exactly the nearest float64 (frame.DecimalFloat). It reports
// false for longer ones and for negative zero, which has no mantissa.
func decimal(text []byte) (frame.Value, bool) {
	i, negative := 0, false
	if text[0] == '-' {
		i, negative = 1, true
	}
	var mantissa int64
	scale, point := 0, false
	for ; i < len(text) && text[i]|0x20 != 'e'; i++ {
		if text[i] == '.' {
			point = true
			continue
		}
		if mantissa > maxMantissa/10 {
			return frame.Value{}, false
		}
		mantissa = mantissa*10 + int64(text[i]-'0')
		if point {
			scale++
		}
	}
	exponent, ok := exponentOf(text[i:])
	if !ok || negative && mantissa == 0 {
		return frame.Value{}, false
	}
	if negative {
		mantissa = -mantissa
	}
	return scaled(mantissa, scale-exponent)
}

// exponentOf reads "", "e5", "E-07": at most three digits, enough for every finite float64.
func exponentOf(text []byte) (int, bool) {
	if len(text) == 0 {
		return 0, true
	}
	digits, sign := text[1:], 1
	if digits[0] == '-' {
		sign = -1
	}
	if digits[0] == '-' || digits[0] == '+' {
		digits = digits[1:]
	}
	if len(digits) > 3 {
		return 0, false
	}
	v, ok := Unsigned(digits)
	return sign * int(v), ok
}

// scaled is mantissa / 10^scale; a negative scale, as of 1e5, is multiplied into the mantissa while that stays exact.
func scaled(mantissa int64, scale int) (frame.Value, bool) {
	if mantissa == 0 {
		scale = 0
	}
	for ; scale < 0; scale++ {
		if mantissa > maxMantissa/10 || mantissa < -maxMantissa/10 {
			return frame.Value{}, false
		}
		mantissa *= 10
	}
	if scale > math.MaxUint8 {
		return frame.Value{}, false
	}
	return frame.DecimalFloat(mantissa, uint8(scale))
}

// maxExactDigits is how many digits always fit uint64.
const maxExactDigits = 19

// scanDigits appends the digits at text[at:] to a mantissa and returns the place behind them. Beyond maxExactDigits it overflows.
func scanDigits(text []byte, at int, mantissa uint64) (uint64, int) {
	for ; at < len(text) && text[at]-'0' <= 9; at++ {
		mantissa = mantissa*10 + uint64(text[at]-'0')
	}
	return mantissa, at
}

// plainInteger takes a mantissa that was read from so many digits. It reports false when they are too many; "-0" is no integer.
func plainInteger(v *frame.Value, mantissa uint64, digits int, negative bool) bool {
	if digits > maxExactDigits || mantissa > math.MaxInt64 || negative && mantissa == 0 {
		return false
	}
	*v = frame.Int(signed(mantissa, negative))
	return true
}

// plainFloat takes mantissa / 10^scale. It reports false when the mantissa is not exactly a float64, or the scale too large.
func plainFloat(v *frame.Value, mantissa uint64, digits, scale int, negative bool) (ok bool) {
	if digits > maxExactDigits || mantissa > maxMantissa || negative && mantissa == 0 {
		return false
	}
	if mantissa == 0 {
		scale = 0
	}
	*v, ok = frame.DecimalFloat(signed(mantissa, negative), uint8(scale))
	return ok
}

func signed(magnitude uint64, negative bool) int64 {
	if negative {
		return -int64(magnitude)
	}
	return int64(magnitude)
}

// PlainFloat reads a float of few digits, with a point or without, and nothing else: it reports false for every other number or text.
func PlainFloat(v *frame.Value, text []byte) bool {
	first := 0
	if len(text) > 0 && text[0] == '-' {
		first = 1
	}
	mantissa, at := scanDigits(text, first, 0)
	digits, scale := at-first, 0
	if at < len(text) && text[at] == '.' {
		point := at
		mantissa, at = scanDigits(text, at+1, mantissa)
		scale = at - point - 1
	}
	return at == len(text) && digits+scale > 0 && plainFloat(v, mantissa, digits+scale, scale, first == 1)
}

// PlainInteger reads an integer of few digits, after a '-' or not, and nothing else.
func PlainInteger(v *frame.Value, text []byte) bool {
	first := 0
	if len(text) > 0 && text[0] == '-' {
		first = 1
	}
	mantissa, at := scanDigits(text, first, 0)
	return at == len(text) && at > first && plainInteger(v, mantissa, at-first, first == 1)
}
