package leaves

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// What writing a file leaves, whenever it is interrupted: what has the name of a file is whole, and one of those that were finished or were
// about to be; after Finish returned nil it is the last one.
func writeTrial(t *testing.T) vfs.Trial {
	const dir = "data/proof"
	versions := [][]item{items(Strips, 3), items(Strips, 21), items(Strips, 8)}
	versions[1][10].leaf = bytes.Repeat([]byte("more than one write "), 14_000)
	again := items(Strips, 5) // what Check writes, and finds when it is interrupted itself
	path := dir + "/" + FileName(Strips, 7)
	done, begun := 0, 0 // how many versions Finish acknowledged, and how many it was called for
	return vfs.Trial{
		Workload: func(fs vfs.FS) error {
			done, begun = 0, 0
			if err := vfs.MakeDir(fs, dir); err != nil {
				return err
			}
			for _, list := range versions {
				begun++
				if _, err := save(fs, path, Strips, 7, list); err != nil {
					return err
				}
				done++
			}
			w, err := Create(fs, dir+"/"+FileName(Census, 9), Census, 9) // one that comes to nothing
			if err != nil {
				return err
			}
			return errors.Join(w.Add(items(Census, 1)[0].key, nil), w.Discard())
		},
		Check: func(fs vfs.FS) error {
			names, err := fs.List(dir)
			if err != nil && done > 0 {
				return err
			}
			for _, name := range names {
				if kind, number, ok := ParseFileName(name); !ok && !strings.HasSuffix(name, TempExtension) || ok && (kind != Strips || number != 7) {
					return fmt.Errorf("what is %s?", name)
				}
			}
			if there := slices.Contains(names, FileName(Strips, 7)); there || done > 0 {
				if err := isOneOf(fs, path, append(versions[max(done-1, 0):begun:begun], again)); err != nil {
					return err
				}
			}
			// It can be made again.
			if err := vfs.MakeDir(fs, dir); err != nil {
				return err
			}
			if _, err := save(fs, path, Strips, 7, again); err != nil {
				return err
			}
			return isOneOf(fs, path, [][]item{again})
		},
		Recovery: 4,
	}
}

// isOneOf checks that a file is whole and has the leaves of one version.
func isOneOf(fs vfs.FS, path string, versions [][]item) error {
	f, err := Open(fs, path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Check(context.Background()); err != nil {
		return err
	}
	got, err := readAll(f)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(versions, func(v []item) bool { return slices.EqualFunc(got, v, equalItem) }) {
		return fmt.Errorf("%s has %d leaves, none of the %d versions that it may be", path, len(got), len(versions))
	}
	return nil
}

func TestWriteSurvivesCrashes(t *testing.T) { vfs.EachCrash(t, writeTrial(t)) }
func TestWriteSurvivesFaults(t *testing.T)  { vfs.EachFault(t, writeTrial(t)) }

// A disk that gives back something else than it was given is found before the file gets its name.
func TestWriteReadsBack(t *testing.T) {
	whole := encode(t, Strips, 7, items(Strips, 12))
	for at := range whole {
		fs := &lyingFS{FS: vfs.NewMem(), at: int64(at)}
		if info, err := save(fs, "f", Strips, 7, items(Strips, 12)); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("byte %d: %+v, %v", at, info, err)
		}
		if names, err := fs.List("."); err != nil || len(names) > 0 {
			t.Fatalf("left behind: %v, %v", names, err)
		}
	}
}

// lyingFS loses a bit of what is written.
type lyingFS struct {
	vfs.FS
	at int64
}

func (l *lyingFS) Create(name string) (vfs.File, error) {
	f, err := l.FS.Create(name)
	return &lyingFile{f, l.at}, err
}

type lyingFile struct {
	vfs.File
	at int64
}

func (l *lyingFile) ReadAt(b []byte, at int64) (int, error) {
	n, err := l.File.ReadAt(b, at)
	if i := l.at - at; i >= 0 && i < int64(n) {
		b[i] ^= 4
	}
	return n, err
}
