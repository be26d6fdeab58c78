package compact

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/gaplessdb/gapless/segment"
)

// store is a model of a manifest whose segments are made of frames, each with a time and a count of how often it was written.
type store struct {
	index    uint64
	segments map[segment.Name]*modelSegment

	flushed, written int64 // bytes
	files            int   // made so far
}

type modelSegment struct {
	info   segment.Info
	frames []modelFrame
}

type modelFrame struct {
	ns     int64
	splits int // that it went through
	merges int
}

const (
	frameBytes  = 20
	headerBytes = 2000 // of an empty segment
)

func newStore() *store { return &store{segments: map[segment.Name]*modelSegment{}} }

// add makes a segment of frames.
func (s *store) add(frames []modelFrame, first, last uint64) *modelSegment {
	s.files++
	m := &modelSegment{frames: frames, info: segment.Info{
		Name: sha256.Sum256(binary.LittleEndian.AppendUint64(nil, uint64(s.files))), Bytes: int64(headerBytes + frameBytes*len(frames)),
		Frames: uint64(len(frames)), FirstIndex: first, LastIndex: last, FirstNS: frames[0].ns, LastNS: frames[0].ns,
	}}
	for _, f := range frames {
		m.info.FirstNS, m.info.LastNS = min(m.info.FirstNS, f.ns), max(m.info.LastNS, f.ns)
	}
	s.segments[m.info.Name] = m
	s.written += m.info.Bytes
	return m
}

// flush makes a segment of the frames of the next entries.
func (s *store) flush(times ...int64) {
	frames := make([]modelFrame, len(times))
	for i, ns := range times {
		frames[i].ns = ns
	}
	first := s.index + 1
	s.index += uint64(len(times))
	s.flushed += s.add(frames, first, s.index).info.Bytes
}

func (s *store) infos() []segment.Info {
	list := make([]segment.Info, 0, len(s.segments))
	for _, m := range s.segments {
		list = append(list, m.info)
	}
	slices.SortFunc(list, byIndex)
	return list
}

// merge carries out a proposal, as segment.Merge does, and returns what it made.
func (s *store) merge(p Proposal, policy Policy) (outputs []segment.Info) {
	windows := map[int64][]modelFrame{}
	for _, in := range p.Inputs {
		m := s.segments[in.Name]
		first, last := windowsOf(&in, policy.WindowNS)
		for _, f := range m.frames {
			if first != last {
				f.splits++
			} else {
				f.merges++
			}
			w := segment.Window(f.ns, p.WindowNS)
			windows[w] = append(windows[w], f)
		}
		delete(s.segments, in.Name)
	}
	e := extentOf(p.Inputs)
	for _, w := range slices.Sorted(maps.Keys(windows)) {
		outputs = append(outputs, s.add(windows[w], e.firstIndex, e.lastIndex).info)
	}
	return outputs
}

func (s *store) bytes() (n int64) {
	for _, m := range s.segments {
		n += m.info.Bytes
	}
	return n
}

func (s *store) frames() (n int) {
	for _, m := range s.segments {
		n += len(m.frames)
	}
	return n
}

func never(segment.Name) bool { return false }

// times draws n times in the second before now, some of which come late by up to an hour, few by much more.
func times(rng *rand.Rand, n int, now int64, latePerMille int) []int64 {
	list := make([]int64, n)
	for i := range list {
		list[i] = now - rng.Int64N(1e9)
		if rng.IntN(1000) < latePerMille {
			list[i] -= rng.Int64N(3600e9)
		}
	}
	return list
}
