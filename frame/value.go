package frame

import "math"

const (
	maxScale    = 22 // 10^22 is the largest power of ten that float64 holds exactly
	maxMantissa = 1<<53 - 1
)

var pow10 = [maxScale + 1]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// Float is a float64 kept bit for bit, NaN payloads and -0 included.
func Float(v float64) Value { return Value{Kind: KindFloat, Num: math.Float64bits(v)} }

// DecimalFloat is the float64 nearest to mantissa / 10^scale, with both kept as the hint. It reports false where the quotient is not
// exactly rounded: |mantissa| >= 2^53 or scale > 22. Negative zero has no decimal form: use Float.
func DecimalFloat(mantissa int64, scale uint8) (Value, bool) {
	if mantissa > maxMantissa || mantissa < -maxMantissa || scale > maxScale {
		return Value{}, false
	}
	return Value{Kind: KindFloat, Decimal: true, Scale: scale, Num: decimalBits(mantissa, scale), Mantissa: mantissa}, true
}

// decimalBits divides two exactly represented numbers, so IEEE 754 gives the same bits on every machine.
func decimalBits(mantissa int64, scale uint8) uint64 {
	return math.Float64bits(float64(mantissa) / pow10[scale])
}

// hasDecimal reports whether the hint is set and reproduces the bits. A false hint is dropped, never stored.
func (v *Value) hasDecimal() bool {
	return v.Decimal && v.Scale <= maxScale && v.Mantissa <= maxMantissa && v.Mantissa >= -maxMantissa &&
		decimalBits(v.Mantissa, v.Scale) == v.Num
}

// Int is a signed integer.
func Int(v int64) Value { return Value{Kind: KindInt, Num: uint64(v)} }

// Uint is an unsigned integer: of KindInt where int64 can hold it, so that a number has one form.
func Uint(v uint64) Value {
	if v <= math.MaxInt64 {
		return Int(int64(v))
	}
	return Value{Kind: KindUint, Num: v}
}

// Bool is a truth value.
func Bool(v bool) Value {
	if v {
		return Value{Kind: KindBool, Num: 1}
	}
	return Value{Kind: KindBool}
}

// String is a text; Builder.Add refuses one that is not UTF-8.
func String(v string) Value { return Value{Kind: KindString, Str: []byte(v)} }

// Bytes is a binary value; the slice is kept, not copied.
func Bytes(v []byte) Value { return Value{Kind: KindBytes, Str: v} }

// Float64 is the value as a number: exact for KindFloat, nearest for integers, 0 or 1 for a bool, 0 for the rest.
func (v Value) Float64() float64 {
	switch v.Kind {
	case KindFloat:
		return math.Float64frombits(v.Num)
	case KindInt:
		return float64(int64(v.Num))
	case KindUint, KindBool:
		return float64(v.Num)
	default:
		return 0
	}
}

// Int64 is the value of a KindInt.
func (v Value) Int64() int64 { return int64(v.Num) }

// Uint64 is the value of a KindUint, or of a KindInt that is not negative.
func (v Value) Uint64() uint64 { return v.Num }

// Bool is the value of a KindBool.
func (v Value) Bool() bool { return v.Num != 0 }

// Text is a copy of a KindString's or KindBytes' content.
func (v Value) Text() string { return string(v.Str) }

// Equal reports whether two values are the same content: kind and bits. The decimal hint does not count.
func (v Value) Equal(o Value) bool {
	if v.Kind != o.Kind {
		return false
	}
	if v.Kind == KindString || v.Kind == KindBytes {
		return string(v.Str) == string(o.Str)
	}
	return v.Num == o.Num
}

var kindNames = [...]string{"invalid", "float", "int", "uint", "bool", "string", "bytes"}

// String is the name of the kind in messages.
func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		return kindNames[0]
	}
	return kindNames[k]
}

// String is the name of the class in APIs: "event", "snapshot", or "invalid".
func (c Class) String() string {
	switch c {
	case ClassEvent:
		return "event"
	case ClassSnapshot:
		return "snapshot"
	default:
		return "invalid"
	}
}

// ParseClass is the inverse of String; it reports whether s names a class.
func ParseClass(s string) (Class, bool) {
	switch s {
	case "event":
		return ClassEvent, true
	case "snapshot":
		return ClassSnapshot, true
	default:
		return 0, false
	}
}
