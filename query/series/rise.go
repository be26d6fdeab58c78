package series

// rise is how much a counter grew in a bucket, and in which time: over all pairs of neighbouring points of which the later one is in the bucket.
type rise struct {
	up sum
	ns int64
}

// Counter follows the points of one field of one stream in order of (epoch, number). The zero value has seen none.
type Counter struct {
	last   number
	lastNS int64
	seen   bool
}

// Step takes the next point, which lies in the cell's bucket. A value below the one before it means that the counter began again at zero.
func (k *Counter) Step(c *Cell, n number, ns int64) {
	if k.seen {
		r := &c.extra().rise
		if n.compare(k.last) >= 0 {
			r.up.addDifference(n, k.last)
		} else {
			r.up.addNumber(n)
		}
		r.ns += ns - k.lastNS
	}
	k.last, k.lastNS, k.seen = n, ns, true
}

// FloatStep is Step for a float by its bits; NaN is no point.
func (k *Counter) FloatStep(c *Cell, bits uint64, ns int64) {
	if n := (number{kindFloat, bits}); n.float() == n.float() {
		k.Step(c, n, ns)
	}
}

// IntStep is Step for an integer.
func (k *Counter) IntStep(c *Cell, v, ns int64) { k.Step(c, intNumber(v), ns) }

// UintStep is Step for an unsigned integer.
func (k *Counter) UintStep(c *Cell, v uint64, ns int64) { k.Step(c, uintNumber(v), ns) }

// BoolStep is Step for a bool.
func (k *Counter) BoolStep(c *Cell, v bool, ns int64) {
	n := int64(0)
	if v {
		n = 1
	}
	k.Step(c, intNumber(n), ns)
}

// per is the sum of what every stream has once, and whether any stream has it.
type per struct {
	sum sum
	any bool
}

func (p *per) merge(o *per) {
	if o.any {
		p.any = true
		p.sum.merge(&o.sum)
	}
}

func (p *per) value() Value {
	if !p.any {
		return Value{}
	}
	return p.sum.value()
}

// Close ends a cell of one stream: everything of it is in. It is called once, before the cell is merged or asked.
func (c *Cell) Close() {
	m := c.more
	if m == nil {
		return
	}
	if m.numbers.any {
		m.closeDelta()
	}
	if r := &m.rise; r.ns > 0 {
		m.rate.any = true
		m.rate.sum.addFloat(r.up.float() / (float64(r.ns) / 1e9))
	}
}

// closeDelta is last less first: NaN where either is.
func (m *more) closeDelta() {
	last, okLast := numberOf(&m.numbers.last.value)
	first, okFirst := numberOf(&m.numbers.first.value)
	if okLast && okFirst {
		m.delta.sum.addDifference(last, first)
	} else {
		m.delta.sum.addFloat(nan)
	}
	m.delta.any = true
}
