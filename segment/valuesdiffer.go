package segment

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/gaplessdb/gapless/frame"
)

// differentFields finds a value that n rows of two blocks do not have in common. Fields are ordered by name and kind.
func differentFields(a, b []*values, at, other, n int) (difference, bool) {
	for len(a) > 0 || len(b) > 0 {
		var x, y *values
		order := 0
		switch {
		case len(a) == 0:
			order = 1
		case len(b) == 0:
			order = -1
		default:
			order = cmp.Or(cmp.Compare(a[0].name, b[0].name), cmp.Compare(a[0].kind, b[0].kind))
		}
		if order <= 0 {
			x, a = a[0], a[1:]
		}
		if order >= 0 {
			y, b = b[0], b[1:]
		}
		if d, ok := differentValues(x, y, at, other, n); ok {
			return d, true
		}
	}
	return difference{}, false
}

// differentValues finds a row for which two columns do not have the same. Either may be nil: then no row has a value in it.
func differentValues(x, y *values, at, other, n int) (difference, bool) {
	if x == nil && y == nil || x.equalNumbers(y, at, other, n) {
		return difference{}, false
	}
	for row := range n {
		i, want := x.find(at + row)
		k, got := y.find(other + row)
		if want != got || want && !x.equal(y, i, k) {
			return difference{row, x.or(y).String(), x.text(i), y.text(k)}, true
		}
	}
	return difference{}, false
}

// find is at for a column that may not be there; -1 stands for no value.
func (v *values) find(row int) (int, bool) {
	if v == nil {
		return -1, false
	}
	return v.at(row)
}

func (v *values) or(o *values) *values {
	if v == nil {
		return o
	}
	return v
}

// equalNumbers reports whether both columns have a number in each of n rows, and equal ones. It is the fast way to know.
func (v *values) equalNumbers(o *values, at, other, n int) bool {
	if v == nil || o == nil || v.place != nil || o.place != nil {
		return false
	}
	switch v.kind {
	case frame.KindFloat, frame.KindUint:
		return slices.Equal(v.nums[at:at+n], o.nums[other:other+n])
	case frame.KindInt:
		return slices.Equal(v.ints[at:at+n], o.ints[other:other+n])
	}
	return false
}

// equal compares two values of one kind, floats by their bits.
func (v *values) equal(o *values, i, k int) bool {
	switch v.kind {
	case frame.KindFloat, frame.KindUint:
		return v.nums[i] == o.nums[k]
	case frame.KindInt:
		return v.ints[i] == o.ints[k]
	case frame.KindBool:
		return v.bools[i] == o.bools[k]
	}
	return bytes.Equal(v.texts[i], o.texts[k])
}

// text is a value in messages; at is -1 for none.
func (v *values) text(at int) string {
	if v == nil || at < 0 {
		return "no value"
	}
	switch v.kind {
	case frame.KindFloat:
		return fmt.Sprintf("%v (%#x)", math.Float64frombits(v.nums[at]), v.nums[at])
	case frame.KindUint:
		return fmt.Sprint(v.nums[at])
	case frame.KindInt:
		return fmt.Sprint(v.ints[at])
	case frame.KindBool:
		return fmt.Sprint(v.bools[at])
	}
	return fmt.Sprintf("%.100q", v.texts[at])
}

func (v *values) String() string {
	c := blockColumn{part: partField, name: v.name, kind: v.kind}
	if v.name == "" {
		c.part = partRaw
	}
	return c.String()
}
