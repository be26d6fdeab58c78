package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// reader turns a file into batches. What it makes depends on nothing but the file, the mapping and sizes.
type reader struct {
	file  *file
	conv  *converter
	size  int // frames of a batch, at most
	lanes [lanes]laneBuilder
	pace  pacer

	skipBad bool
	check   func(*item) error  // may end the run before a frame is taken; nil for nobody
	seen    func(*item)        // is shown every frame that was taken; nil for nobody
	emit    func(*batch) error // takes every batch

	counts   Counts   // of rows only
	problems []BadRow // the first ones
	devices  []string // in the order of the file
	known    map[string]bool
}

func newReader(f *file, o *Options) (*reader, error) {
	conv, err := newConverter(&o.Mapping, f.strict())
	if err != nil {
		return nil, err
	}
	if c, ok := f.rows.(*csvRows); ok { // before its first row, which may be a bad one for the same reason
		if err := conv.bind(c.shape); err != nil {
			return nil, err
		}
	}
	r := &reader{file: f, conv: conv, size: o.batchSize(), skipBad: o.SkipBad, known: map[string]bool{}, pace: pacer{rate: o.Rate, speed: o.Speed}}
	for i := range r.lanes {
		r.lanes[i].lane = i
	}
	return r, nil
}

// all reads the file to its end, or until ctx ends.
func (r *reader) all(ctx context.Context) error {
	for {
		err := r.next()
		var bad *BadRow
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return r.flush()
		case errors.As(err, &bad):
			if err := r.bad(bad); err != nil {
				return err
			}
		default:
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// next takes one row.
func (r *reader) next() error {
	row, err := r.file.next()
	var bad *BadRow
	switch {
	case errors.As(err, &bad), errors.Is(err, io.EOF):
		return err
	case err != nil:
		return fmt.Errorf("replay: %s: %w", r.file.name, err)
	}
	what, err := r.conv.convert(row)
	switch {
	case err != nil:
		return err
	case what == filtered:
		r.counts.Rows++
		r.counts.Filtered++
		return nil
	case what == skipped:
		r.counts.Rows++
		r.counts.Skipped++
		return nil
	}
	return r.take(&r.conv.item)
}

// take puts a frame into its lane's batch.
func (r *reader) take(it *item) error {
	if r.check != nil {
		if err := r.check(it); err != nil {
			return err
		}
	}
	if window, later := r.pace.windowOf(it); later {
		if err := r.flush(); err != nil {
			return err
		}
		r.pace.window = window
	}
	lane := &r.lanes[laneOf(it.device)]
	full, err := lane.add(it)
	if full {
		if err := r.finish(lane); err != nil {
			return err
		}
		_, err = lane.add(it)
	}
	if err != nil {
		return err
	}
	if err := r.note(it); err != nil {
		return err
	}
	r.counts.Rows++
	r.counts.Frames++
	if len(lane.lines) >= r.size {
		return r.finish(lane)
	}
	return nil
}

// note remembers the device.
func (r *reader) note(it *item) error {
	if !r.known[it.device] {
		if len(r.devices) >= maxDevices {
			return fmt.Errorf("line %d: more than %d devices in one file: split it", it.line, maxDevices)
		}
		r.known[it.device] = true
		r.devices = append(r.devices, it.device)
	}
	if r.seen != nil {
		r.seen(it)
	}
	return nil
}

// bad counts a row that is left out, or ends the run.
func (r *reader) bad(row *BadRow) error {
	r.counts.Rows++
	r.counts.Bad++
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, *row)
	}
	if r.skipBad {
		return nil
	}
	return fmt.Errorf("replay: %s: %w", r.file.name, row)
}

// flush ends the batches of all lanes.
func (r *reader) flush() error {
	for i := range r.lanes {
		if err := r.finish(&r.lanes[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) finish(lane *laneBuilder) error {
	b, err := lane.take()
	if b == nil || err != nil {
		return err
	}
	b.at = r.file.from.n
	return r.emit(b)
}
