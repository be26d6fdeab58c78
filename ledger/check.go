package ledger

import "fmt"

// Check looks for broken invariants in the whole ledger and returns the first: the balances, the order and bounds of every list, and that open gaps and
// causes are disjoint parts of what is missing. It reads everything.
func (l *Ledger) Check() error {
	for id := range l.names.order.all() {
		s := l.stream(id)
		for i, e := range s.epochs {
			if err := e.check(uint32(i + 1)); err != nil {
				return fmt.Errorf("ledger: stream %q epoch %d: %w", s.key(), i+1, err)
			}
		}
	}
	return nil
}

func (e *epoch) check(ordinal uint32) error {
	if e.ordinal != ordinal || e.base > e.next || e.next > MaxSeq+1 {
		return fmt.Errorf("ordinal %d, numbers %d to %d", e.ordinal, e.base, e.next)
	}
	if err := e.checkRuns(); err != nil {
		return err
	}
	if err := e.checkGaps(); err != nil {
		return err
	}
	if b := e.balance(); b.Balance != 0 || b.Drift != 0 {
		return fmt.Errorf("balance %+v, recount %+v", b, e.recount())
	}
	return nil
}

func (e *epoch) checkRuns() error {
	at, touching := e.base, true
	for s := range e.cov.from(0) {
		if s.empty() || s.first < at || s.first == at && !touching || s.end > e.next {
			return fmt.Errorf("run %d to %d, after %d, in %d to %d", s.first, s.end, at, e.base, e.next)
		}
		at, touching = s.end, false
	}
	if e.cov.tail.empty() && e.cov.older != nil && e.cov.older.count > 0 {
		return fmt.Errorf("%d runs without a last one", e.cov.older.count)
	}
	return nil
}

func (e *epoch) checkGaps() error {
	at, r := e.base, e.less()
	for g := range r.open.all() {
		if g.empty() || g.first < at || g.end > e.next || !e.absent(g.span) {
			return fmt.Errorf("open gap %d to %d, after %d, in %d to %d", g.first, g.end, at, e.base, e.next)
		}
		for f := range r.factsIn(g.span) {
			return fmt.Errorf("open gap %d to %d has a cause at %d", g.first, g.end, f.first)
		}
		at = g.end
	}
	at = 0
	for f := range r.facts.all() {
		if f.empty() || f.first < at || f.end > MaxSeq+1 || !f.cause.Exact() || !e.absent(f.span) {
			return fmt.Errorf("cause %v of %d to %d, after %d", f.cause, f.first, f.end, at)
		}
		at = f.end
	}
	return nil
}

// absent reports whether nothing of a span is stored.
func (e *epoch) absent(in span) bool {
	for hole := range e.cov.holes(in.first, in.end) {
		return hole == in
	}
	return false
}
