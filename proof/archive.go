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
	fs      vfs.FS
	dir     string
	reserve int64 // bytes that stay free on the disk
	trouble *complaints

	opening sync.Mutex // held by who lists the directory

	mu     sync.Mutex // protects all below, and is never held while the disk works: gauges and Status need it
	listed bool
	busy   map[task]chan struct{}              // files that get their name or lose it, closed when that is over
	files  map[leaves.Kind]map[uint64]*Counted // what is here; nil: nobody has looked into it yet
	bytes  map[leaves.Kind]int64               // of those that were looked into
	lost   uint64                              // the lowest ordinal whose strips were discarded since takeLost
	made   uint64                              // generation of the newest file
}

// Counted is the tree of a file of the archive.
type Counted struct {
	Root  merkle.Hash
	Count int64
	Bytes int64

	generation uint64 // in this life: another file of the same name has another one
}

// ErrNotCounted says that a node has no file of an ordinal, or of a census.
var ErrNotCounted = errors.New("proof: not counted here")

// newArchive knows nothing before open.
func newArchive(fs vfs.FS, dir string, reserve int64, trouble *complaints) *Archive {
	return &Archive{
		fs: fs, dir: dir, reserve: reserve, trouble: trouble, bytes: map[leaves.Kind]int64{},
		files: map[leaves.Kind]map[uint64]*Counted{leaves.Strips: {}, leaves.Census: {}}, busy: map[task]chan struct{}{},
	}
}

// open takes stock of the directory by its names, and makes it if need be; files are looked into one by one, when somebody asks for them: there is
// one for each seal that ever was. After an error it is called again.
func (a *Archive) open() error {
	a.opening.Lock()
	defer a.opening.Unlock()
	if a.isListed() {
		return nil
	}
	if err := vfs.MakeDir(a.fs, a.dir); err != nil {
		return fmt.Errorf("proof: make %s: %w", a.dir, err)
	}
	names, err := a.fs.List(a.dir)
	if err != nil {
		return fmt.Errorf("proof: list %s: %w", a.dir, err)
	}
	for _, name := range names {
		if ext := path.Ext(name); ext == leaves.TempExtension || ext == otherExtension { // of a crash
			if err := a.removeFile(path.Join(a.dir, name)); err != nil {
				return err
			}
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, name := range names {
		if kind, number, ok := leaves.ParseFileName(name); ok {
			a.files[kind][number] = nil
		}
	}
	a.listed = true
	return nil
}

func (a *Archive) isListed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.listed
}

// otherExtension ends the name of another server's file.
const otherExtension = ".other"

func (a *Archive) path(kind leaves.Kind, number uint64) string {
	return path.Join(a.dir, leaves.FileName(kind, number))
}

// Has is the tree of a file, false where there is none here that can be read: it is counted again, in its place.
func (a *Archive) Has(kind leaves.Kind, number uint64) (Counted, bool) {
	c, listed := a.known(kind, number)
	if listed && c == nil {
		c = a.look(kind, number)
	}
	if c == nil {
		return Counted{}, false
	}
	return *c, true
}

// known is what is known of a file without a look at the disk: nil where it is not here, or nobody has looked into it yet.
func (a *Archive) known(kind leaves.Kind, number uint64) (c *Counted, listed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, listed = a.files[kind][number]
	return c, listed
}

// look looks into a file that was found at the start. It is nil where that is not what its name says: damaged, of a newer binary, not readable now.
func (a *Archive) look(kind leaves.Kind, number uint64) *Counted {
	f, err := leaves.Open(a.fs, a.path(kind, number))
	if err == nil {
		c := Counted{Root: f.Root(), Count: f.Count(), Bytes: f.Bytes()}
		is := f.Kind() == kind && f.Number() == number
		err = f.Close()
		if is && err == nil {
			return a.added(kind, number, c, true)
		}
	}
	switch {
	case err == nil:
		err = fmt.Errorf("proof: %s is another file", a.path(kind, number))
		fallthrough
	case errors.Is(err, leaves.ErrCorrupt):
		a.trouble.warn("a file of the proof is damaged: it is made again", errors.Join(err, a.discard(kind, number, 0)))
	default:
		a.trouble.warn("a file of the proof cannot be read", err)
	}
	return nil
}

// added takes in a file. One that was only looked into takes no other's place.
func (a *Archive) added(kind leaves.Kind, number uint64, c Counted, looked bool) *Counted {
	a.mu.Lock()
	defer a.mu.Unlock()
	before, ok := a.files[kind][number]
	if looked && (!ok || before != nil) {
		return before
	}
	if before != nil {
		a.bytes[kind] -= before.Bytes
	}
	a.made++
	c.generation = a.made
	a.files[kind][number] = &c
	a.bytes[kind] += c.Bytes
	return &c
}

// Bytes is what the files of a kind take that this node has looked into, or made, in this life.
func (a *Archive) Bytes(kind leaves.Kind) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.bytes[kind]
}

