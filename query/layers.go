package query

import (
	"slices"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// layers are the places where the frames of one captured state lie, but for its newest head, which can be read only under the lock:
// heads that are sealed, and segments. They are read after the View that they were captured in.
//
//	newest head   rows copied under the lock
//	sealed heads  ┐
//	segments      ┘ layers, read outside of it
//
// A frame is in one of them only, so what they say of an epoch combines: rows merge by number, the nearest neighbour is the nearest of all.
type layers struct {
	g        *reading
	sealed   []*segment.Head // oldest first
	manifest *segment.Manifest

	id      frame.StreamID // of the epoch that list was asked for last
	ordinal uint32
	list    []layer
}

// capture keeps what of the View may be kept.
func (g *reading) capture(v *View) *layers {
	return &layers{g: g, sealed: v.Sealed, manifest: v.Manifest}
}

// each calls fn with the layers that hold rows of the epoch, the newest first, until it returns false. Segments that keep is false for
// are not opened; a nil keep is true for all.
func (l *layers) each(t *target, keep func(*segment.Info) bool, fn func(layer) (bool, error)) error {
	for _, head := range slices.Backward(l.sealed) {
		if more, err := fn(&headLayer{l.g, head, t}); !more || err != nil {
			return err
		}
	}
	list := l.manifest.Segments()
	for i := len(list) - 1; i >= 0; i-- {
		if keep != nil && !keep(&list[i]) {
			continue
		}
		f, err := l.file(list[i].Name, t)
		if err != nil {
			return err
		}
		if f == nil {
			continue
		}
		if more, err := fn(f); !more || err != nil {
			return err
		}
	}
	return nil
}

// file finds the epoch in a segment, nil when it has no row there.
func (l *layers) file(name segment.Name, t *target) (*fileLayer, error) {
	if err := l.g.ctx.Err(); err != nil {
		return nil, err
	}
	reader, err := l.g.segment(name)
	if err != nil {
		return nil, err
	}
	e, ok, err := reader.Epoch(t.stream(), t.key.ordinal)
	if err != nil || !ok {
		return nil, damagedSegment(name, err)
	}
	return &fileLayer{g: l.g, reader: reader, t: t, epoch: e, runs: e.Coverage()}, nil
}

// of lists the layers that may hold rows of the epoch, the newest first. The list is valid until the next call.
func (l *layers) of(t *target) ([]layer, error) {
	if l.list != nil && l.id == t.id && l.ordinal == t.key.ordinal {
		return l.list, nil
	}
	l.id, l.ordinal, l.list = t.id, t.key.ordinal, nil
	list := []layer{}
	err := l.each(t, nil, func(x layer) (bool, error) {
		list = append(list, x)
		return true, nil
	})
	if err == nil {
		l.list = list
	}
	return list, err
}

// holder finds the layer that holds a row, nil when none does.
func (l *layers) holder(t *target, seq uint64) (holder layer, err error) {
	err = l.each(t, nil, func(x layer) (bool, error) {
		if x.has(seq) {
			holder = x
		}
		return holder == nil, nil
	})
	return holder, err
}

// get reads a row with its values. It is false when no layer holds it.
func (l *layers) get(t *target, seq uint64, rec *segment.Record) (bool, error) {
	holder, err := l.holder(t, seq)
	if holder == nil || err != nil {
		return false, err
	}
	if err := l.g.ready(); err != nil {
		return false, err
	}
	return readRow(holder, seq, rec)
}

// readRow reads a row with its values out of the layer that holds it.
func readRow(holder layer, seq uint64, rec *segment.Record) (found bool, err error) {
	span := segment.All()
	span.FirstSeq, span.LastSeq = seq, seq
	_, err = holder.scan(span, segment.Columns{All: true}, func(one *segment.Record) bool {
		*rec, found = *one, true
		rec.Fields = slices.Clone(one.Fields)
		return false
	})
	if f, ok := holder.(*fileLayer); ok && err == nil && !found {
		err = f.lost(seq)
	}
	return found, err
}
