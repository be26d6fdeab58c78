package segment

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/gaplessdb/gapless/vfs"
)

// MaxOutputs is how many segments one merge makes at most, and so how many it writes side by side. Where its inputs have frames of more
// windows, the MaxOutputs-1 windows with the most frames get a segment each, and the frames of all others go into one more, the rest.
const MaxOutputs = 16

// MergeOptions are the settings of a Merge.
type MergeOptions struct {
	Options        // cluster, partition and history must be those of every input; the indexes are not looked at
	WindowNS int64 // width of the time windows; 0: all times are one window

	Progress func(done, total int64) // called for each block that is read, with the bytes of those so far and of all; may be nil

	// Limit is called before n bytes are written, and with 0 between two blocks. It may wait; an error ends the merge. May be nil.
	Limit func(n int) error
}

// Output is a segment that a Merge made.
type Output struct {
	Info   Info
	Window int64 // all its frames are in this one, see Window; those of the rest in this and later ones
	Rest   bool  // it has the frames of all windows without an output of their own

	Copied       uint64 // frames whose blocks were copied as they are
	CopiedBlocks uint32
}

// Merge writes the frames of the inputs into one segment for each time window, the window of a frame being that of its FiledNS. Every frame
// of the inputs is in one output once, bit for bit: its values, times, class, flags, seal and position. Outputs are ordered by window, the rest
// last. Each has the bounds of all inputs' Raft indexes, whichever of their frames it got. When Merge returns nil, all of them are durable in
// dir, which exists, and were read back, as after a Write; only one merge of the same inputs may run in a directory at a time. After an error a
// whole file may be left, which nothing lists.
//
// A block is copied as it is where that loses nothing: it has rows of one epoch and one window, no other input has a row between them, and it is
// about full, or nothing before it or behind it could be put together with it. The rest is decoded and encoded into full blocks. Memory holds
// one block of each input, and one block and the device index of each output. Equal inputs in the same order and equal options make equal files.
//
// A frame that two inputs have is ErrTwice. Damage of an input is a *CorruptError. An input in which a later version may have put something
// that this program does not know is ErrVersion, also where readers may skip that.
func Merge(fs vfs.FS, dir string, opt MergeOptions, inputs []*Reader) ([]Output, error) {
	m := &merger{fs: fs, dir: dir, opt: opt}
	err := m.prepare(inputs)
	if err == nil {
		err = m.run()
	}
	if err == nil {
		err = m.finish(inputs)
	}
	list := make([]Output, len(m.outputs))
	for i, o := range m.outputs {
		list[i] = o.made
		if err != nil {
			err = errors.Join(err, o.temp.discard())
		}
	}
	if err != nil {
		return nil, err
	}
	return list, nil
}

// merger is one merge.
type merger struct {
	fs  vfs.FS
	dir string
	opt MergeOptions

	temp    string // what names of unfinished files begin with
	in      *epochMerge
	windows *windows
	outputs []*mergeOutput
}

// prepare fills in the options and finds out which windows there are.
func (m *merger) prepare(inputs []*Reader) (err error) {
	opt := &m.opt
	if len(inputs) == 0 {
		return ErrEmpty
	}
	if opt.WindowNS < 0 {
		return fmt.Errorf("segment: a window of %d ns", opt.WindowNS)
	}
	if opt.Limit == nil {
		opt.Limit = func(int) error { return nil }
	}
	if opt.Options, err = mergedOptions(inputs, opt.Options); err != nil {
		return err
	}
	sum := sha256.New()
	for _, r := range inputs {
		sum.Write(r.opt.Name[:])
	}
	m.temp = hex.EncodeToString(sum.Sum(nil)[:8]) // two merges may run side by side, also with equal bounds of indexes
	if m.windows, err = chooseWindows(inputs, opt.WindowNS, opt.Limit); err != nil {
		return err
	}
	m.in, err = newEpochMerge(inputs, m.reading(inputs))
	return err
}

