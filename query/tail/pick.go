package tail

import "github.com/gaplessdb/gapless/segment"

// picker finds the first rows of a span that come in any order. It holds twice as many as it is to find, and lets the later half go whenever it
// is full, so that a row costs O(1) whatever the order.
type picker struct {
	limit   int
	span    *segment.CommitSpan // made smaller with each cut
	rows    []picked
	numbers map[epochKey]uint32
	keys    []epochKey // by number

	key    []byte // of the last row,
	epoch  uint32
	number uint32 // and the number of its epoch
}

// picked is 16 bytes.
type picked struct {
	index         uint64
	ordinal, name uint32
}

func (p *picked) commit() segment.Commit { return segment.Commit{Index: p.index, Ordinal: p.ordinal} }

func (p *picked) before(o *picked) bool {
	return p.index < o.index || p.index == o.index && p.ordinal < o.ordinal
}

// add takes a row of the span.
func (p *picker) add(c *segment.Committed) {
	if len(p.keys) == 0 || p.epoch != c.Epoch || &p.key[0] != &c.Key[0] {
		p.key, p.epoch = c.Key, c.Epoch
		p.number = p.numberOf(epochKey{string(c.Key), c.Epoch})
	}
	p.rows = append(p.rows, picked{c.Index, c.Ordinal, p.number})
	if len(p.rows) >= 2*p.limit {
		p.cut()
	}
}

func (p *picker) numberOf(k epochKey) uint32 {
	n, known := p.numbers[k]
	if !known {
		n = uint32(len(p.keys))
		p.numbers[k], p.keys = n, append(p.keys, k)
	}
	return n
}

// cut lets go of what is not among the first rows.
func (p *picker) cut() {
	if len(p.rows) <= p.limit {
		return
	}
	selectFirst(p.rows, p.limit)
	p.rows = p.rows[:p.limit]
	last := &p.rows[0]
	for i := range p.rows {
		if last.before(&p.rows[i]) {
			last = &p.rows[i]
		}
	}
	p.span.UpTo = last.commit()
}

// epochs lists the epochs of the rows, without names yet.
func (p *picker) epochs() map[epochKey]*name {
	list := map[epochKey]*name{}
	for i := range p.rows {
		list[p.keys[p.rows[i].name]] = nil
	}
	return list
}

// selectFirst brings the n first rows to the front, in any order (Hoare's quickselect with the median of three). 0 < n < len(rows).
func selectFirst(rows []picked, n int) {
	for lo, hi := 0, len(rows)-1; lo < hi; {
		pivot := medianOf(rows[lo], rows[lo+(hi-lo)/2], rows[hi])
		i, j := lo, hi
		for i <= j {
			for rows[i].before(&pivot) {
				i++
			}
			for pivot.before(&rows[j]) {
				j--
			}
			if i <= j {
				rows[i], rows[j] = rows[j], rows[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case n-1 <= j:
			hi = j
		case n-1 >= i:
			lo = i
		default:
			return
		}
	}
}

func medianOf(a, b, c picked) picked {
	if b.before(&a) {
		a, b = b, a
	}
	if c.before(&b) {
		b = c
		if b.before(&a) {
			b = a
		}
	}
	return b
}
