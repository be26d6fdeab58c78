package fleet

import (
	"slices"
)

// lost returns the runs of a life that no request carries, computed from the requests and not from the dice: these are the numbers
// that a cluster must find missing. Declared ones are among them.
func (s *source) lost(life int) []run {
	var sent []uint64
	for _, o := range s.ops {
		if o.kind != opFrames || o.life != life {
			continue
		}
		for _, r := range o.frames {
			if r.role == roleFresh && !r.unrecorded {
				sent = append(sent, r.seq)
			}
		}
	}
	slices.Sort(sent)
	l := &s.lives[life]
	next := l.first
	var out []run
	for _, seq := range sent {
		if seq > next {
			out = append(out, run{life: life, from: next, to: seq - 1})
		}
		next = seq + 1
	}
	if next <= l.last {
		out = append(out, run{life: life, from: next, to: l.last})
	}
	return out
}

// declared returns the runs that a life's device declares lost.
func (s *source) declared(life int) []run {
	var out []run
	for _, o := range s.ops {
		if o.kind == opDeclare && o.life == life {
			out = append(out, run{life: life, from: o.from, to: o.to})
		}
	}
	return out
}

// minus cuts the runs of b out of those of a. Both are ascending and without overlap within themselves.
func minus(a, b []run) []run {
	var out []run
	for _, r := range a {
		from := r.from
		for _, c := range b {
			if c.to < from || c.from > r.to {
				continue
			}
			if c.from > from {
				out = append(out, run{life: r.life, from: from, to: c.from - 1})
			}
			from = c.to + 1
		}
		if from <= r.to {
			out = append(out, run{life: r.life, from: from, to: r.to})
		}
	}
	return out
}

// numbers counts what runs hold.
func numbers(runs []run) (n uint64) {
	for _, r := range runs {
		n += r.to - r.from + 1
	}
	return n
}
