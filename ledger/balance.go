package ledger

import (
	"math/bits"

	"github.com/gaplessdb/gapless/frame"
)

// Balance is identity A: expected = stored + open + lost + declared + shed + rejected + expired. Every term is a counter that the commands keep one by
// one; Balance subtracts them, Drift compares them with a recount of the runs, the open list and the causes. Both are 0 unless the ledger itself is
// wrong. Sums over many epochs stop at the greatest uint64.
type Balance struct {
	Expected uint64 `json:"expected"`          // high-water - base + 1
	Stored   uint64 `json:"stored"`            // numbers in coverage
	Open     uint64 `json:"open"`              // may still come
	Lost     uint64 `json:"lost_unattributed"` // never arrived
	Declared uint64 `json:"declared"`          // the device said so
	Shed     uint64 `json:"shed"`
	Rejected uint64 `json:"rejected"`
	Expired  uint64 `json:"expired"` // expired or erased before they were stored
	Balance  int64  `json:"balance"`
	Drift    uint64 `json:"drift"`
}

// Missing is expected and not stored.
func (b *Balance) Missing() uint64 { return b.Expected - b.Stored }

func (b *Balance) add(c Balance) {
	for _, t := range []struct {
		to   *uint64
		from uint64
	}{
		{&b.Expected, c.Expected}, {&b.Stored, c.Stored}, {&b.Open, c.Open}, {&b.Lost, c.Lost}, {&b.Declared, c.Declared},
		{&b.Shed, c.Shed}, {&b.Rejected, c.Rejected}, {&b.Expired, c.Expired}, {&b.Drift, c.Drift},
	} {
		*t.to = satAdd(*t.to, t.from)
	}
	b.Balance += c.Balance
}

// counters is the balance from the counters alone.
func (e *epoch) counters() Balance {
	r := e.less()
	b := Balance{
		Expected: e.expected(), Stored: e.stored, Open: r.nOpen, Lost: r.nLost,
		Declared: r.nDeclared, Shed: r.nShed, Rejected: r.nRejected, Expired: r.nExpired,
	}
	b.Balance = int64(b.Expected - b.Stored - b.Open - b.Lost - b.Declared - b.Shed - b.Rejected - b.Expired)
	return b
}

// recount is the same from the lists alone.
func (e *epoch) recount() Balance {
	b := Balance{Expected: e.expected(), Stored: e.cov.Count()}
	known := uint64(0)
	r := e.less()
	for g := range r.open.all() {
		b.Open += g.count()
	}
	facts := rare{}
	for f := range r.facts.all() {
		if in := f.clip(e.base, e.next); !in.empty() {
			*facts.term(f.cause) += in.count()
			known += in.count()
		}
	}
	b.Declared, b.Shed, b.Rejected, b.Expired = facts.nDeclared, facts.nShed, facts.nRejected, facts.nExpired
	holes := uint64(0)
	for h := range e.cov.holes(e.base, e.next) {
		holes += h.count()
	}
	b.Lost = holes - b.Open - known
	return b
}

// balance is the counters with their drift from the lists.
func (e *epoch) balance() Balance {
	b, c := e.counters(), e.recount()
	b.Drift = distance(b.Stored, c.Stored) + distance(b.Open, c.Open) + distance(b.Lost, c.Lost) + distance(b.Declared, c.Declared) +
		distance(b.Shed, c.Shed) + distance(b.Rejected, c.Rejected) + distance(b.Expired, c.Expired)
	return b
}

func (s *stream) balance() (b Balance) {
	for _, e := range s.epochs {
		b.add(e.balance())
	}
	return b
}

// EpochBalance is identity A of one epoch, false if it is unknown. It reads all its runs.
func (l *Ledger) EpochBalance(id frame.StreamID, ordinal uint32) (Balance, bool) {
	s := l.stream(id)
	if s == nil || s.epoch(ordinal) == nil {
		return Balance{}, false
	}
	return s.epoch(ordinal).balance(), true
}

// Balance is identity A of one stream, false if it is unknown.
func (l *Ledger) Balance(id frame.StreamID) (Balance, bool) {
	s := l.stream(id)
	if s == nil {
		return Balance{}, false
	}
	return s.balance(), true
}

// TenantBalance is identity A of all streams of a tenant. It reads all their runs.
func (l *Ledger) TenantBalance(tenant string) (b Balance) {
	l.walk(tenant, "", "", func(s *stream) bool {
		b.add(s.balance())
		return true
	})
	return b
}

// TotalBalance is identity A of everything. It reads all runs.
func (l *Ledger) TotalBalance() (b Balance) {
	for id := range l.names.order.all() {
		b.add(l.stream(id).balance())
	}
	return b
}

// ratio is part/whole in millionths, rounded down, so that it is one million only if nothing is missing. Of nothing, everything is there.
func ratio(part, whole uint64) uint64 {
	if whole == 0 {
		return 1_000_000
	}
	hi, lo := bits.Mul64(part, 1_000_000)
	q, _ := bits.Div64(hi, lo, whole)
	return q
}
