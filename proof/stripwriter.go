package proof

import (
	"encoding/binary"

	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/proof/leaves"
)

// What one pass over the segments counts. Strips come by stream, and files are by ordinal: those of several ordinals are held until the end.
const (
	atOnce    = 64       // ordinals
	heldBytes = 64 << 20 // of strips
)

// inPass is how many ordinals a pass counts, as far as the passes before it tell: what does not fit is hashed in vain.
type inPass uint32

func (n inPass) ordinals() uint32 {
	if n == 0 {
		return atOnce
	}
	return uint32(n)
}

// learn looks at a pass that is over.
func (n *inPass) learn(w *stripWriter) {
	switch {
	case w.shrunk:
		*n = inPass(w.last - w.first + 1)
	case w.bytes < w.limit/4:
		*n = min(atOnce, 2*inPass(n.ordinals()))
	}
}

// stripWriter takes the strips of consecutive ordinals. Of one ordinal they go straight into its file.
type stripWriter struct {
	archive     *Archive
	first, last uint32
	held        [][]byte // by ordinal from first on: strips, each behind its length
	bytes       int      // that these take
	limit       int
	shrunk      bool           // there was no room for the later half
	file        *archiveWriter // nil: none is being written
	frames      uint64         // of all strips that came
	room        []byte
}

func newStripWriter(archive *Archive, p span) stripWriter {
	return stripWriter{archive: archive, first: p.first, last: p.last, held: make([][]byte, p.last-p.first+1), limit: heldBytes}
}

// add takes the next strip.
func (w *stripWriter) add(strip *content.Strip) error {
	w.frames += strip.Frames
	w.room = strip.Append(w.room[:0])
	if w.first == w.last {
		if strip.Ordinal != w.first {
			return nil
		}
		if err := w.create(); err != nil {
			return err
		}
		return w.file.Add(leaves.Key{StreamKey: strip.Key, Epoch: strip.Epoch}, w.room)
	}
	if strip.Ordinal > w.last {
		return nil
	}
	at := strip.Ordinal - w.first
	before := cap(w.held[at])
	w.held[at] = append(binary.AppendUvarint(w.held[at], uint64(len(w.room))), w.room...)
	w.bytes += cap(w.held[at]) - before
	for w.bytes > w.limit && w.first < w.last {
		w.shrink()
	}
	return nil
}

// shrink gives the later half of the ordinals up.
func (w *stripWriter) shrink() {
	w.last, w.shrunk = w.first+(w.last-w.first)/2, true
	keep := w.last - w.first + 1
	for _, b := range w.held[keep:] {
		w.bytes -= cap(b)
	}
	clear(w.held[keep:])
	w.held = w.held[:keep]
}

// create begins the file of the first ordinal with what is held of it, unless it was begun.
func (w *stripWriter) create() (err error) {
	if w.file != nil {
		return nil
	}
	if w.file, err = w.archive.create(leaves.Strips, uint64(w.first)); err != nil {
		w.file = nil
		return err
	}
	for b := w.held[0]; len(b) > 0; {
		n, size := binary.Uvarint(b)
		leaf := b[size : size+int(n)]
		strip, err := content.ParseStrip(leaf)
		if err != nil {
			return err
		}
		if err := w.file.Add(leaves.Key{StreamKey: strip.Key, Epoch: strip.Epoch}, leaf); err != nil {
			return err
		}
		b = b[size+int(n):]
	}
	w.bytes -= cap(w.held[0])
	w.held[0] = nil
	return nil
}

// finish makes the files, the oldest first.
func (w *stripWriter) finish() error {
	for len(w.held) > 0 {
		if err := w.create(); err != nil {
			return err
		}
		if _, err := w.file.Finish(); err != nil {
			return err
		}
		w.file, w.held = nil, w.held[1:]
		w.first++
	}
	return nil
}

// discard removes what is not finished.
func (w *stripWriter) discard() error {
	if w.file == nil {
		return nil
	}
	return w.file.Discard()
}
