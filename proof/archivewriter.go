package proof

import (
	"errors"
	"fmt"

	"github.com/gaplessdb/gapless/proof/leaves"
)

// errNoSpace says that the disk has no room for more copies.
var errNoSpace = errors.New("proof: the disk is almost full")

// room is an error where the disk has less left than stays free for the log: a node that cannot write that has to stop.
func (a *Archive) room() error {
	free, err := a.fs.Free()
	if err != nil {
		return fmt.Errorf("proof: free space: %w", err)
	}
	if free < a.reserve {
		return fmt.Errorf("%w: %d bytes are free, and %d stay free for the log: make room", errNoSpace, free, a.reserve)
	}
	return nil
}

// roomEvery is after how many bytes a writer looks again whether there is room: a few of them write at once.
const roomEvery = 4 << 20

// archiveWriter writes a file while there is room.
type archiveWriter struct {
	*leaves.Writer
	archive *Archive
	kind    leaves.Kind
	number  uint64
	written int // since it was last known that there is room
}

// create begins a file.
func (a *Archive) create(kind leaves.Kind, number uint64) (*archiveWriter, error) {
	if err := a.room(); err != nil {
		return nil, err
	}
	w, err := leaves.Create(a.fs, a.path(kind, number), kind, number)
	return &archiveWriter{Writer: w, archive: a, kind: kind, number: number}, err
}

// recordBytes is about what a leaf takes besides itself.
const recordBytes = 128

// Add writes the next leaf.
func (w *archiveWriter) Add(key leaves.Key, leaf []byte) error {
	if w.written += len(leaf) + recordBytes; w.written >= roomEvery {
		if err := w.archive.room(); err != nil {
			return err
		}
		w.written = 0
	}
	return w.Writer.Add(key, leaf)
}

// hold keeps others from giving a file its name, or removing it, until release: both take as long as the disk takes.
func (a *Archive) hold(kind leaves.Kind, number uint64) (release func()) {
	this := task{kind, number}
	for {
		a.mu.Lock()
		other, busy := a.busy[this]
		if !busy {
			break
		}
		a.mu.Unlock()
		<-other
	}
	over := make(chan struct{})
	a.busy[this] = over
	a.mu.Unlock()
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.busy, this)
		close(over)
	}
}

// Finish ends the file, and takes it in.
func (w *archiveWriter) Finish() (leaves.Info, error) {
	defer w.archive.hold(w.kind, w.number)()
	info, err := w.Writer.Finish()
	if err == nil {
		w.archive.added(w.kind, w.number, Counted{Root: info.Root, Count: info.Count, Bytes: info.Bytes}, false)
	}
	return info, err
}
