package slowreader

import (
	"bytes"
	"fmt"
	"math"
	"math/bits"
)

// checkStatistics holds what the directory says of a column's values against them.
func (t *rowTable) checkStatistics(e *entry) error {
	in := &input{rest: e.statistics}
	switch e.part {
	case partSeq:
		in.bounds(t.rows, func(r *Row) int64 { return int64(r.Seq) }, true)
	case partIndex:
		in.bounds(t.rows, func(r *Row) int64 { return int64(r.Index) }, true)
	case partTime:
		in.bounds(t.rows, func(r *Row) int64 { return r.TimeNS }, false)
	case partReceive:
		in.bounds(t.rows, func(r *Row) int64 { return r.ReceiveMS }, false)
	case partField:
		in.field(e, t.valuesOf(e))
	}
	if err := in.end(); err != nil {
		return fmt.Errorf("statistics: %w", err)
	}
	return nil
}

// valuesOf lists the values of a field's column in order of rows.
func (t *rowTable) valuesOf(e *entry) []Field {
	var values []Field
	for i := range t.rows {
		for _, f := range t.rows[i].Fields {
			if f.Name == e.name && f.Kind == e.kind {
				values = append(values, f)
			}
		}
	}
	return values
}

// same fails where a file says another number than its values.
func (in *input) same(what string, said, is uint64) {
	if in.err == nil && said != is {
		in.fail("%s %d (%#x), the values say %d (%#x)", what, said, said, is, is)
	}
}

// bounds checks the least and the greatest of some numbers of all rows.
func (in *input) bounds(rows []Row, of func(*Row) int64, unsigned bool) {
	least, greatest := of(&rows[0]), of(&rows[0])
	for i := range rows {
		v := of(&rows[i])
		if less(v, least, unsigned) {
			least = v
		}
		if less(greatest, v, unsigned) {
			greatest = v
		}
	}
	said := in.number(unsigned)
	in.same("least", said, uint64(least))
	in.same("greatest", said+in.uvarint(), uint64(greatest))
}

func less(a, b int64, unsigned bool) bool {
	if unsigned {
		return uint64(a) < uint64(b)
	}
	return a < b
}

func (in *input) number(unsigned bool) uint64 {
	if unsigned {
		return in.uvarint()
	}
	return uint64(in.varint())
}

// field checks the statistics of a field.
func (in *input) field(e *entry, values []Field) {
	switch e.kind {
	case kindFloat:
		in.floatField(values)
	case kindInt:
		in.intField(values, false)
	case kindUint:
		in.intField(values, true)
	case kindBool:
		n := uint64(0)
		for _, f := range values {
			n += f.Bits
		}
		in.same("first and last", uint64(in.u8()), values[0].Bits+2*values[len(values)-1].Bits)
		in.same("true", in.uvarint(), n)
	default:
		least, greatest := values[0].Bytes, values[0].Bytes
		for _, f := range values {
			if bytes.Compare(f.Bytes, least) < 0 {
				least = f.Bytes
			}
			if bytes.Compare(f.Bytes, greatest) > 0 {
				greatest = f.Bytes
			}
		}
		in.prefix("least", least)
		in.prefix("greatest", greatest)
	}
}

func (in *input) prefix(what string, is []byte) {
	is = is[:min(16, len(is))]
	if said := in.take(uint64(in.u8())); in.err == nil && !bytes.Equal(said, is) {
		in.fail("%s %q, the values say %q", what, said, is)
	}
}

// intField checks least, greatest, first, last, and the sum in 128 bits.
func (in *input) intField(values []Field, unsigned bool) {
	least, greatest := int64(values[0].Bits), int64(values[0].Bits)
	var high, low uint64
	for _, f := range values {
		v := int64(f.Bits)
		if less(v, least, unsigned) {
			least = v
		}
		if less(greatest, v, unsigned) {
			greatest = v
		}
		var carry uint64
		low, carry = bits.Add64(low, f.Bits, 0)
		if !unsigned && v < 0 {
			high-- // the upper half of a negative number is all ones
		}
		high += carry
	}
	in.same("least", in.number(unsigned), uint64(least))
	in.same("greatest", in.number(unsigned), uint64(greatest))
	in.same("first", in.number(unsigned), values[0].Bits)
	in.same("last", in.number(unsigned), values[len(values)-1].Bits)
	in.same("upper half of the sum", in.number(unsigned), high)
	in.same("lower half of the sum", in.uvarint(), low)
}

// floatField checks how many values are no numbers, least, greatest, first, last, and the sum.
func (in *input) floatField(values []Field) {
	var nans uint64
	var least, greatest, sum, lost float64
	numbers := 0
	for _, f := range values {
		v := math.Float64frombits(f.Bits)
		if math.IsNaN(v) {
			nans++
			continue
		}
		if numbers == 0 || v < least {
			least = v
		}
		if numbers == 0 || v > greatest {
			greatest = v
		}
		numbers++
		var rounding float64
		sum, rounding = twoSum(sum, v)
		lost += rounding
	}
	in.same("NaN", in.uvarint(), nans)
	if numbers > 0 {
		in.same("least", in.float(), math.Float64bits(least))
		in.same("greatest", in.float(), math.Float64bits(greatest))
	}
	in.same("first", in.float(), values[0].Bits)
	in.same("last", in.float(), values[len(values)-1].Bits)
	in.same("sum", in.u64(), total(sum, lost))
}

// twoSum is a + b, and what rounding took from it.
func twoSum(a, b float64) (sum, lost float64) {
	sum = a + b
	bRounded := sum - a
	aRounded := sum - bRounded
	return sum, (a - aRounded) + (b - bRounded)
}

// total is the bits of a sum whose rounding errors were added up beside it. Once it is not finite they mean nothing.
func total(sum, lost float64) uint64 {
	if !math.IsInf(sum, 0) && !math.IsNaN(sum) {
		sum += lost
	}
	if math.IsNaN(sum) {
		return 0x7ff8000000000001
	}
	return math.Float64bits(sum)
}

// float reads a number of statistics: its bits, or a decimal.
func (in *input) float() uint64 {
	tag := in.u8()
	switch {
	case tag == 1:
		return in.u64()
	case tag >= 16 && tag <= 16+22:
		return math.Float64bits(decimal(in.varint(), tag-16))
	}
	in.fail("a float of form %d", tag)
	return 0
}
