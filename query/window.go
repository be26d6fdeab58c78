package query

import (
	"math"
	"slices"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// Missing numbers have no time: a time range stands for the numbers between the stored rows around it (segment.Head's Window). Those rows
// may lie in any layer, and the ledger, which knows what is missing, can be read only under the lock, where no file may be read. So what
// the segments say is read first (windows), and taken into a View together with its heads, if its manifest is still the same.

// windows is what segments say of the ends of a time range, by epoch. Rows move from segment to segment and never disappear, so what a
// segment said stays true of every later state: only new segments have to be asked again.
type windows struct {
	fromNS, toNS int64
	known        map[segment.Name]bool
	epochs       map[epochID][]edge
	edges        int // of all epochs
}

type epochID struct {
	id      frame.StreamID
	ordinal uint32
}

// edge is what one layer says of an epoch and both ends of a time range.
type edge struct {
	neighbours
	from, to reach
}

// neighbours know the stored numbers of one layer.
type neighbours interface {
	below(seq uint64) (uint64, bool)
	above(seq uint64) (uint64, bool)
}

func newWindows(fromNS, toNS int64) *windows {
	return &windows{fromNS: fromNS, toNS: toNS, known: map[segment.Name]bool{}, epochs: map[epochID][]edge{}}
}

// know reports whether all segments of a manifest were asked.
func (w *windows) know(m *segment.Manifest) bool {
	return !slices.ContainsFunc(m.Segments(), func(i segment.Info) bool { return !w.known[i.Name] })
}

// ask asks those segments of a state that were not asked yet about the epochs of that state. It refuses to keep more than limit edges.
func (w *windows) ask(l *layers, targets []target, limit int) error {
	files := layers{g: l.g, manifest: l.manifest}
	fresh := func(i *segment.Info) bool { return !w.known[i.Name] }
	for i := range targets {
		t := &targets[i]
		id := epochID{t.id, t.key.ordinal}
		err := files.each(t, fresh, func(x layer) (bool, error) {
			e, err := edgeOf(x, w.fromNS, w.toNS)
			if f, ok := x.(*fileLayer); ok {
				e.neighbours = f.runs // and not the rest of it
			}
			w.epochs[id] = append(w.epochs[id], e)
			w.edges++
			return true, err
		})
		if err != nil {
			return err
		}
		if w.edges > limit || len(targets) > limit {
			return limitError("query.max_ranges", limit,
				"a range of times of so many streams and segments is not measured: select fewer devices, or leave from and to away")
		}
	}
	for _, i := range l.manifest.Segments() {
		w.known[i.Name] = true
	}
	return nil
}

func edgeOf(x layer, fromNS, toNS int64) (e edge, err error) {
	e.neighbours = x
	if fromNS != math.MinInt64 {
		if e.from, err = x.since(fromNS); err != nil {
			return e, err
		}
	}
	if toNS != math.MaxInt64 {
		e.to, err = x.until(toNS)
	}
	return e, err
}

// window is segment.Head's Window over all layers of a View.
func (w *windows) window(v *View, t *target, fromNS, toNS int64) (first, last uint64, ok bool) {
	var edges []edge
	if w != nil {
		edges = slices.Clone(w.epochs[epochID{t.id, t.key.ordinal}])
	}
	for _, head := range append(slices.Clone(v.Sealed), v.Head) {
		e, _ := edgeOf(&headLayer{head: head, t: t}, fromNS, toNS) // a head reads no file: no error
		edges = append(edges, e)
	}
	return windowOf(edges, fromNS, toNS)
}

// windowOf is the numbers that a range of time stands for, by what all layers say of its ends. It is false when there are none: between two rows first
// is above last, and before row 0 last is 0. In any case first is above 0 where there is a row before the range, and last below the greatest where there
// is one past it.
func windowOf(edges []edge, fromNS, toNS int64) (first, last uint64, ok bool) {
	first, last = 0, math.MaxUint64
	if before, ok := beforeAll(edges); ok && fromNS != math.MinInt64 {
		if before == math.MaxUint64 {
			return before, before, false
		}
		first = before + 1
	}
	if after, ok := afterAll(edges); ok && toNS != math.MaxInt64 {
		if after == 0 {
			return first, 0, false
		}
		last = after - 1
	}
	return first, last, first <= last
}

// beforeAll finds the row before the first one since a time: the highest below it in any layer, or the highest of all when none is that late.
func beforeAll(edges []edge) (before uint64, ok bool) {
	at, some := uint64(math.MaxUint64), false
	for i := range edges {
		if edges[i].from.hasAt {
			at, some = min(at, edges[i].from.at), true
		}
	}
	for i := range edges {
		n, any := edges[i].from.beside, edges[i].from.hasBeside
		if some {
			n, any = edges[i].below(at)
		}
		if any && (!ok || n > before) {
			before, ok = n, true
		}
	}
	return before, ok
}

// afterAll finds the row after the last one until a time.
func afterAll(edges []edge) (after uint64, ok bool) {
	at, some := uint64(0), false
	for i := range edges {
		if edges[i].to.hasAt {
			at, some = max(at, edges[i].to.at), true
		}
	}
	for i := range edges {
		n, any := edges[i].to.beside, edges[i].to.hasBeside
		if some {
			n, any = edges[i].above(at)
		}
		if any && (!ok || n < after) {
			after, ok = n, true
		}
	}
	return after, ok
}
