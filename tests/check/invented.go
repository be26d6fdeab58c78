package check

// invented: what is readable was sent, and not refused.
func invented(r *Run) (out []Violation) {
	h := r.history()
	for _, f := range r.Finals {
		for _, c := range f.order {
			rec := h.records[c]
			if rec == nil {
				out = append(out, Violation{What: "INVENTED: a counter that nobody used", Counter: c, Numbers: f.Numbers(c), Node: f.Node, At: f.At})
				continue
			}
			out = append(out, rec.invented(f)...)
		}
	}
	for i := range r.Reads {
		if d := &r.Reads[i]; !d.Failed && d.Found {
			out = append(out, d.invented(h)...)
		}
	}
	return out
}

func (r *record) invented(f *Final) (out []Violation) {
	strange := f.Numbers(r.counter).Minus(r.maybe)
	if strange.Empty() {
		return nil
	}
	refused := strange.And(r.union(func(b *Batch) bool { return b.Outcome == Refused }))
	rejected := strange.And(r.rejected()).Minus(refused)
	add := func(what string, numbers Numbers) {
		if !numbers.Empty() {
			out = append(out, Violation{What: what, Counter: r.counter, Numbers: numbers, Node: f.Node, At: f.At, Witnesses: r.witnesses(numbers)})
		}
	}
	add("PHANTOM: refused and yet there", refused)
	add("PHANTOM: rejected and yet there", rejected)
	add("INVENTED: never sent", strange.Minus(refused).Minus(rejected))
	return out
}

// rejected is what answers listed as rejected.
func (r *record) rejected() Numbers {
	var list []uint64
	for _, b := range r.batches {
		list = append(list, b.Rejected...)
	}
	return numbersOf(list)
}

// invented is whether the read shows what nobody can have stored by then.
func (d *Read) invented(h *history) []Violation {
	rec := h.records[d.Counter]
	if rec == nil {
		return []Violation{d.violation("INVENTED: a read shows a counter that nobody used")}
	}
	for _, b := range rec.batches {
		if b.Outcome != Refused && b.Invoke <= d.Return && b.First <= d.Latest && d.Latest <= b.Last && !b.rejects(d.Latest) {
			return nil
		}
	}
	numbers := NumbersOf(Span{d.Latest, d.Latest})
	return []Violation{{
		What: "INVENTED: a read shows what was not sent by then, or refused", Counter: d.Counter, Numbers: numbers, Node: d.Node, At: d.Return,
		Witnesses: append(rec.witnesses(numbers), d.String()),
	}}
}
