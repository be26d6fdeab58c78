package series

import (
	"math"
	"math/big"

	"github.com/gaplessdb/gapless/frame"
)

// number is a value that can be compared and added: an integer or a float. It is not NaN.
type number struct {
	kind frame.Kind // KindFloat, KindInt or KindUint
	bits uint64
}

func floatNumber(x float64) number { return number{frame.KindFloat, math.Float64bits(x)} }
func intNumber(x int64) number     { return number{frame.KindInt, uint64(x)} }
func uintNumber(x uint64) number   { return number{frame.KindUint, x} }

// numberOf is false for texts, bytes and NaN.
func numberOf(v *frame.Value) (number, bool) {
	switch v.Kind {
	case frame.KindFloat:
		x := v.Float64()
		return number{v.Kind, v.Num}, x == x
	case frame.KindInt, frame.KindUint:
		return number{v.Kind, v.Num}, true
	case frame.KindBool:
		return number{frame.KindInt, v.Num}, true
	}
	return number{}, false
}

func (n number) float() float64 {
	switch n.kind {
	case frame.KindFloat:
		return math.Float64frombits(n.bits)
	case frame.KindInt:
		return float64(int64(n.bits))
	}
	return float64(n.bits)
}

func (n number) negative() bool { return n.kind == frame.KindInt && int64(n.bits) < 0 }

// compare is exact, whatever the kinds.
func (n number) compare(o number) int {
	switch {
	case n.kind == frame.KindFloat && o.kind == frame.KindFloat:
		return order(n.float(), o.float())
	case n.kind == frame.KindFloat:
		return -o.compareFloat(n.float())
	case o.kind == frame.KindFloat:
		return n.compareFloat(o.float())
	case n.negative() && o.negative():
		return order(int64(n.bits), int64(o.bits))
	case n.negative():
		return -1
	case o.negative():
		return 1
	}
	return order(n.bits, o.bits)
}

func order[T float64 | int64 | uint64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compareFloat compares an integer with a float. An integer's nearest float decides unless it is the other one itself: then the integer
// is compared with that float's exact value.
func (n number) compareFloat(x float64) int {
	near := n.float()
	if near != x {
		return order(near, x)
	}
	const two63, two64 = 1 << 63, 1 << 64
	switch {
	case n.negative():
		if x < -two63 {
			return 1
		}
		return order(int64(n.bits), int64(x))
	case x >= two64: // rounded up beyond every integer
		return -1
	}
	return order(n.bits, uint64(x))
}

// less and more choose the extreme of two numbers: of equal ones an integer, and no negative zero.
func (n number) less(o number) bool {
	c := n.compare(o)
	return c < 0 || c == 0 && n.kind != frame.KindFloat && o.kind == frame.KindFloat
}

func (n number) more(o number) bool {
	c := n.compare(o)
	return c > 0 || c == 0 && n.kind != frame.KindFloat && o.kind == frame.KindFloat
}

func (n number) value() Value {
	switch n.kind {
	case frame.KindFloat:
		return floatValue(n.float() + 0) // -0 + 0 is 0
	case frame.KindInt:
		return Value{Kind: Int, Low: n.bits, High: uint64(int64(n.bits) >> 63)}
	}
	return Value{Kind: Int, Low: n.bits}
}

// wide is an integer of 128 bits, two's complement.
type wide struct{ high, low uint64 }

func (w wide) small() bool { return w.high == uint64(int64(w.low)>>63) }

func (w wide) big() *big.Int {
	b := new(big.Int).SetInt64(int64(w.high))
	return b.Or(b.Lsh(b, 64), new(big.Int).SetUint64(w.low))
}

// float is the nearest float64.
func (w wide) float() float64 {
	if w.small() {
		return float64(int64(w.low))
	}
	x, _ := new(big.Float).SetInt(w.big()).Float64()
	return x
}

// over is the float64 nearest to w/n.
func (w wide) over(n uint64) float64 {
	if v := int64(w.low); w.small() && v <= 1<<53 && v >= -1<<53 {
		return float64(v) / float64(n) // both are exact, so this rounds once
	}
	x, _ := new(big.Rat).SetFrac(w.big(), new(big.Int).SetUint64(n)).Float64()
	return x
}
