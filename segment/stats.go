package segment

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment/column"
)

// Statistics of one column of values, in the block's directory:
//
//	float          = NaN count uvarint, then, where there are numbers: min, max; first, last; sum 8 bytes
//	                 each a number: tag u8 and: 1: 8 bytes of bits | 16 + scale: varint mantissa (as in a batch, see frame)
//	int, uint      = min, max, first, last: varint | uvarint; sum: high varint | uvarint, low uvarint, of 128 bits
//	bool           = first | last << 1 u8, how many are true uvarint
//	string, bytes  = length u8 and bytes of the first prefixBytes of the least value, the same of the greatest
//
// and of the columns that every row has: of seq and Raft index least uvarint, of device time and receive time least varint, and of each the
// greatest less the least uvarint, over all rows of the block.
const prefixBytes = 16

// FieldStats is what a block knows of one field without decoding it.
type FieldStats struct {
	Name  string
	Kind  frame.Kind
	Count int // rows that have a value
	NaN   int // of these, not a number

	// Min and Max are of the values that are numbers; HasRange is false when there is none. For texts and bytes they are the first 16 bytes
	// of the least and of the greatest value. First and Last are in order of rows, NaN included; texts and bytes have none.
	HasRange    bool
	Min, Max    frame.Value
	First, Last frame.Value

	Sum Sum
}

// Sum is the sum of a numeric field; of a bool, how many are true. Floats are added in order of rows with the rounding errors carried along
// (Knuth's two-sum) and NaN left out, so that it is within two units in the last place of the exact sum unless that cancels by more than
// 2^50; it is not finite when a prefix of the sum is not. Integers are exact in 128 bits, two's complement for KindInt.
type Sum struct {
	Float     float64
	High, Low uint64
}

// floatStats computes everything but the name.
func floatStats(v []column.Float) (s FieldStats) {
	s = FieldStats{Kind: frame.KindFloat, Count: len(v)}
	var low, high int
	sum, carry := 0.0, 0.0
	least, most := math.Inf(1), math.Inf(-1)
	for i := range v {
		x := math.Float64frombits(v[i].Bits)
		if x != x {
			s.NaN++
			continue
		}
		if x < least || !s.HasRange {
			least, low = x, i
		}
		if x > most || !s.HasRange {
			most, high = x, i
		}
		s.HasRange = true
		t := sum + x // two-sum: no product, so nothing that a compiler may fuse
		back := t - sum
		carry += (sum - (t - back)) + (x - back)
		sum = t
	}
	s.Sum.Float = floatSum(sum, carry)
	if s.HasRange {
		s.Min, s.Max = floatValue(&v[low]), floatValue(&v[high])
	}
	s.First, s.Last = floatValue(&v[0]), floatValue(&v[len(v)-1])
	return s
}

// floatSum adds what was carried. What is not finite has one form: the sign of a NaN that arithmetic makes differs between processors.
func floatSum(sum, carry float64) float64 {
	if sum != sum {
		return math.NaN()
	}
	if math.IsInf(sum, 0) {
		return sum
	}
	return sum + carry
}

func floatValue(f *column.Float) frame.Value {
	return frame.Value{Kind: frame.KindFloat, Decimal: f.Decimal, Scale: f.Scale, Num: f.Bits, Mantissa: f.Mantissa}
}

func intStats(v []int64) (s FieldStats) {
	s = FieldStats{Kind: frame.KindInt, Count: len(v), HasRange: true}
	least, most := v[0], v[0]
	for _, x := range v {
		least, most = min(least, x), max(most, x)
		var carry uint64
		s.Sum.Low, carry = bits.Add64(s.Sum.Low, uint64(x), 0)
		s.Sum.High += uint64(x>>63) + carry
	}
	s.Min, s.Max, s.First, s.Last = frame.Int(least), frame.Int(most), frame.Int(v[0]), frame.Int(v[len(v)-1])
	return s
}

func uintStats(v []uint64) (s FieldStats) {
	s = FieldStats{Kind: frame.KindUint, Count: len(v), HasRange: true}
	least, most := v[0], v[0]
	for _, x := range v {
		least, most = min(least, x), max(most, x)
		var carry uint64
		s.Sum.Low, carry = bits.Add64(s.Sum.Low, x, 0)
		s.Sum.High += carry
	}
	s.Min, s.Max, s.First, s.Last = uintValue(least), uintValue(most), uintValue(v[0]), uintValue(v[len(v)-1])
	return s
}

func uintValue(v uint64) frame.Value { return frame.Value{Kind: frame.KindUint, Num: v} }

func boolStats(v []bool) (s FieldStats) {
	s = FieldStats{Kind: frame.KindBool, Count: len(v), HasRange: true, First: frame.Bool(v[0]), Last: frame.Bool(v[len(v)-1])}
	for _, x := range v {
		if x {
			s.Sum.Low++
		}
	}
	s.Min, s.Max = frame.Bool(int(s.Sum.Low) == len(v)), frame.Bool(s.Sum.Low > 0)
	return s
}

func textStats(kind frame.Kind, v [][]byte) (s FieldStats) {
	s = FieldStats{Kind: kind, Count: len(v), HasRange: true}
	least, most := v[0], v[0]
	for i, x := range v {
		if i > 0 && bytes.Equal(x, v[i-1]) {
			continue
		}
		if bytes.Compare(x, least) < 0 {
			least = x
		} else if bytes.Compare(x, most) > 0 {
			most = x
		}
	}
	s.Min = frame.Value{Kind: kind, Str: least[:min(len(least), prefixBytes)]}
	s.Max = frame.Value{Kind: kind, Str: most[:min(len(most), prefixBytes)]}
	return s
}

// append writes the statistics without name, kind and count, which the directory has.
func (s *FieldStats) append(dst []byte) []byte {
	switch s.Kind {
	case frame.KindFloat:
		dst = binary.AppendUvarint(dst, uint64(s.NaN))
		if s.HasRange {
			dst = appendStatFloat(appendStatFloat(dst, &s.Min), &s.Max)
		}
		dst = appendStatFloat(appendStatFloat(dst, &s.First), &s.Last)
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(s.Sum.Float))
	case frame.KindInt:
		for _, v := range []*frame.Value{&s.Min, &s.Max, &s.First, &s.Last} {
			dst = binary.AppendVarint(dst, v.Int64())
		}
		return binary.AppendUvarint(binary.AppendVarint(dst, int64(s.Sum.High)), s.Sum.Low)
	case frame.KindUint:
		for _, v := range []*frame.Value{&s.Min, &s.Max, &s.First, &s.Last} {
			dst = binary.AppendUvarint(dst, v.Num)
		}
		return binary.AppendUvarint(binary.AppendUvarint(dst, s.Sum.High), s.Sum.Low)
	case frame.KindBool:
		return binary.AppendUvarint(append(dst, byte(s.First.Num|s.Last.Num<<1)), s.Sum.Low)
	default:
		dst = append(append(dst, byte(len(s.Min.Str))), s.Min.Str...)
		return append(append(dst, byte(len(s.Max.Str))), s.Max.Str...)
	}
}

const (
	statBits    = 1
	statDecimal = 16
)

// appendStatFloat writes the decimal form only where it gives back the bits: the hint comes from a caller.
func appendStatFloat(dst []byte, v *frame.Value) []byte {
	if v.Decimal {
		if d, ok := frame.DecimalFloat(v.Mantissa, v.Scale); ok && d.Num == v.Num {
			return binary.AppendVarint(append(dst, statDecimal+v.Scale), v.Mantissa)
		}
	}
	return binary.LittleEndian.AppendUint64(append(dst, statBits), v.Num)
}
