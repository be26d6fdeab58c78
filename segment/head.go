package segment

import (
	"maps"
	"math"
	"slices"
	"sort"
	"unsafe"

	"github.com/gaplessdb/gapless/frame"
)

const (
	streamBytes = int64(unsafe.Sizeof(stream{})) + 16 // and its place in the map
	epochBytes  = int64(unsafe.Sizeof(epoch{}))
)

// Head holds the frames that are applied and not yet in a segment. See the package comment for who may call it when.
type Head struct {
	streams map[frame.StreamID]*stream
	frames  int
	bytes   int64
	came    arrivals

	// The stream of the last Append: frames come grouped, so that most appends look up nothing. Writer only.
	lastID frame.StreamID
	last   *stream
}

// stream holds the epochs of one stream that have rows, ascending by ordinal.
type stream struct {
	epochs []epoch
	frames int
}

// NewHead returns an empty head.
func NewHead() *Head { return &Head{streams: map[frame.StreamID]*stream{}} }

// Append adds one frame of the stream's epoch and keeps the order by seq. It returns false, and changes nothing, when the epoch has a
// row of that number: the first one is kept. In order it costs O(1), late O(log rows + 256). Rows come in the order in which they were committed.
func (h *Head) Append(id frame.StreamID, ordinal uint32, row Row) bool {
	s := h.last
	if s == nil || h.lastID != id {
		s = h.stream(id)
		h.last, h.lastID = s, id
	}
	e := h.epoch(s, ordinal)
	grown, ok := e.append(&row)
	if !ok {
		return false
	}
	s.frames++
	h.frames++
	h.bytes += grown + int64(row.Body.Size()) + h.arrive(id, s, e, row.Seq)
	return true
}

func (h *Head) stream(id frame.StreamID) *stream {
	s := h.streams[id]
	if s == nil {
		s = &stream{}
		h.streams[id] = s
		h.bytes += streamBytes
	}
	return s
}

// epoch returns the epoch of the ordinal and creates it where it belongs. An epoch that it creates gets a row at once.
func (h *Head) epoch(s *stream, ordinal uint32) *epoch {
	if n := len(s.epochs); n > 0 && s.epochs[n-1].ordinal == ordinal {
		return &s.epochs[n-1]
	}
	i := s.search(ordinal)
	if i < len(s.epochs) && s.epochs[i].ordinal == ordinal {
		return &s.epochs[i]
	}
	s.epochs = append(s.epochs, epoch{})
	copy(s.epochs[i+1:], s.epochs[i:])
	s.epochs[i] = epoch{ordinal: ordinal}
	h.bytes += epochBytes
	return &s.epochs[i]
}

func (s *stream) search(ordinal uint32) int {
	return sort.Search(len(s.epochs), func(i int) bool { return s.epochs[i].ordinal >= ordinal })
}

// find returns the epoch for reading, nil when it has no row.
func (h *Head) find(id frame.StreamID, ordinal uint32) *epoch {
	s := h.streams[id]
	if s == nil {
		return nil
	}
	if i := s.search(ordinal); i < len(s.epochs) && s.epochs[i].ordinal == ordinal {
		return &s.epochs[i]
	}
	return nil
}

// Get returns the frame of that number.
func (h *Head) Get(id frame.StreamID, ordinal uint32, seq uint64) (Row, bool) {
	if e := h.find(id, ordinal); e != nil {
		if i := e.chunkOf(seq); i >= 0 {
			if at, ok := e.chunks[i].find(seq); ok {
				return e.chunks[i].rows[at], true
			}
		}
	}
	return Row{}, false
}

// Before returns the stored frame with the highest number below seq.
func (h *Head) Before(id frame.StreamID, ordinal uint32, seq uint64) (Row, bool) {
	e := h.find(id, ordinal)
	if e == nil || seq == 0 {
		return Row{}, false
	}
	i := e.chunkOf(seq - 1)
	if i < 0 {
		return Row{}, false
	}
	at, _ := e.chunks[i].find(seq)
	return e.chunks[i].rows[at-1], true
}

// After returns the stored frame with the lowest number above seq.
func (h *Head) After(id frame.StreamID, ordinal uint32, seq uint64) (Row, bool) {
	e := h.find(id, ordinal)
	if e == nil || seq == math.MaxUint64 {
		return Row{}, false
	}
	i, at := e.seek(seq + 1)
	if i == len(e.chunks) {
		return Row{}, false
	}
	return e.chunks[i].rows[at], true
}

// Latest returns the stream's newest frame by (epoch, seq), whatever the order of arrival.
func (h *Head) Latest(id frame.StreamID) (ordinal uint32, row Row, ok bool) {
	s := h.streams[id]
	if s == nil || len(s.epochs) == 0 {
		return 0, Row{}, false
	}
	e := &s.epochs[len(s.epochs)-1]
	return e.ordinal, *e.last(), true
}

// Epochs returns the ordinals of the stream's epochs that have frames here, ascending.
func (h *Head) Epochs(id frame.StreamID) []uint32 {
	s := h.streams[id]
	if s == nil {
		return nil
	}
	ordinals := make([]uint32, len(s.epochs))
	for i := range s.epochs {
		ordinals[i] = s.epochs[i].ordinal
	}
	return ordinals
}

// Count is how many frames of the stream the head holds.
func (h *Head) Count(id frame.StreamID) int {
	if s := h.streams[id]; s != nil {
		return s.frames
	}
	return 0
}

// Frames is how many frames the head holds.
func (h *Head) Frames() int { return h.frames }

// Bytes is what the head's rows take in memory: the room for rows, their bodies, and what keeps them together. A body counts as the
// bytes it refers to; what else its batch carried (headers, frames that were not stored) does not count here.
func (h *Head) Bytes() int64 { return h.bytes }

// Each calls fn for the rows of every epoch: streams and ordinals ascending, the rows of one epoch in order and in one or more pieces.
// The rows are the head's own: do not change them.
func (h *Head) Each(fn func(id frame.StreamID, ordinal uint32, rows []Row)) {
	for _, id := range slices.Sorted(maps.Keys(h.streams)) {
		h.streams[id].each(func(ordinal uint32, rows []Row) { fn(id, ordinal, rows) })
	}
}

func (s *stream) each(fn func(ordinal uint32, rows []Row)) {
	for i := range s.epochs {
		for _, c := range s.epochs[i].chunks {
			fn(s.epochs[i].ordinal, c.rows)
		}
	}
}
