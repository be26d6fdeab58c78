package check

import "fmt"

// durable: what was acknowledged, and what any answer has shown, is on every node in the end.
func durable(r *Run) (out []Violation) {
	h := r.history()
	for _, f := range r.Finals {
		for _, rec := range h.order {
			if lost := rec.acked.Minus(f.Numbers(rec.counter)); !lost.Empty() {
				out = append(out, Violation{
					What: "LOST: acknowledged and not there in the end", Counter: rec.counter, Numbers: lost, Node: f.Node, At: f.At,
					Witnesses: rec.witnesses(lost),
				})
			}
		}
		out = append(out, vanished(r, f)...)
	}
	return out
}

// vanished is what a read showed and the node does not have in the end. What was shown was committed, whatever the client was told.
func vanished(r *Run, f *Final) (out []Violation) {
	gone := map[Counter]*Violation{}
	for i := range r.Reads {
		d := &r.Reads[i]
		if d.Failed || !d.Found || f.Numbers(d.Counter).Has(d.Latest) {
			continue
		}
		v := gone[d.Counter]
		if v == nil {
			v = &Violation{What: "VANISHED: shown by a read and not there in the end", Counter: d.Counter, Node: f.Node, At: f.At}
			gone[d.Counter] = v
		}
		v.Numbers.Add(d.Latest)
		if len(v.Witnesses) < fewWitnesses {
			v.Witnesses = append(v.Witnesses, d.String())
		}
	}
	for _, c := range sortedCounters(gone) {
		out = append(out, *gone[c])
	}
	return out
}

func (d *Read) String() string {
	found := "nothing"
	switch {
	case d.Failed:
		found = "failed"
	case d.Found:
		found = fmt.Sprintf("%d (epoch %d)", d.Latest, d.Ordinal)
	}
	return fmt.Sprintf("%s newest frame of %s: %s", &d.Answer, d.Counter, found)
}

func (a *Answer) String() string {
	return fmt.Sprintf("client %d asked %s (%s) at %s..%s, answer as of %d/%d:", a.Client, a.Node, a.Consistency, a.Invoke, a.Return,
		a.History, a.Index)
}
