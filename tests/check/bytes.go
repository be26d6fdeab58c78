package check

import "fmt"

// intact: what is shown has the bytes that were sent; of two contents under one number, those that came first.
func intact(r *Run) (out []Violation) {
	h := r.history()
	for _, f := range r.Finals {
		for _, c := range f.order {
			s := f.counters[c]
			rec := h.records[c]
			if !s.wrong.Empty() {
				v := Violation{What: "CHANGED: " + s.why[0], Counter: c, Numbers: s.wrong, Node: f.Node, At: f.At}
				v.Witnesses = append(rec.witnesses(s.wrong), s.why...)
				out = append(out, v)
			}
			if rec != nil {
				out = append(out, rec.usurped(f, s)...)
			}
		}
	}
	for i := range r.Reads {
		d := &r.Reads[i]
		switch {
		case d.Failed || !d.Found:
		case d.Wrong != "":
			out = append(out, d.violation("CHANGED: a read shows "+d.Wrong))
		case h.records[d.Counter] != nil:
			if why := h.records[d.Counter].impossible(d.Latest, d.Variant); why != "" {
				out = append(out, d.violation("USURPED: a read shows "+why))
			}
		}
	}
	return out
}

func (d *Read) violation(what string) Violation {
	return Violation{What: what, Counter: d.Counter, Numbers: NumbersOf(Span{d.Latest, d.Latest}), Node: d.Node, At: d.Return,
		Witnesses: []string{d.String()}}
}

// contested is the numbers that were sent with more than one content, as far as one of them is no variant 0.
func (r *record) contested() Numbers {
	return r.union(func(b *Batch) bool { return b.Variant != 0 })
}

// usurped is numbers that show a content which cannot have come first.
func (r *record) usurped(f *Final, s *shown) (out []Violation) {
	suspects := r.contested().And(s.numbers)
	for n := range s.variants {
		suspects.Add(n)
	}
	found := map[string]*Violation{}
	for span := range suspects.Spans() {
		for n := span.First; n <= span.Last; n++ {
			why := r.impossible(n, s.variants[n])
			if why == "" || s.wrong.Has(n) {
				continue
			}
			if found[why] == nil {
				found[why] = &Violation{What: "USURPED: " + why, Counter: r.counter, Node: f.Node, At: f.At}
			}
			found[why].Numbers.Add(n)
		}
	}
	for _, why := range sortedKeys(found) {
		v := found[why]
		v.Witnesses = r.witnesses(v.Numbers)
		out = append(out, *v)
	}
	return out
}

// impossible says why a content cannot be the one that is stored under n, "" when it can.
func (r *record) impossible(n, variant uint64) string {
	sent, first, other := false, false, uint64(0)
	for _, b := range r.batches {
		switch {
		case b.Outcome == Refused || n < b.First || n > b.Last:
		case b.Variant == variant:
			sent = true
			first = first || !(b.Outcome == Acked && all(b, b.Conflict)) && !r.late(b, n)
		case b.Outcome == Acked && (all(b, b.Accepted) || all(b, b.Duplicate)): // it said that its own content is there
			other = b.Variant + 1
		}
	}
	switch {
	case !sent:
		return fmt.Sprintf("variant %d, which nobody sent", variant)
	case other > 0:
		return fmt.Sprintf("variant %d, but an answer said that variant %d is stored", variant, other-1)
	case !first:
		return fmt.Sprintf("variant %d, which came after another one was acknowledged, or was answered as a conflict", variant)
	}
	return ""
}

// all reports whether a count is about every frame of the batch.
func all(b *Batch, count int) bool { return uint64(count) == b.size() }

// late reports whether n was acknowledged with another content before b was sent.
func (r *record) late(b *Batch, n uint64) bool {
	for _, o := range r.batches {
		if o.Invoke >= b.Invoke {
			return false
		}
		if o.Outcome == Acked && o.Variant != b.Variant && o.Return < b.Invoke && o.First <= n && n <= o.Last && !o.rejects(n) {
			return true
		}
	}
	return false
}
