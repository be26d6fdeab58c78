package compact

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/gaplessdb/gapless/segment"
)

// Proposal is segments that are to be merged, and the width of the windows that the result is cut into.
type Proposal struct {
	WindowNS int64
	Inputs   []segment.Info
}

// Plans proposes what to merge of a manifest's segments: splits of what straddles windows first, then merges inside windows, the oldest
// first. What is busy is left alone. No segment is in two proposals. It is a function of its arguments, whatever the order of segments.
func Plans(segments []segment.Info, busy func(segment.Name) bool, p Policy) []Proposal {
	if p.Off {
		return nil
	}
	p = p.WithDefaults()
	sorted := slices.Clone(segments)
	slices.SortFunc(sorted, byIndex)
	newest := uint64(0)
	straddling := map[int][]segment.Info{} // by level
	inside := map[int64][]segment.Info{}   // by window
	for _, s := range sorted {
		newest = max(newest, s.LastIndex)
		if busy(s.Name) {
			continue
		}
		if first, last := windowsOf(&s, p.WindowNS); first != last {
			level := levelOf(&s, p.WindowNS)
			straddling[level] = append(straddling[level], s)
		} else {
			inside[first] = append(inside[first], s)
		}
	}
	var all []Proposal
	for level := bits.Len64(math.MaxInt64); level >= 0; level-- {
		all = append(all, splits(straddling[level], widthOf(level, p.WindowNS), newest, p)...)
	}
	for _, window := range sortedKeys(inside) {
		all = append(all, merges(inside[window], p)...)
	}
	return all
}

func byIndex(a, b segment.Info) int {
	return cmp.Or(cmp.Compare(a.FirstIndex, b.FirstIndex), cmp.Compare(a.LastIndex, b.LastIndex), slices.Compare(a.Name[:], b.Name[:]))
}

// windowsOf is the first and the last window that a segment's times lie in.
func windowsOf(s *segment.Info, width int64) (first, last int64) {
	return segment.Window(s.FirstNS, width), segment.Window(s.LastNS, width)
}

// widthOf is the width of the windows of a level: each level's are twice as wide as those of the one below.
func widthOf(level int, width int64) int64 {
	if level >= bits.LeadingZeros64(uint64(width))-1 {
		return math.MaxInt64 // all of time, as two windows
	}
	return width << level
}

// levelOf is the lowest level at which a segment lies in so few windows that one merge can part them all. What comes of such a split is of a
// lower level, so a segment that covers years is parted in a few steps, and none of them makes files beyond number.
func levelOf(s *segment.Info, width int64) int {
	level := 0
	for {
		if first, last := windowsOf(s, widthOf(level, width)); last-first < segment.MaxOutputs {
			return level
		}
		level++
	}
}

// splits proposes to part straddling segments of one level, those that came first together, as soon as there are enough of them, or have waited enough.
func splits(list []segment.Info, width int64, newest uint64, p Policy) (all []Proposal) {
	for len(list) > 0 {
		batch, rest := gather(list, width, p)
		if batch.full || len(batch.inputs) >= p.FanIn || waited(&batch.inputs[0], newest, p) {
			all = append(all, Proposal{WindowNS: width, Inputs: batch.inputs})
		}
		list = rest
	}
	return all
}

// waited reports whether so many log entries came behind a segment that waiting for company gains little. It is told by indexes, because a
// plan is not to depend on a clock.
func waited(s *segment.Info, newest uint64, p Policy) bool {
	span := s.LastIndex - s.FirstIndex + 1
	return (newest-s.LastIndex)/uint64(p.FanIn) >= span
}

// batch is straddling segments that are parted together.
type batch struct {
	inputs []segment.Info
	full   bool // one more of their size has no place
}

// gather takes segments as they come, as long as they fit into one merge, and at least the first.
func gather(list []segment.Info, width int64, p Policy) (b batch, rest []segment.Info) {
	windows := map[int64]bool{}
	size := int64(0)
	for i := range list {
		s := &list[i]
		first, last := windowsOf(s, width)
		more := 0
		for w := first; w <= last; w++ {
			if !windows[w] {
				more++
			}
		}
		tooMany := len(windows)+more > segment.MaxOutputs || len(b.inputs) == maxInputs
		if len(b.inputs) > 0 && (tooMany || s.Bytes > p.MaxBytes-size) {
			rest = append(rest, *s)
			continue
		}
		for w := first; w <= last; w++ {
			windows[w] = true
		}
		b.inputs = append(b.inputs, *s)
		size += min(s.Bytes, p.MaxBytes)
	}
	b.full = len(b.inputs) == maxInputs || size > p.MaxBytes/2
	return b, rest
}

// merges proposes to merge segments of one window, the smallest first.
func merges(list []segment.Info, p Policy) (all []Proposal) {
	list = slices.DeleteFunc(slices.Clone(list), func(s segment.Info) bool { return s.Bytes > p.MaxBytes/2 })
	slices.SortFunc(list, func(a, b segment.Info) int { return cmp.Or(cmp.Compare(a.Frames, b.Frames), byIndex(a, b)) })
	for {
		n := longest(list, p)
		if n == 0 {
			return all
		}
		inputs := slices.Clone(list[:n])
		slices.SortFunc(inputs, byIndex)
		all = append(all, Proposal{WindowNS: p.WindowNS, Inputs: inputs})
		list = list[n:]
	}
}

// longest is how many of the smallest segments are worth a merge: enough of them, and Growth times as many frames together as the largest of
// them has, so that what is written again and again has grown by that each time. 0: none.
func longest(list []segment.Info, p Policy) (n int) {
	size, frames := int64(0), uint64(0)
	for i := range list[:min(len(list), maxInputs)] {
		s := &list[i]
		if s.Bytes > p.MaxBytes-size {
			break
		}
		size += s.Bytes
		frames += s.Frames
		if i+1 >= p.FanIn && frames/uint64(p.Growth()) >= s.Frames {
			n = i + 1
		}
	}
	return n
}
