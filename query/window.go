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

// windows is what the segments of one manifest say of the ends of a time range, by epoch.
type windows struct {
	manifest *segment.Manifest
	epochs   map[epochID][]edge
}

type epochID struct {
	id      frame.StreamID
	ordinal uint32
}

// edge is what one layer says of an epoch and both ends of a time range.
type edge struct {
	layer
	from, to reach
}

// of reports whether the windows are those of this manifest.
func (w *windows) of(m *segment.Manifest) bool {
	return w != nil && (w.manifest == m || slices.Equal(w.manifest.Segments(), m.Segments()))
}

// windows asks the segments about the epochs.
func (l *layers) windows(targets []target, fromNS, toNS int64) (*windows, error) {
	w := &windows{manifest: l.manifest, epochs: map[epochID][]edge{}}
	files := layers{g: l.g, manifest: l.manifest}
	for i := range targets {
		t := &targets[i]
		id := epochID{t.id, t.key.ordinal}
		err := files.each(t, nil, func(x layer) (bool, error) {
			e, err := edgeOf(x, fromNS, toNS)
			w.epochs[id] = append(w.epochs[id], e)
			return true, err
		})
		if err != nil {
			return nil, err
		}
	}
	return w, nil
}

func edgeOf(x layer, fromNS, toNS int64) (e edge, err error) {
	e.layer = x
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
	first, last = 0, math.MaxUint64
	if before, ok := beforeAll(edges); ok && fromNS != math.MinInt64 {
		if before == math.MaxUint64 {
			return 0, 0, false
		}
		first = before + 1
	}
	if after, ok := afterAll(edges); ok && toNS != math.MaxInt64 {
		if after == 0 {
			return 0, 0, false
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
