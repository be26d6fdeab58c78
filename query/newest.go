package query

import (
	"context"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// Newest gives the frames of the newest epoch of a stream to fn, the newest first, until fn returns false: those of the state that the leader holds now, up to
// the limits of one question. It is for the node's own routes, which read what the store says of itself; a stream of which nothing is known has no frames. The
// frame and what it refers to are good until fn returns.
func (a *API) Newest(ctx context.Context, key frame.StreamKey, fn func(*frame.Frame) bool) error {
	ctx, cancel := context.WithTimeout(ctx, a.opt.Deadline)
	defer cancel()
	n := newestFirst{g: reading{ctx: ctx, opener: a.opener, maxBlocks: a.opt.MaxReadBlocks, maxBytes: a.opt.MaxReadBytes}, more: true}
	defer n.g.release()
	for consistency := Leader; n.more; consistency = Stale {
		err := a.source.View(ctx, consistency, n.asOf, func(v *View) error {
			n.capture(v, key, a.opt.LockRows)
			return nil
		})
		if err == nil {
			err = n.each(fn)
		}
		if err != nil {
			return timeoutError(err, a.opt.Deadline)
		}
	}
	return nil
}

// newestFirst reads one epoch backwards. Where the head has more rows than one look may copy, another look takes the next of them: they may have moved into a
// layer meanwhile, and rows that were stored meanwhile have numbers that are done.
type newestFirst struct {
	g      reading
	asOf   frame.Position
	t      target
	next   uint64        // numbers from here on are done
	rows   []segment.Row // of the newest head, descending
	layers *layers       // nil: there are no frames
	more   bool          // the head has rows below those
}

// capture takes what can be read only under the lock: at most so many rows.
func (n *newestFirst) capture(v *View, key frame.StreamKey, limit int) {
	if n.more = false; n.layers == nil {
		id, _ := v.Ledger.ID(key)
		ordinal, top, ok := v.Ledger.HighestStored(id)
		if !ok {
			return
		}
		n.t, n.next = targetOf(v, id, key, ordinal), top+1
	}
	n.asOf, n.layers, n.rows = v.AsOf.position(), n.g.capture(v), n.rows[:0]
	for at := n.next; ; {
		row, ok := v.Head.Before(n.t.id, n.t.key.ordinal, at)
		if n.more = ok && len(n.rows) == limit; !ok || n.more {
			return
		}
		n.rows, at = append(n.rows, row), row.Seq
	}
}

// each goes from number to number, wherever the next lower one lies, as far as the look at the state reaches.
func (n *newestFirst) each(fn func(*frame.Frame) bool) error {
	if n.layers == nil {
		return nil
	}
	list, err := n.layers.of(&n.t)
	if err != nil {
		return err
	}
	for {
		rec, found, err := n.step(list)
		if err != nil || !found {
			return err
		}
		f := frame.Frame{Fields: rec.Fields, Raw: rec.Raw}
		if rec.Body.Size() > 0 { // of a head
			rec.Body.Decode(&f)
		}
		f.Seq, f.TimeNS, f.Class, f.NoTime = rec.Seq, rec.TimeNS, rec.Class, rec.Flags&segment.FlagNoTime != 0
		if n.next = rec.Seq; !fn(&f) {
			n.more = false
			return nil
		}
	}
}

// step reads the row with the highest number that is not done.
func (n *newestFirst) step(list []layer) (rec segment.Record, found bool, err error) {
	var best uint64
	var holder layer
	for _, l := range list {
		if seq, ok := l.below(n.next); ok && (holder == nil || seq > best) {
			best, holder = seq, l
		}
	}
	for len(n.rows) > 0 && n.rows[0].Seq >= n.next {
		n.rows = n.rows[1:]
	}
	switch {
	case len(n.rows) > 0 && (holder == nil || n.rows[0].Seq > best):
		rec.Row = n.rows[0]
		return rec, true, n.g.ready()
	case holder == nil || len(n.rows) == 0 && n.more: // the head may have the next one
		return rec, false, nil
	}
	if err := n.g.ready(); err != nil {
		return rec, false, err
	}
	found, err = readRow(holder, best, &rec)
	return rec, found, err
}
