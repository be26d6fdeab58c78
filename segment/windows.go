package segment

import (
	"cmp"
	"maps"
	"slices"

	"github.com/gaplessdb/gapless/frame"
)

// Window is the number of the window that a time lies in: windows are width wide, in nanoseconds, and one begins at the Unix epoch. A width
// of 0 makes one window of all times.
func Window(ns, width int64) int64 {
	if width <= 0 {
		return 0
	}
	w := ns / width
	if ns%width < 0 {
		w--
	}
	return w
}

// windows says which windows have an output of their own.
type windows struct {
	width int64
	own   map[int64]bool // nil: all of them
}

// of is the window of a time, and whether that is one of the rest.
func (w *windows) of(ns int64) (window int64, rest bool) {
	window = Window(ns, w.width)
	return window, w.own != nil && !w.own[window]
}

// countedWindows bounds how many windows are counted at the same time. Where there are more, the half with the most frames stays: a clock
// that shows random times has a window for each frame, and all of them end in the rest.
const countedWindows = 1 << 14

// chooseWindows finds out which windows the frames of the segments lie in. Mostly the index tells that there are few. Where it does not, frames
// are counted, for which the times of those blocks are read that reach over more than one window.
func chooseWindows(inputs []*Reader, width int64, before func(n int) error) (*windows, error) {
	w := &windows{width: width}
	c := windowCount{width: width, frames: map[int64]uint64{}}
	many := false
	err := eachBlock(inputs, func(r *Reader, ref *blockRef) error {
		first, last := Window(ref.minNS, width), Window(ref.maxNS, width)
		if many = many || uint64(last-first) >= MaxOutputs; many {
			return nil
		}
		for n := range last - first + 1 {
			c.frames[first+n] = 0
		}
		many = len(c.frames) > MaxOutputs
		return nil
	})
	if err != nil || !many {
		return w, err
	}
	clear(c.frames)
	err = eachBlock(inputs, func(r *Reader, ref *blockRef) error {
		if err := before(0); err != nil {
			return err
		}
		return c.add(r, ref)
	})
	if err != nil {
		return nil, err
	}
	if len(c.frames) > MaxOutputs { // also where some were dropped
		c.keep(MaxOutputs - 1)
		w.own = map[int64]bool{}
		for window := range c.frames {
			w.own[window] = true
		}
	}
	return w, nil
}

func eachBlock(inputs []*Reader, fn func(r *Reader, ref *blockRef) error) error {
	for _, r := range inputs {
		err := r.Each(func(_ frame.StreamKey, e *Epoch) error {
			for i := range e.refs {
				if err := fn(r, &e.refs[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// windowCount counts frames by window.
type windowCount struct {
	width  int64
	frames map[int64]uint64
}

func (c *windowCount) add(r *Reader, ref *blockRef) error {
	if w := Window(ref.minNS, c.width); w == Window(ref.maxNS, c.width) {
		c.count(w, uint64(ref.rows))
		return nil
	}
	return r.eachFiled(ref, func(rows *blockRows, from, to int) {
		for row := from; row < to; row++ {
			c.count(Window(rows.filed(row), c.width), 1)
		}
	})
}

func (c *windowCount) count(window int64, frames uint64) {
	if c.frames[window] += frames; len(c.frames) > countedWindows {
		c.keep(countedWindows / 2)
	}
}

// keep forgets all but the n windows with the most frames; of equal ones the earlier stay.
func (c *windowCount) keep(n int) {
	list := slices.SortedFunc(maps.Keys(c.frames), func(a, b int64) int {
		return cmp.Or(cmp.Compare(c.frames[b], c.frames[a]), cmp.Compare(a, b))
	})
	for _, w := range list[min(n, len(list)):] {
		delete(c.frames, w)
	}
}
