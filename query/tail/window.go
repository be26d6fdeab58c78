package tail

import (
	"context"
	"fmt"
	"slices"

	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
)

// window is the next frames in order of commits out of segments, as many as one may hold. Segments may overlap in any way: what counts is where
// their rows were committed.
type window struct {
	files *files
	enc   *query.FrameEncoder
	show  *query.Shown
	rows  int // at most

	upTo  segment.Commit // it holds every frame up to here
	lines []line         // in order of commits
	buf   []byte
	names map[epochKey]*name
}

// line is a frame as JSON in the window's buffer.
type line struct {
	at       segment.Commit
	from, to int
}

// read fills the window with the first rows of a span.
func (w *window) read(ctx context.Context, m *segment.Manifest, span segment.CommitSpan) error {
	w.files.take(m, span.After)
	if end := flushed(m); end.Before(span.UpTo) {
		span.UpTo = end
	}
	if err := w.choose(ctx, m, &span); err != nil {
		return err
	}
	if err := w.files.api.resolve(ctx, w.names); err != nil {
		return err
	}
	if err := w.fetch(ctx, m, &span); err != nil {
		return err
	}
	w.upTo = span.UpTo
	return w.sort()
}

// eachSegment calls fn with the segments that may have something of the span, which fn may make smaller, in order of their first index.
func eachSegment(m *segment.Manifest, span *segment.CommitSpan, fn func(*segment.Info) error) error {
	for i := range m.Segments() {
		info := &m.Segments()[i]
		if info.FirstIndex > span.UpTo.Index {
			break // so are all behind it
		}
		if span.After.Before(segment.EndOf(info.LastIndex)) {
			if err := fn(info); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkEvery is how many rows are looked at between two looks at the context.
const checkEvery = 1 << 12

// choose makes the span so small that it has no more rows than the window takes, and finds the epochs that they are of. Where a segment cannot be
// read, the span ends before it, so that the reader gets what comes first.
func (w *window) choose(ctx context.Context, m *segment.Manifest, span *segment.CommitSpan) error {
	p := picker{limit: w.rows, span: span, numbers: map[epochKey]uint32{}}
	err := eachSegment(m, span, func(info *segment.Info) error {
		defer p.cut()
		err := w.files.with(info.Name, func(r *segment.Reader, x *segment.CommitMap) (segment.Scanned, error) {
			n := 0
			done, err := x.Commits(r, span, func(c *segment.Committed) bool {
				p.add(c)
				n++
				return n%checkEvery != 0 || ctx.Err() == nil
			})
			if err == nil {
				err = ctx.Err()
			}
			return done, err
		})
		if before := segment.EndOf(info.FirstIndex - 1); err != nil && ctx.Err() == nil && info.FirstIndex > 0 && span.After.Before(before) {
			span.UpTo, err = before, nil
		}
		return err
	})
	w.names = p.epochs()
	return err
}

// fetch reads the rows of the span with their values. Where they are too large it makes the span smaller again.
func (w *window) fetch(ctx context.Context, m *segment.Manifest, span *segment.CommitSpan) error {
	var key []byte
	var of *name
	return eachSegment(m, span, func(info *segment.Info) error {
		return w.files.with(info.Name, func(r *segment.Reader, x *segment.CommitMap) (segment.Scanned, error) {
			var missed error
			done, err := x.Records(r, span, w.show.Columns(), func(k []byte, epoch uint32, rec *segment.Record) bool {
				if of == nil || of.shown.Epoch != epoch || &key[0] != &k[0] {
					key, of = k, w.names[epochKey{string(k), epoch}]
				}
				if of == nil {
					missed = fmt.Errorf("tail: segment %s has a frame at %v that it did not have before", info.Name, rec.Commit())
					return false
				}
				w.add(span, of, rec)
				return len(w.lines)%checkEvery != 0 || ctx.Err() == nil
			})
			if err == nil {
				err = missed
			}
			if err == nil {
				err = ctx.Err()
			}
			return done, err
		})
	})
}

// add encodes a row. Where the window has become too large, it lets the later half of its rows go: they are for the next one.
func (w *window) add(span *segment.CommitSpan, of *name, rec *segment.Record) {
	from := len(w.buf)
	w.buf = w.enc.Append(w.buf, &of.shown, rec)
	w.lines = append(w.lines, line{rec.Commit(), from, len(w.buf)})
	if len(w.buf) <= w.files.api.opt.CatchupBytes || len(w.lines) < 2 {
		return
	}
	slices.SortFunc(w.lines, line.compare)
	kept := w.lines[:len(w.lines)/2]
	buf := make([]byte, 0, len(w.buf)/2)
	for i := range kept {
		text := w.buf[kept[i].from:kept[i].to]
		kept[i].from = len(buf)
		buf = append(buf, text...)
		kept[i].to = len(buf)
	}
	w.buf, w.lines = buf, kept
	span.UpTo = kept[len(kept)-1].at
}

func (l line) compare(o line) int { return l.at.Compare(o.at) }

// sort brings the lines into order, and makes sure that no two are of one place.
func (w *window) sort() error {
	slices.SortFunc(w.lines, line.compare)
	for i := 1; i < len(w.lines); i++ {
		if w.lines[i].at == w.lines[i-1].at {
			return fmt.Errorf("tail: two frames were committed at %v: two segments hold it", w.lines[i].at)
		}
	}
	return nil
}
