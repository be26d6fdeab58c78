package check

import (
	"cmp"
	"fmt"
	"slices"
)

// balance: the ledger's equations hold at every sample, computed anew from its terms, and along the index: one index has the same numbers
// on every node and after every restart, and what was stored or expected stays so. Balance B is held against what the clients were
// answered.
func balance(r *Run) (out []Violation) {
	var all []*Ledger
	for i := range r.Ledgers {
		all = append(all, &r.Ledgers[i])
	}
	for _, f := range r.Finals {
		if f.Ledger != nil {
			all = append(all, f.Ledger)
			out = append(out, f.sum()...)
		}
	}
	for _, l := range all {
		out = append(out, l.equations()...)
	}
	slices.SortStableFunc(all, func(a, b *Ledger) int { return a.place().compare(b.place()) })
	for i := 1; i < len(all); i++ {
		out = append(out, all[i-1].follows(all[i])...)
	}
	return append(out, doors(r, all)...)
}

func (l *Ledger) violation(format string, args ...any) Violation {
	return Violation{What: "UNBALANCED: " + fmt.Sprintf(format, args...), Node: l.Node, At: l.Return, Witnesses: []string{l.String()}}
}

func (l *Ledger) String() string {
	return fmt.Sprintf("%s ledger A %+v C %+v D %+v digest %.16s", &l.Answer, l.A, l.C, l.D, l.Digest)
}

// equations computes every balance anew.
func (l *Ledger) equations() (out []Violation) {
	a, c, d := &l.A, &l.C, &l.D
	add := func(name string, left, right uint64, said int64) {
		if diff := int64(left - right); diff != 0 || said != 0 {
			out = append(out, l.violation("%s: %d and %d, a difference of %d; the node says %d", name, left, right, diff, said))
		}
	}
	add("A: expected = stored + open + lost + declared + shed + rejected + expired",
		a.Expected, a.Stored+a.Open+a.Lost+a.Declared+a.Shed+a.Rejected+a.Expired, a.Balance)
	add("A: counters and lists (drift)", a.Drift, 0, 0)
	for i := range l.B {
		b := &l.B[i].Counts
		add("B of "+l.B[i].Node+" "+l.B[i].Listener+": received = its parts",
			b.Received, b.Undecodable+b.Accepted+b.Duplicate+b.Conflict+b.Unverified+b.Rejected+b.Shed+b.Refused, b.Balance)
	}
	add("C: accepted = log_only + hot + cold_only + expired + erased", c.Accepted, c.LogOnly+c.Hot+c.ColdOnly+c.Expired+c.Erased, c.Balance)
	add("D: stored = head + segments", d.Stored, d.Head+d.Segments, d.Balance)
	add("A and D: stored", a.Stored, d.Stored, 0)
	add("A and C: stored + expired = accepted", a.Stored, c.Accepted, 0)
	return out
}

// follows says how two samples contradict each other, l being of the lower index or of the same.
func (l *Ledger) follows(next *Ledger) (out []Violation) {
	add := func(format string, args ...any) {
		v := next.violation(format, args...)
		v.Witnesses = []string{l.String(), next.String()}
		out = append(out, v)
	}
	if l.place() == next.place() {
		if l.A != next.A {
			add("A differs at one index")
		}
		return out
	}
	if next.A.Expected < l.A.Expected {
		add("A: expected went from %d down to %d", l.A.Expected, next.A.Expected)
	}
	if next.A.Stored < l.A.Stored {
		add("A: stored went from %d down to %d", l.A.Stored, next.A.Stored)
	}
	return out
}

// sum holds what a node's ledger calls stored against the frames that it shows.
func (f *Final) sum() []Violation {
	if shown := f.Frames(); f.Ledger.A.Stored != shown {
		return []Violation{f.Ledger.violation("the ledger has %d stored frames, the node shows %d (%d of them the store's own)",
			f.Ledger.A.Stored, shown, f.System)}
	}
	return nil
}

