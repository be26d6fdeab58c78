package segment

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// What a flush leaves, whenever it is interrupted: every file with the name of a segment is that segment, whole; and after Write returned
// nil it is there.
func flushTrial(t *testing.T) vfs.Trial {
	f, _ := mixedFleet(t)
	const dir = "data/segments"
	var done *Info
	return vfs.Trial{
		Workload: func(fs vfs.FS) error {
			done = nil
			if err := vfs.MakeDir(fs, dir); err != nil {
				return err
			}
			for range 2 { // the second one finds the first one's file
				info, err := Write(fs, dir, testOptions, f.head, f.key)
				if err != nil {
					return err
				}
				done = &info
			}
			return nil
		},
		Check: func(fs vfs.FS) error {
			names, err := fs.List(dir)
			if err != nil && done == nil {
				return nil // it came to nothing
			}
			if err != nil {
				return err
			}
			found := 0
			for _, name := range names {
				if hex, ok := strings.CutSuffix(name, Extension); ok {
					if err := verifyFile(fs, dir+"/"+name, hex); err != nil {
						return err
					}
					found++
				} else if !strings.HasSuffix(name, TempExtension) {
					return fmt.Errorf("what is %s?", name)
				}
			}
			if done != nil && found != 1 {
				return fmt.Errorf("%d segments after Write returned: %v", found, names)
			}
			// The next flush of the same frames gives the same file.
			info, err := Write(fs, dir, testOptions, f.head, f.key)
			if err != nil || done != nil && info != *done {
				return fmt.Errorf("flushed again: %+v, %w", info, err)
			}
			return verifyFile(fs, dir+"/"+info.Name.FileName(), info.Name.String())
		},
	}
}

func verifyFile(fs vfs.FS, path, hex string) error {
	name, err := ParseName(hex)
	if err != nil {
		return err
	}
	file, err := fs.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	size, err := file.Size()
	if err == nil {
		_, err = Verify(file, size, name, nil)
	}
	return err
}

func TestWriteSurvivesCrashes(t *testing.T) { vfs.EachCrash(t, flushTrial(t)) }
func TestWriteSurvivesFaults(t *testing.T)  { vfs.EachFault(t, flushTrial(t)) }

// A disk that gives back something else than it was given is found before the file gets its name.
func TestWriteReadsBack(t *testing.T) {
	f, _ := mixedFleet(t)
	fs := &lyingFS{FS: vfs.NewMem()}
	if info, err := Write(fs, ".", testOptions, f.head, f.key); err == nil || !strings.Contains(err.Error(), "new file") {
		t.Errorf("%+v, %v", info, err)
	}
	if names, err := fs.List("."); err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

// lyingFS loses a bit of what is written.
type lyingFS struct{ vfs.FS }

func (l *lyingFS) Create(name string) (vfs.File, error) {
	f, err := l.FS.Create(name)
	return &lyingFile{f}, err
}

type lyingFile struct{ vfs.File }

func (l *lyingFile) ReadAt(b []byte, at int64) (int, error) {
	n, err := l.File.ReadAt(b, at)
	if at == 0 && n > 700 {
		b[700] ^= 4
	}
	return n, err
}
