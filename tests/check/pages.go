package check

import "fmt"

// Page is all frames of one device, as one question during the run showed them: every page of its answer, which have one as_of.
type Page struct {
	Answer
	Device string
	Frames *Final
}

// pages: whoever asks for frames while the cluster is in trouble gets each frame that was acknowledged up to the index of the answer, once, with its
// bytes, and nothing that was not sent by then.
func pages(r *Run) (out []Violation) {
	h := r.history()
	for _, p := range r.Pages {
		for _, rec := range h.order {
			if rec.counter.Device == p.Device {
				out = append(out, p.judge(rec)...)
			}
		}
		for _, c := range p.Frames.order {
			if h.records[c] == nil {
				out = append(out, p.violation("INVENTED: a counter that nobody used", c, p.Frames.Numbers(c)))
			}
		}
	}
	return out
}

// judge holds what a page shows of a counter against what clients did.
func (p *Page) judge(rec *record) (out []Violation) {
	m, shown := p.moment(), p.Frames.Numbers(rec.counter)
	add := func(what string, numbers Numbers) {
		if !numbers.Empty() {
			v := p.violation(what, rec.counter, numbers)
			v.Witnesses = append(v.Witnesses, rec.witnesses(numbers)...)
			out = append(out, v)
		}
	}
	add("WITHHELD: acknowledged at an index that the answer contains, and not in it",
		rec.union(func(b *Batch) bool { return m.certain(b.Outcome, b.place()) }).Minus(shown))
	add("INVENTED: shown before anybody sent it", shown.Minus(rec.union(func(b *Batch) bool { return m.possible(b.Outcome, b.place(), b.Invoke) })))
	if s := p.Frames.counters[rec.counter]; s != nil {
		if !s.wrong.Empty() {
			add("CHANGED: "+s.why[0], s.wrong)
		}
		for n, times := range s.times {
			if allowed, why := rec.copies(n); times > allowed {
				add(fmt.Sprintf("TWICE: shown %d times, at most %d (%s)", times, allowed, why), NumbersOf(Span{n, n}))
			}
		}
	}
	return out
}

func (p *Page) violation(what string, c Counter, numbers Numbers) Violation {
	return Violation{What: what, Counter: c, Numbers: numbers, Node: p.Node, At: p.Return,
		Witnesses: []string{p.Answer.String() + " frames of " + p.Device}}
}