// door is one listener in one life of its node: its counts begin at 0.
type door struct {
	node, listener string
	life           int
}

// doors holds balance B against itself, and its last sample of each life against the answers that clients got.
func doors(r *Run, all []*Ledger) (out []Violation) {
	h := r.history()
	last := map[door]*Ledger{}
	var order []door
	byReturn := slices.Clone(all)
	slices.SortStableFunc(byReturn, func(a, b *Ledger) int { return cmp.Compare(a.Return, b.Return) })
	for _, l := range byReturn {
		life := h.life(l.Node, l.Invoke)
		if life != h.life(l.Node, l.Return) {
			continue
		}
		for i := range l.B {
			d := door{l.B[i].Node, l.B[i].Listener, life}
			if d.node != l.Node {
				out = append(out, l.violation("B is of %s", d.node))
				continue
			}
			before := last[d]
			if before == nil {
				order = append(order, d)
			} else if before.Return < l.Invoke {
				out = append(out, before.shrunk(l, &l.B[i])...)
			}
			last[d] = l
		}
	}
	for _, d := range order {
		out = append(out, h.answered(r, d, last[d])...)
	}
	return out
}

// shrunk says which counts of a listener fell although its node did not restart.
func (l *Ledger) shrunk(next *Ledger, b *BalanceB) (out []Violation) {
	for i := range l.B {
		if l.B[i].Listener != b.Listener {
			continue
		}
		was, now := l.B[i].Counts.list(), b.Counts.list()
		for n := range was {
			if now[n] < was[n] {
				v := next.violation("B of %s: %s went from %d down to %d in one life of the node", b.Listener, countNames[n], was[n], now[n])
				v.Witnesses = append([]string{l.String()}, v.Witnesses...)
				out = append(out, v)
			}
		}
	}
	return out
}

var countNames = [...]string{"received", "undecodable", "accepted", "duplicate", "conflict", "unverified", "rejected", "shed", "refused"}

func (c *CountsB) list() [len(countNames)]uint64 {
	return [...]uint64{c.Received, c.Undecodable, c.Accepted, c.Duplicate, c.Conflict, c.Unverified, c.Rejected, c.Shed, c.Refused}
}

// answered compares a door's counts with the answers that it had given before the sample, and with the requests that it can have got. A
// request is counted before its answer leaves.
func (h *history) answered(r *Run, d door, l *Ledger) (out []Violation) {
	var least CountsB
	sent := uint64(0)
	for i := range r.Batches {
		b := &r.Batches[i]
		if b.Node != d.node || b.Format.listener() != d.listener || b.Invoke > l.Return {
			continue
		}
		from, to := h.life(b.Node, b.Invoke), h.life(b.Node, b.Return)
		if from <= d.life && d.life <= to {
			sent += b.size()
		}
		if from == d.life && to == d.life && b.Outcome == Acked && b.Return < l.Invoke {
			least.count(b)
		}
	}
	door := CountsB{}
	for i := range l.B {
		if l.B[i].Listener == d.listener {
			door = l.B[i].Counts
		}
	}
	was, is := least.list(), door.list()
	for n, name := range countNames {
		if is[n] < was[n] {
			out = append(out, l.violation("B: %s is %d, clients were answered %d by then", name, is[n], was[n]))
		}
	}
	if door.Received > sent {
		out = append(out, l.violation("B: received is %d, clients sent %d by then", door.Received, sent))
	}
	return out
}

func (c *CountsB) count(b *Batch) {
	c.Received += b.size()
	if b.Replayed {
		c.Duplicate += b.size() - uint64(len(b.Rejected))
		c.Rejected += uint64(len(b.Rejected))
		return
	}
	c.Accepted += uint64(b.Accepted)
	c.Duplicate += uint64(b.Duplicate)
	c.Conflict += uint64(b.Conflict)
	c.Unverified += uint64(b.Unverified)
	c.Rejected += uint64(len(b.Rejected))
}
