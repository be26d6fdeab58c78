package proof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"sync"

	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/vfs"
)

// keptCensuses is how many of the newest censuses stay on disk: certificates are made from the newest one that a checkpoint has.
const keptCensuses = 4

// Archive is the directory of what a node counted: the strips of every ordinal, and the newest censuses. All of it can be counted again, but for
// censuses whose floor is gone. It is for any number of goroutines.
type Archive struct {
	fs  vfs.FS
	dir string

	mu    sync.Mutex                         // protects all below
	roots map[leaves.Kind]map[uint64]Counted // what is here
	lost  uint64                             // the lowest ordinal whose strips were discarded since takeLost
}

// Counted is the tree of a file of the archive.
type Counted struct {
	Root  merkle.Hash
	Count int64
}

// ErrNotCounted says that a node has no file of an ordinal, or of a census.
var ErrNotCounted = errors.New("proof: not counted here")

// OpenArchive takes stock of a directory, which it makes if need be. A file that is damaged is removed: it is counted again.
func OpenArchive(fs vfs.FS, dir string) (*Archive, error) {
	if err := vfs.MakeDir(fs, dir); err != nil {
		return nil, fmt.Errorf("proof: make %s: %w", dir, err)
	}
	a := &Archive{fs: fs, dir: dir, roots: map[leaves.Kind]map[uint64]Counted{leaves.Strips: {}, leaves.Census: {}}}
	names, err := fs.List(dir)
	if err != nil {
		return nil, fmt.Errorf("proof: list %s: %w", dir, err)
	}
	for _, name := range names {
		kind, number, ok := leaves.ParseFileName(name)
		switch ext := path.Ext(name); {
		case ok:
			err = a.take(kind, number)
		case ext == leaves.TempExtension || ext == otherExtension: // of a crash
			err = a.removeFile(path.Join(dir, name))
		}
		if err != nil {
			return nil, err
		}
	}
	return a, nil
}

// otherExtension ends the name of another server's file.
const otherExtension = ".other"

// take takes in a file that is there.
func (a *Archive) take(kind leaves.Kind, number uint64) error {
	f, err := leaves.Open(a.fs, a.path(kind, number))
	switch {
	case errors.Is(err, leaves.ErrCorrupt):
		return a.removeFile(a.path(kind, number))
	case errors.Is(err, leaves.ErrVersion): // of a newer binary: counted again in its place
		return nil
	case err != nil:
		return err
	}
	if f.Kind() != kind || f.Number() != number {
		return errors.Join(f.Close(), a.removeFile(a.path(kind, number)))
	}
	a.roots[kind][number] = Counted{f.Root(), f.Count()}
	return f.Close()
}

func (a *Archive) path(kind leaves.Kind, number uint64) string {
	return path.Join(a.dir, leaves.FileName(kind, number))
}

// Has is the tree of a file, false where it is not here.
func (a *Archive) Has(kind leaves.Kind, number uint64) (Counted, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, ok := a.roots[kind][number]
	return c, ok
}

// Open opens a file. The caller closes it. One that is not here is ErrNotCounted.
func (a *Archive) Open(kind leaves.Kind, number uint64) (*leaves.File, error) {
	if _, ok := a.Has(kind, number); !ok {
		return nil, fmt.Errorf("%w: %s %d", ErrNotCounted, kind, number)
	}
	f, err := leaves.Open(a.fs, a.path(kind, number))
	return f, a.Suspect(err)
}

// Suspect discards the file in which a reader found damage, and returns the reader's error. Any other error it returns as it is.
func (a *Archive) Suspect(err error) error {
	var damage *leaves.CorruptError
	if !errors.As(err, &damage) || path.Dir(damage.Path) != path.Clean(a.dir) {
		return err
	}
	if kind, number, ok := leaves.ParseFileName(path.Base(damage.Path)); ok {
		return errors.Join(err, a.Discard(kind, number))
	}
	return err
}

// create begins a file; added takes it in once it is finished.
func (a *Archive) create(kind leaves.Kind, number uint64) (*leaves.Writer, error) {
	return leaves.Create(a.fs, a.path(kind, number), kind, number)
}

func (a *Archive) added(kind leaves.Kind, number uint64, info leaves.Info) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.roots[kind][number] = Counted{info.Root, info.Count}
}

// Discard removes a file: it is damaged, or was counted wrongly. Strips are then counted again.
func (a *Archive) Discard(kind leaves.Kind, number uint64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.roots[kind], number)
	if kind == leaves.Strips && (a.lost == 0 || number < a.lost) {
		a.lost = number
	}
	return a.removeFile(a.path(kind, number))
}

// takeLost is the lowest ordinal whose strips were discarded since the last call, 0 for none.
func (a *Archive) takeLost() (ordinal uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	ordinal, a.lost = a.lost, 0
	return ordinal
}

func (a *Archive) removeFile(name string) error {
	if err := a.fs.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("proof: remove %s: %w", name, err)
	}
	return nil
}

// tidy removes the censuses that nobody will ask for: all but the newest ones and those that are wanted.
func (a *Archive) tidy(wanted func(index uint64) bool) error {
	a.mu.Lock()
	all := slices.Sorted(maps.Keys(a.roots[leaves.Census]))
	a.mu.Unlock()
	for _, index := range all[:max(0, len(all)-keptCensuses)] {
		if wanted(index) {
			continue
		}
		if err := a.Discard(leaves.Census, index); err != nil {
			return err
		}
	}
	return nil
}

// frames adds up the frames of a file of strips.
func (a *Archive) frames(ctx context.Context, number uint64, of func(leaf []byte) (uint64, error)) (sum uint64, err error) {
	f, err := a.Open(leaves.Strips, number)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	err = f.Walk(ctx, 0, f.Count(), func(_ int64, _ leaves.Key, leaf []byte) error {
		n, err := of(leaf)
		sum += n
		return err
	})
	return sum, a.Suspect(err)
}

// ReadRange gives bytes of a file as it lies on the disk, at most n; fewer only at its end, and io.EOF there.
func (a *Archive) ReadRange(kind leaves.Kind, number uint64, offset int64, n int) ([]byte, error) {
	if _, ok := a.Has(kind, number); !ok {
		return nil, fmt.Errorf("%w: %s %d", ErrNotCounted, kind, number)
	}
	f, err := a.fs.Open(a.path(kind, number))
	if err != nil {
		return nil, fmt.Errorf("proof: open %s: %w", a.path(kind, number), err)
	}
	defer f.Close()
	b := make([]byte, n)
	got, err := f.ReadAt(b, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("proof: read %s at %d: %w", a.path(kind, number), offset, err)
	}
	return b[:got], err
}
