package query

import "github.com/gaplessdb/gapless/segment"

// FrameEncoder writes frames as GET /v1/frames shows them, for packages beside this one that answer with frames. It is for one goroutine.
type FrameEncoder struct {
	w      writer
	frames frameWriter
}

// FrameName is whose a frame is.
type FrameName struct {
	Device, Stream string
	Epoch          uint32 // the server's ordinal
	EpochValue     string // the device's own value, "" when it sent none
}

// Shown is which values of a frame are shown: those of the named fields, nil for all of them, and the raw payload unless NoRaw.
type Shown struct {
	Fields []string // sorted
	NoRaw  bool
}

// Columns are the columns of a segment that have these values.
func (s *Shown) Columns() segment.Columns { return s.inner().columns() }

func (s *Shown) inner() *shown {
	return &shown{some: s.Fields != nil, fields: s.Fields, noRaw: s.NoRaw}
}

// All reports whether a whole frame is shown.
func (s *Shown) All() bool { return s.Fields == nil && !s.NoRaw }

// NewFrameEncoder returns an encoder of frames of one history.
func NewFrameEncoder(history uint64, show Shown) *FrameEncoder {
	return &FrameEncoder{frames: frameWriter{history: history, show: *show.inner()}}
}

// Append appends one frame as a JSON object without a newline. Its values are still encoded in rec.Body when it comes from a head.
func (e *FrameEncoder) Append(dst []byte, name *FrameName, rec *segment.Record) []byte {
	key := epochKey{name.Device, name.Stream, name.Epoch, name.EpochValue}
	e.w.b = e.w.b[:0]
	e.frames.write(&e.w, &key, rec)
	return append(dst, e.w.b...)
}
