package check

import (
	"fmt"
	"slices"
	"time"
)

// patience is how long a majority that works may take to acknowledge something.
const patience = 10 * time.Second

// liveness: with a working majority acknowledgements go on, at latest 10 s after it came together; and in the end every node is ready.
func liveness(r *Run) (out []Violation) {
	windows := slices.Clone(r.Quorate)
	if healed := (Window{r.Healed, r.Healed + patience}); r.Healed > 0 && r.attempted(healed) {
		windows = append(windows, healed)
	}
	var acks []time.Duration
	for i := range r.Batches {
		if r.Batches[i].Outcome == Acked {
			acks = append(acks, r.Batches[i].Return)
		}
	}
	slices.Sort(acks)
	for _, w := range windows {
		out = append(out, r.silent(w, acks)...)
	}
	return append(out, r.unready()...)
}

// attempted reports whether clients tried all through a window: without that nothing can be asked of it.
func (r *Run) attempted(w Window) bool {
	third := (w.To - w.From) / 3
	tried := [3]bool{}
	for i := range r.Batches {
		if b := &r.Batches[i]; b.Invoke >= w.From && b.Invoke < w.From+3*third {
			tried[(b.Invoke-w.From)/third] = true
		}
	}
	return third > 0 && tried[0] && tried[1] && tried[2]
}

// silent is stretches of a window, as long as patience, in which clients tried and nothing was acknowledged.
func (r *Run) silent(w Window, acks []time.Duration) (out []Violation) {
	last := w.From
	next, _ := slices.BinarySearch(acks, w.From)
	for last+patience <= w.To {
		at := w.To
		if next < len(acks) {
			at = min(at, acks[next])
			next++
		}
		if gap := (Window{last, at}); at-last >= patience && r.attempted(gap) {
			out = append(out, Violation{What: fmt.Sprintf("STUCK: nothing was acknowledged for %s although a majority worked", at-last), At: last})
		}
		last = at
		if at == w.To {
			break
		}
	}
	return out
}

// unready is nodes that do not take part in the end.
func (r *Run) unready() (out []Violation) {
	if len(r.Finals) == 0 {
		return nil // Judge says that nothing was read
	}
	for _, node := range r.Nodes {
		at := slices.IndexFunc(r.Finals, func(f *Final) bool { return f.Node == node })
		switch {
		case at < 0:
			out = append(out, Violation{What: "NOT READY: the node shows nothing in the end", Node: node, At: r.Healed})
		case !r.Finals[at].Ready:
			out = append(out, Violation{What: "NOT READY: the node is not ready in the end", Node: node, At: r.Finals[at].At})
		}
	}
	return out
}
