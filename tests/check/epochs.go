package check

import "fmt"

// epochs: a value that a device gives its epoch has one ordinal for ever, and an ordinal has one value. Two that were merged, or one that
// was split, break every promise about the numbers in it.
func epochs(r *Run) (out []Violation) {
	type life struct {
		stream  Counter
		ordinal uint32
	}
	type origin struct {
		counter Counter
		ordinal uint32
		where   fmt.Stringer
	}
	byCounter, byLife := map[Counter]origin{}, map[life]origin{}
	r.ordinals(func(c Counter, ordinal uint32, where fmt.Stringer) {
		now := origin{c, ordinal, where}
		if was, known := byCounter[c]; !known {
			byCounter[c] = now
		} else if was.ordinal != ordinal {
			out = append(out, Violation{
				What: fmt.Sprintf("SPLIT: the epoch is number %d and number %d", was.ordinal, ordinal), Counter: c,
				Witnesses: []string{was.where.String(), where.String()},
			})
			byCounter[c] = now
		}
		l := life{c.stream(), ordinal}
		if was, known := byLife[l]; !known {
			byLife[l] = now
		} else if was.counter != c {
			out = append(out, Violation{
				What: fmt.Sprintf("MERGED: epoch number %d is %s and %s", ordinal, was.counter, c), Counter: c,
				Witnesses: []string{was.where.String(), where.String()},
			})
			byLife[l] = now
		}
	})
	return out
}

// ordinals yields the server's number of an epoch wherever an answer has one.
func (r *Run) ordinals(yield func(c Counter, ordinal uint32, where fmt.Stringer)) {
	for _, f := range r.Finals {
		for _, c := range f.order {
			seen := uint32(0)
			for _, p := range f.counters[c].places {
				if p.ordinal != seen && p.ordinal != 0 {
					yield(c, p.ordinal, site{f, p.First})
				}
				seen = p.ordinal
			}
		}
		for i := range f.Gaps {
			yield(f.Gaps[i].Counter, f.Gaps[i].Ordinal, &f.Gaps[i])
		}
	}
	for i := range r.GapReports {
		yield(r.GapReports[i].Counter, r.GapReports[i].Ordinal, &r.GapReports[i])
	}
	r.reads(func(d *Read) {
		if d.Found {
			yield(d.Counter, d.Ordinal, d)
		}
	})
}

// site is where a frame was shown.
type site struct {
	final  *Final
	number uint64
}

func (s site) String() string {
	return fmt.Sprintf("frame %d on %s at %s", s.number, s.final.Node, s.final.At)
}
