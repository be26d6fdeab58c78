package query

import (
	"context"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// Ascending gives the frames first to first+limit-1 of the newest epoch of a stream to fn, ascending, as far as this node holds them without a gap: it ends
// before the first one that is not stored. It is for the node's own records, which have no gaps and are numbered as they were committed: segments of
// Raft indexes below that of the first one are not opened. The frame and what it refers to are good until fn returns.
func (a *API) Ascending(ctx context.Context, key frame.StreamKey, first uint64, limit int, fn func(*frame.Frame) error) error {
	ctx, cancel := context.WithTimeout(ctx, a.opt.Deadline)
	defer cancel()
	n := consecutive{first: first, rows: make([]segment.Record, limit), here: make([]bool, limit), missing: limit}
	g := reading{ctx: ctx, opener: a.opener, maxBlocks: a.opt.MaxReadBlocks, maxBytes: a.opt.MaxReadBytes}
	defer g.release()
	var t target
	var below *layers // nil: there are no frames
	err := a.source.View(ctx, Stale, frame.Position{}, func(v *View) error {
		id, _ := v.Ledger.ID(key)
		ordinal, _, ok := v.Ledger.HighestStored(id)
		if !ok {
			return nil
		}
		t, below = targetOf(v, id, key, ordinal), g.capture(v)
		_, _, _ = v.Head.Scan(id, ordinal, n.span(), func(row *segment.Row) bool { return n.take(&segment.Record{Row: *row}) })
		return nil
	})
	if err == nil && below != nil && n.missing > 0 {
		err = below.each(&t, n.wants, func(l layer) (bool, error) {
			if f, ok := l.(*fileLayer); ok && f.epoch.FirstSeq <= n.first {
				n.from = max(n.from, f.reader.Info().FirstIndex)
			}
			_, err := l.scan(n.span(), segment.Columns{All: true}, n.take)
			return true, err
		})
	}
	if err == nil {
		err = n.each(fn)
	}
	return timeoutError(err, a.opt.Deadline)
}

// consecutive collects the rows of consecutive numbers, wherever they lie.
type consecutive struct {
	first   uint64
	rows    []segment.Record
	here    []bool
	missing int
	from    uint64 // Raft index below which there are only lower numbers
}

// wants reports whether a segment may have some of them.
func (n *consecutive) wants(info *segment.Info) bool { return info.LastIndex >= n.from }

func (n *consecutive) span() segment.Span {
	span := segment.All()
	span.FirstSeq, span.LastSeq = n.first, n.first+uint64(len(n.rows))-1
	return span
}

func (n *consecutive) take(rec *segment.Record) bool {
	i := rec.Seq - n.first
	n.rows[i], n.here[i] = *rec, true
	n.missing--
	n.rows[i].Fields = append([]frame.Field(nil), rec.Fields...)
	return true
}

func (n *consecutive) each(fn func(*frame.Frame) error) error {
	for i := range n.rows {
		if !n.here[i] {
			return nil
		}
		rec := &n.rows[i]
		f := frame.Frame{Fields: rec.Fields, Raw: rec.Raw}
		if rec.Body.Size() > 0 { // of a head
			rec.Body.Decode(&f)
		}
		f.Seq, f.TimeNS, f.Class, f.NoTime = rec.Seq, rec.TimeNS, rec.Class, rec.Flags&segment.FlagNoTime != 0
		if err := fn(&f); err != nil {
			return err
		}
	}
	return nil
}
