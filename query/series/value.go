package series

import (
	"math"
	"strconv"
)

// Kind is the type of a Value.
type Kind uint8

// The kinds of a Value.
const (
	Null  Kind = iota // not defined for the values at hand
	Float             // float64
	Int               // an integer of 128 bits
	Bool
	Text  // UTF-8
	Bytes // anything
)

// Value is one result: an aggregate of a bucket, or a value as it is stored.
type Value struct {
	Kind      Kind
	High, Low uint64 // an Int, two's complement; Low is a Float's bits, or 0 or 1 of a Bool
	Str       []byte // of a Text or of Bytes; do not change it
}

func floatValue(x float64) Value { return Value{Kind: Float, Low: math.Float64bits(x)} }

func countValue(n uint64) Value { return Value{Kind: Int, Low: n} }

// Float64 is the value as a number: exact for a Float, nearest for an Int, 0 or 1 for a Bool, NaN for the rest.
func (v Value) Float64() float64 {
	switch v.Kind {
	case Float:
		return math.Float64frombits(v.Low)
	case Int:
		return wide{v.High, v.Low}.float()
	case Bool:
		return float64(v.Low)
	}
	return math.NaN()
}

// Int64 is an Int; it is false for another kind and for an integer that does not fit.
func (v Value) Int64() (int64, bool) {
	return int64(v.Low), v.Kind == Int && wide{v.High, v.Low}.small()
}

// AppendInt appends an Int in decimal digits.
func (v Value) AppendInt(dst []byte) []byte {
	switch w := (wide{v.High, v.Low}); {
	case w.small():
		return strconv.AppendInt(dst, int64(v.Low), 10)
	case v.High == 0:
		return strconv.AppendUint(dst, v.Low, 10)
	default:
		return w.big().Append(dst, 10)
	}
}