// Open opens a file. The caller closes it. One that is not here is ErrNotCounted.
func (a *Archive) Open(kind leaves.Kind, number uint64) (*leaves.File, error) {
	c, ok := a.Has(kind, number)
	if !ok {
		return nil, fmt.Errorf("%w: %s %d", ErrNotCounted, kind, number)
	}
	f, err := leaves.OpenAs(a.fs, a.path(kind, number), c.generation)
	if errors.Is(err, fs.ErrNotExist) { // somebody removed it
		err = errors.Join(fmt.Errorf("%w any more: %w", ErrNotCounted, err), a.discard(kind, number, c.generation))
	}
	return f, a.Suspect(err)
}

// Suspect discards the file in which a reader found damage, unless another one is in its place by now. The error is ErrNotCounted then; any other one is returned as it is.
func (a *Archive) Suspect(err error) error {
	var damage *leaves.CorruptError
	if !errors.As(err, &damage) || path.Dir(damage.Path) != path.Clean(a.dir) {
		return err
	}
	kind, number, ok := leaves.ParseFileName(path.Base(damage.Path))
	if !ok {
		return err
	}
	a.trouble.warn("a file of the proof is damaged: it is made again", err)
	return errors.Join(fmt.Errorf("%w any more: %w", ErrNotCounted, err), a.discard(kind, number, damage.Generation))
}

// Discard removes a file: it is damaged, or was counted wrongly. Strips are then counted again.
func (a *Archive) Discard(kind leaves.Kind, number uint64) error {
	return a.drop(kind, number, func(*Counted, bool) bool { return true })
}

// discard removes a file if it is still that of a generation, 0 for one that nobody has looked into yet: of those who found the same damage each one
// comes here, and the last ones when the file was made again.
func (a *Archive) discard(kind leaves.Kind, number, generation uint64) error {
	return a.drop(kind, number, func(c *Counted, listed bool) bool {
		return listed && (c == nil && generation == 0 || c != nil && c.generation == generation)
	})
}

// drop removes a file if that is still the one.
func (a *Archive) drop(kind leaves.Kind, number uint64, still func(c *Counted, listed bool) bool) error {
	defer a.hold(kind, number)()
	if !a.forget(kind, number, still) {
		return nil
	}
	return a.removeFile(a.path(kind, number))
}

// forget takes a file off the list if it is still the one.
func (a *Archive) forget(kind leaves.Kind, number uint64, still func(c *Counted, listed bool) bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, listed := a.files[kind][number]
	if !still(c, listed) {
		return false
	}
	if c != nil {
		a.bytes[kind] -= c.Bytes
	}
	delete(a.files[kind], number)
	if kind == leaves.Strips && (a.lost == 0 || number < a.lost) {
		a.lost = number
	}
	return true
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
	all := slices.Sorted(maps.Keys(a.files[leaves.Census]))
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

// each calls fn for every leaf of a file.
func (a *Archive) each(ctx context.Context, kind leaves.Kind, number uint64, fn func(leaf []byte) error) error {
	f, err := a.Open(kind, number)
	if err != nil {
		return err
	}
	defer f.Close()
	return a.Suspect(f.Walk(ctx, 0, f.Count(), func(_ int64, _ leaves.Key, leaf []byte) error { return fn(leaf) }))
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
