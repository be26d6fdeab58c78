package series

import "github.com/gaplessdb/gapless/frame"

// ends are the first and the last value of a bucket. In one stream they are those with the lowest and the highest (epoch, number); between streams
// it is the time that decides.
type ends struct {
	any         bool
	first, last end
}

type end struct {
	value frame.Value
	epoch uint32
	seq   uint64
	ns    int64
}

func (e *end) before(o *end) bool { return e.epoch < o.epoch || e.epoch == o.epoch && e.seq < o.seq }

// end takes in the first and the last of some values of one stream. Texts have no part in a difference.
func (c *Cell) end(need Need, at Place, first, last frame.Value) {
	f := end{first, at.Epoch, at.FirstSeq, at.FirstNS}
	l := end{last, at.Epoch, at.LastSeq, at.LastNS}
	m := c.extra()
	if need&needEnds != 0 {
		m.ends.take(f, l)
	}
	if need&needDelta != 0 && !textual(first.Kind) {
		m.numbers.take(f, l)
	}
}

func (e *ends) take(first, last end) {
	if !e.any || first.before(&e.first) {
		e.first = first
	}
	if !e.any || e.last.before(&last) {
		e.last = last
	}
	e.any = true
}

// merge takes in those of another stream. Of equal times the stream that came first has the first value, and the one that came last the last.
func (e *ends) merge(o *ends) {
	if !o.any {
		return
	}
	if !e.any || o.first.ns < e.first.ns {
		e.first = o.first
	}
	if !e.any || o.last.ns >= e.last.ns {
		e.last = o.last
	}
	e.any = true
}

// ValueOf is a stored value as it is.
func ValueOf(v frame.Value) Value {
	switch v.Kind {
	case frame.KindFloat:
		return Value{Kind: Float, Low: v.Num}
	case frame.KindInt:
		return intNumber(v.Int64()).value()
	case frame.KindUint:
		return Value{Kind: Int, Low: v.Num}
	case frame.KindBool:
		return Value{Kind: Bool, Low: v.Num}
	case frame.KindString:
		return Value{Kind: Text, Str: v.Str}
	case frame.KindBytes:
		return Value{Kind: Bytes, Str: v.Str}
	}
	return Value{}
}
