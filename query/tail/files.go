package tail

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
)

// files reads the segments of one reader. Between two windows it keeps maps of those that it still needs, and no file open.
type files struct {
	api     *API
	filter  *filter
	version int // of the filter that the maps are of
	maps    map[segment.Name]*segment.CommitMap
	decided map[string]bool // by key, for filters that have to look at names
}

// segments reads the next frames out of segments and gives them. They have what follows the reader's place, if its filter takes any of it.
func (r *reader) segments(ctx context.Context, m *segment.Manifest) error {
	if err := r.turn(ctx); err != nil {
		return err
	}
	defer func() { <-r.api.turns }()
	if r.files == nil {
		r.files = &files{api: r.api, filter: &r.req.filter}
	}
	begun := time.Now()
	w := &window{files: r.files, enc: r.enc, show: &r.req.show, rows: r.api.opt.CatchupRows}
	if left := r.req.limit - r.given; r.req.limit > 0 {
		w.rows = min(w.rows, left)
	}
	err := w.read(ctx, m, segment.CommitSpan{After: r.at, UpTo: r.until, Class: r.req.filter.class})
	r.api.metrics.windows.Observe(time.Since(begun).Seconds())
	if err != nil {
		return err
	}
	r.api.metrics.frames.WithLabelValues("segment").Add(float64(len(w.lines)))
	hold := time.Now().Add(r.api.opt.CatchupHold)
	for i := range w.lines {
		line := &w.lines[i]
		r.at = line.at
		if err := r.give(w.buf[line.from:line.to]); err != nil {
			return err
		}
		if i%256 == 0 && time.Now().After(hold) {
			return nil // others wait for their turn; the rest is read again
		}
	}
	r.reach(w.upTo)
	return nil
}

// turn waits until this reader may hold rows of segments, and meanwhile keeps its client informed.
func (r *reader) turn(ctx context.Context) error {
	begun := time.Now()
	defer func() { r.api.metrics.waits.Observe(time.Since(begun).Seconds()) }()
	select { // without a line, where nobody waits
	case r.api.turns <- struct{}{}:
		return nil
	default:
	}
	t := time.NewTicker(r.api.opt.Heartbeat)
	defer t.Stop()
	for {
		select {
		case r.api.turns <- struct{}{}:
			return nil
		case <-t.C:
			if err := r.pause(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// maxDecided is how many decisions about streams are remembered.
const maxDecided = 1 << 16

// take prepares the maps for a window: those of segments that are not asked any more go.
func (f *files) take(m *segment.Manifest, after segment.Commit) {
	if f.version != f.filter.version || f.maps == nil {
		f.version, f.maps, f.decided = f.filter.version, map[segment.Name]*segment.CommitMap{}, map[string]bool{}
	}
	for name := range f.maps {
		if info, listed := m.Find(name); !listed || !after.Before(segment.EndOf(info.LastIndex)) {
			delete(f.maps, name)
		}
	}
}

// with calls fn with a segment and its map.
func (f *files) with(name segment.Name, fn func(*segment.Reader, *segment.CommitMap) (segment.Scanned, error)) error {
	if f.api.opener == nil {
		return fmt.Errorf("tail: the state names segment %s, and there is no opener", name)
	}
	reader, release, err := f.api.opener.Open(name)
	if err != nil {
		return segmentEnd(name, err)
	}
	defer release()
	m := f.maps[name]
	if m == nil {
		if m, err = reader.CommitMap(f.filter.tenant, f.wants()); err != nil {
			return segmentEnd(name, err)
		}
		f.maps[name] = m
	}
	done, err := fn(reader, m)
	f.api.metrics.blocks.Add(float64(done.Blocks))
	f.api.metrics.readBytes.Add(float64(done.Bytes))
	return segmentEnd(name, err)
}

// wants says which streams of the tenant are read, nil for all of them.
func (f *files) wants() func(key []byte) bool {
	switch {
	case !f.filter.whole():
		return f.decide
	case f.filter.system:
		return nil
	}
	own := append([]byte(f.filter.tenant), 0, '_') // what keys of the store's own devices begin with: see segment.StreamOf
	return func(key []byte) bool { return !bytes.HasPrefix(key, own) }
}

// decide is wants for a filter that has to look at the names of a key.
func (f *files) decide(key []byte) bool {
	yes, known := f.decided[string(key)]
	if known {
		return yes
	}
	stream, ok := segment.StreamOf(key)
	yes = ok && f.filter.takes(&stream)
	if len(f.decided) >= maxDecided {
		clear(f.decided)
	}
	f.decided[string(key)] = yes
	return yes
}

// epochKey names an epoch in segments.
type epochKey struct {
	stream string // as a key
	epoch  uint32
}

// resolve finds the names that the epochs have now. It looks at lock_rows of them under one lock.
func (a *API) resolve(ctx context.Context, epochs map[epochKey]*name) error {
	type asked struct {
		key  frame.StreamKey
		into epochKey
	}
	var list []asked
	for k := range epochs {
		key, ok := segment.StreamOf([]byte(k.stream))
		if !ok {
			return fmt.Errorf("tail: %q is not the key of a stream", k.stream)
		}
		list = append(list, asked{key, k})
	}
	for len(list) > 0 {
		some := list[:min(len(list), a.opt.LockRows)]
		list = list[len(some):]
		err := a.view(ctx, query.Stale, frame.Position{}, func(v *query.View) error {
			for _, s := range some {
				value := ""
				if id, ok := v.Ledger.ID(s.key); ok {
					value, _ = v.Ledger.EpochValue(id, s.into.epoch)
				}
				epochs[s.into] = newName(s.key, s.into.epoch, value)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
