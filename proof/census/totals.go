package census

import (
	"math"
	"math/bits"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// term is the side of identity A that a gap is on.
func term(b *ledger.Balance, g *Gap) *uint64 {
	switch c := g.Cause; {
	case c == 0:
		return &b.Open
	case c == frame.CauseDeclaredLost:
		return &b.Declared
	case c.Shed():
		return &b.Shed
	case c.Rejected():
		return &b.Rejected
	case c.Exact():
		return &b.Expired
	}
	return &b.Lost
}

// Totals adds up leaves. The sums stop at the greatest uint64, as the ledger's do.
type Totals struct {
	Streams, Epochs                                                 uint64
	Expected, Stored, Open, Lost, Declared, Shed, Rejected, Expired uint64
}

// Add takes a leaf in.
func (t *Totals) Add(l *Leaf) {
	t.Streams++
	t.Epochs += uint64(len(l.Epochs))
	for i := range l.Epochs {
		b := l.Epochs[i].Balance()
		for _, s := range []struct {
			to   *uint64
			from uint64
		}{
			{&t.Expected, b.Expected}, {&t.Stored, b.Stored}, {&t.Open, b.Open}, {&t.Lost, b.Lost},
			{&t.Declared, b.Declared}, {&t.Shed, b.Shed}, {&t.Rejected, b.Rejected}, {&t.Expired, b.Expired},
		} {
			sum, over := bits.Add64(*s.to, s.from, 0)
			if over > 0 {
				sum = math.MaxUint64
			}
			*s.to = sum
		}
	}
}
