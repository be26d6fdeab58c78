package segment

import (
	"sync"

	"github.com/gaplessdb/gapless/segment/column"
)

// readScratch is what a read needs for a moment. Nothing that is decoded refers to it.
type readScratch struct {
	buf []byte
	dec column.Decoder
}

var scratches = sync.Pool{New: func() any { return &readScratch{dec: column.Decoder{MaxBytes: maxBlock}} }}

// maxPooled is the largest buffer that is kept.
const maxPooled = 1 << 20

func takeScratch() *readScratch { return scratches.Get().(*readScratch) }

func (s *readScratch) release() {
	if cap(s.buf) > maxPooled {
		s.buf = nil
	}
	scratches.Put(s)
}
