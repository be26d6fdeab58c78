package segment

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment/column"
)

// Compare makes sure that the outputs hold exactly the frames of the inputs: each of them once, with the same values, times, class, flags, seal
// and position, each in the output of its window as Merge says, and nothing more; and that what the outputs say of themselves (header, index,
// statistics, counts) is true of these frames. Anything else is a *MismatchError that names the first place; a frame that two files of a side
// have is ErrTwice, and damage a *CorruptError.
//
// Both sides are decoded and compared row by row, but for blocks that the outputs have byte for byte from an input, with the same entry in the index:
// whoever reads them gets what the input gives. before, which may be nil, is called before so many bytes are read; its error ends the comparison.
// The files' hashes, and what no index leads to, are not looked at: Verify does that.
func Compare(outputs, inputs []*Reader, windowNS int64, before func(n int) error) error {
	if before == nil {
		before = func(int) error { return nil }
	}
	if len(inputs) == 0 || len(outputs) == 0 {
		return ErrEmpty
	}
	c := &comparer{width: windowNS}
	if err := c.headers(outputs, inputs); err != nil {
		return err
	}
	var err error
	if c.in, err = newEpochMerge(inputs, before); err != nil {
		return err
	}
	if c.out, err = newEpochMerge(outputs, before); err != nil {
		return err
	}
	for {
		if more, err := c.epoch(); err != nil {
			return err
		} else if !more {
			return c.totals()
		}
	}
}

// comparer goes through both sides at the same pace.
type comparer struct {
	width   int64
	in, out *epochMerge
	rest    []bool // of each output: it has several windows
	own     map[int64]bool
	found   []outputFound
	room    []column.Float // scratch
}

// outputFound is what was found in an output.
type outputFound struct {
	frames       uint64
	epochs       uint32
	minNS, maxNS int64
	checked      uint32       // serial of the block whose statistics were compared last
	runs         []ledger.Run // of the epoch at hand
}

// headers compares what the files are about, and finds out which window each output has.
func (c *comparer) headers(outputs, inputs []*Reader) error {
	about, err := mergedOptions(inputs, inputs[0].Options())
	if err != nil {
		return err
	}
	c.own = map[int64]bool{}
	for _, r := range outputs {
		if o := r.Options(); o != about {
			return mismatch("header", fmt.Sprintf("%+v", about), fmt.Sprintf("%+v", o))
		}
		f := r.footer
		window := Window(f.minNS, c.width)
		rest := window != Window(f.maxNS, c.width)
		if rest && (len(outputs) != MaxOutputs || slices.Contains(c.rest, true)) || !rest && c.own[window] {
			return mismatch("window", "a segment for each window",
				fmt.Sprintf("%s with times from %d to %d as one of %d", r.opt.Name, f.minNS, f.maxNS, len(outputs)))
		}
		if !rest {
			c.own[window] = true
		}
		c.rest = append(c.rest, rest)
		c.found = append(c.found, outputFound{minNS: math.MaxInt64, maxNS: math.MinInt64})
	}
	return nil
}

// epoch compares the next epoch. It is false behind the last one.
func (c *comparer) epoch() (bool, error) {
	want, err := c.in.next()
	if err != nil {
		return false, err
	}
	got, err := c.out.next()
	if err != nil || !want && !got {
		return false, err
	}
	if !want || !got || c.in.ordinal != c.out.ordinal || !bytes.Equal(c.in.key, c.out.key) {
		return false, c.wrongEpoch(want, got)
	}
	all := slices.Clone(c.out.ahead)
	for {
		if more, err := c.step(); err != nil {
			return false, err
		} else if !more {
			break
		}
	}
	for _, o := range all {
		f := &c.found[o.src.number]
		if f.epochs++; !slices.Equal(f.runs, o.runs) {
			return false, c.differs(f.runs[0].First, "coverage", f.runs, o.runs)
		}
		f.runs = f.runs[:0]
	}
	return true, nil
}

// wrongEpoch is the error about an epoch that only one side has.
func (c *comparer) wrongEpoch(want, got bool) error {
	extra := !want || got && cmp.Or(bytes.Compare(c.out.key, c.in.key), cmp.Compare(c.out.ordinal, c.in.ordinal)) < 0
	side := c.in
	if extra {
		side = c.out
	}
	low, _, _, err := side.lowest()
	if err != nil {
		return err
	}
	return c.wrongRow(side, low.seq(), extra)
}

// wrongRow is the error about a row that only one side has.
func (c *comparer) wrongRow(side *epochMerge, seq uint64, extra bool) error {
	e := &MismatchError{Key: parseKey(side.key), Epoch: side.ordinal, Seq: seq, Column: "frame", Want: "one", Got: "none"}
	if extra {
		e.Want, e.Got = e.Got, e.Want
	}
	return e
}

// differs is the error about a row that both sides have.
func (c *comparer) differs(seq uint64, column string, want, got any) error {
	return &MismatchError{Key: parseKey(c.out.key), Epoch: c.out.ordinal, Seq: seq, Column: column, Want: fmt.Sprint(want), Got: fmt.Sprint(got)}
}

// step compares the rows that come next, as far as they lie in one block of each side.
func (c *comparer) step() (bool, error) {
	want, wantRival, wantAlone, err := c.in.lowest()
	if err != nil {
		return false, err
	}
	got, gotRival, gotAlone, err := c.out.lowest()
	if err != nil || want == nil && got == nil {
		return false, err
	}
	if got == nil || want != nil && want.seq() < got.seq() {
		return false, c.wrongRow(c.in, want.seq(), false)
	}
	if want == nil || want.seq() > got.seq() {
		return false, c.wrongRow(c.out, got.seq(), true)
	}
	if (wantAlone || want.refs[0].lastSeq < wantRival) && (gotAlone || got.refs[0].lastSeq < gotRival) {
		if same, err := c.sameBlock(want, got); same || err != nil {
			return same, err
		}
	}
	if err := want.begin(); err != nil {
		return false, err
	}
	if err := c.begin(got); err != nil {
		return false, err
	}
	n := min(want.before(wantRival, wantAlone)-want.row, got.before(gotRival, gotAlone)-got.row)
	return true, c.rows(want, got, n)
}

// totals compares the outputs' footers with what was found.
func (c *comparer) totals() error {
	for i, s := range c.out.sources {
		f, found := s.r.footer, &c.found[i]
		if f.frames != found.frames || f.epochs != found.epochs || f.blocks != s.blocks || f.minNS != found.minNS || f.maxNS != found.maxNS {
			return mismatch("footer of "+s.r.opt.Name.String(),
				fmt.Sprintf("%d frames, %d epochs, %d blocks, times %d to %d", found.frames, found.epochs, s.blocks, found.minNS, found.maxNS),
				fmt.Sprintf("%d, %d, %d, %d to %d", f.frames, f.epochs, f.blocks, f.minNS, f.maxNS))
		}
	}
	return nil
}