// mergedOptions is what a merge of the inputs is about: all of them must be of the same, and of a version that this program knows whole.
func mergedOptions(inputs []*Reader, opt Options) (Options, error) {
	opt.FirstIndex, opt.LastIndex = inputs[0].Options().FirstIndex, inputs[0].Options().LastIndex
	for _, r := range inputs {
		if h := &r.footer.header; h.minor > minorVersion || h.compatible != 0 { // readers skip what it adds, and a merge would lose it
			return opt, fmt.Errorf("%w: %s is of version %d.%d with features %#x: upgrade this program",
				ErrVersion, r.opt.Name, majorVersion, h.minor, h.compatible)
		}
		o := r.Options()
		opt.FirstIndex, opt.LastIndex = min(opt.FirstIndex, o.FirstIndex), max(opt.LastIndex, o.LastIndex)
		o.FirstIndex, o.LastIndex = opt.FirstIndex, opt.LastIndex
		if o != opt {
			return opt, fmt.Errorf("segment: %s is of %q, partition %d, history %d; the merge is of %q, %d, %d",
				r.opt.Name, o.Cluster, o.Partition, o.History, opt.Cluster, opt.Partition, opt.History)
		}
	}
	return opt, nil
}

// reading is called before a block is read.
func (m *merger) reading(inputs []*Reader) func(n int) error {
	done, total := int64(0), int64(0)
	for _, r := range inputs {
		total += r.footer.body.length
	}
	return func(n int) error {
		if done += int64(n); m.opt.Progress != nil {
			m.opt.Progress(done, total)
		}
		return m.opt.Limit(0)
	}
}

// run writes all rows.
func (m *merger) run() error {
	for {
		if more, err := m.in.next(); err != nil || !more {
			return err
		}
		for {
			c, rival, alone, err := m.in.lowest()
			if err != nil {
				return err
			}
			if c == nil {
				break
			}
			if err := m.step(c, rival, alone); err != nil {
				return err
			}
		}
	}
}

// step writes the rows of a segment that come next.
func (m *merger) step(c *epochCursor, rival uint64, alone bool) error {
	if copied, err := m.copyBlock(c, rival, alone); copied || err != nil {
		return err
	}
	ref := &c.refs[0]
	if err := c.begin(); err != nil {
		return err
	}
	to := c.before(rival, alone)
	narrow := Window(ref.minNS, m.opt.WindowNS) == Window(ref.maxNS, m.opt.WindowNS)
	for from := c.row; from < to; {
		window, rest := m.windows.of(c.block.rows.filed(from))
		end := to
		if !narrow {
			end = m.same(c.block, window, rest, from+1, to)
		}
		o, err := m.output(window, rest)
		if err != nil {
			return err
		}
		o.begin(m.in.key, m.in.ordinal)
		if err := o.w.addStretch(c.block, from, end); err != nil {
			return err
		}
		from = end
	}
	c.take(to)
	return nil
}

// same is how far the rows from..to go into the same output.
func (m *merger) same(b *sourceBlock, window int64, rest bool, from, to int) int {
	for ; from < to; from++ {
		if w, r := m.windows.of(b.rows.filed(from)); r != rest || !rest && w != window {
			break
		}
	}
	return from
}

// finish makes all outputs durable, and then gives them their names.
func (m *merger) finish(inputs []*Reader) error {
	var got, want uint64
	for _, r := range inputs {
		want += r.footer.frames
	}
	for _, o := range m.outputs {
		if err := o.finish(m.opt.WindowNS); err != nil {
			return err
		}
		got += o.made.Info.Frames
	}
	if got != want {
		return fmt.Errorf("segment: the merge has %d frames, its inputs have %d", got, want)
	}
	slices.SortFunc(m.outputs, func(a, b *mergeOutput) int {
		switch {
		case a.made.Rest:
			return 1
		case b.made.Rest:
			return -1
		}
		return cmp.Compare(a.made.Window, b.made.Window)
	})
	for _, o := range m.outputs {
		if err := nameTemp(m.fs, o.temp.path, m.dir, o.made.Info.Name); err != nil {
			return err
		}
	}
	return nil
}
