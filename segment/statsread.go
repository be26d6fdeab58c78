package segment

import (
	"math"

	"github.com/gaplessdb/gapless/frame"
)

// parseStats reads what append wrote. Name, kind and count are set; a newer version may have put more behind.
func (s *FieldStats) parse(b []byte) bool {
	c := cursor{b: b}
	switch s.Kind {
	case frame.KindFloat:
		s.parseFloat(&c)
	case frame.KindInt:
		for _, v := range []*frame.Value{&s.Min, &s.Max, &s.First, &s.Last} {
			*v = frame.Int(c.varint())
		}
		s.Sum.High, s.Sum.Low, s.HasRange = uint64(c.varint()), c.uvarint(), true
	case frame.KindUint:
		for _, v := range []*frame.Value{&s.Min, &s.Max, &s.First, &s.Last} {
			*v = uintValue(c.uvarint())
		}
		s.Sum.High, s.Sum.Low, s.HasRange = c.uvarint(), c.uvarint(), true
	case frame.KindBool:
		ends := c.u8()
		s.First, s.Last, s.Sum.Low, s.HasRange = frame.Bool(ends&1 != 0), frame.Bool(ends&2 != 0), c.uvarint(), true
		s.Min, s.Max = frame.Bool(s.Sum.Low >= uint64(s.Count)), frame.Bool(s.Sum.Low > 0)
	default:
		s.HasRange = true
		s.Min = frame.Value{Kind: s.Kind, Str: c.take(uint64(c.u8()))}
		s.Max = frame.Value{Kind: s.Kind, Str: c.take(uint64(c.u8()))}
	}
	return !c.bad
}

func (s *FieldStats) parseFloat(c *cursor) {
	nan := c.uvarint()
	if nan > uint64(s.Count) {
		c.bad = true
		return
	}
	s.NaN = int(nan)
	if s.HasRange = s.NaN < s.Count; s.HasRange {
		s.Min, s.Max = c.statFloat(), c.statFloat()
	}
	s.First, s.Last = c.statFloat(), c.statFloat()
	s.Sum.Float = math.Float64frombits(c.u64())
}

func (c *cursor) statFloat() frame.Value {
	tag := c.u8()
	if tag == statBits {
		return frame.Value{Kind: frame.KindFloat, Num: c.u64()}
	}
	v, ok := frame.DecimalFloat(c.varint(), tag-statDecimal)
	if tag < statDecimal || !ok {
		c.bad = true
	}
	return v
}

// same reports whether two statistics say the same: the values by their bits, whatever form they were written in.
func (s *FieldStats) same(o *FieldStats) bool {
	return s.Kind == o.Kind && s.Count == o.Count && s.NaN == o.NaN && s.HasRange == o.HasRange &&
		s.Min.Equal(o.Min) && s.Max.Equal(o.Max) && s.First.Equal(o.First) && s.Last.Equal(o.Last) &&
		math.Float64bits(s.Sum.Float) == math.Float64bits(o.Sum.Float) && s.Sum.High == o.Sum.High && s.Sum.Low == o.Sum.Low
}
