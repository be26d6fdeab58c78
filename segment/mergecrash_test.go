package segment

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// What a merge leaves, whenever it is interrupted: every file with the name of a segment is that segment, whole; and after Merge returned nil all
// of its outputs are there.
func mergeTrial(t *testing.T) vfs.Trial {
	files := [][]byte{
		fileOf(t, mergeInput(0), series([]numbers{{1, 0, 600, 1}, {2, 0, 50, 1}}, oneField)),
		fileOf(t, mergeInput(1), series([]numbers{{1, 600, 700, 1}, {2, 50, 60, 1}, {3, 0, 5, 1}}, oneField)),
	}
	const dir = "data/segments"
	opt := mergeAbout
	opt.WindowNS = 400e9
	var done []Output
	return vfs.Trial{
		Workload: func(fs vfs.FS) error {
			done = nil
			if err := vfs.MakeDir(fs, dir); err != nil {
				return err
			}
			for range 2 { // the second one finds the first one's files
				outputs, err := Merge(fs, dir, opt, readersOf(t, files))
				if err != nil {
					return err
				}
				done = outputs
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
			if done != nil && found != len(done) {
				return fmt.Errorf("%d segments after Merge returned %d: %v", found, len(done), names)
			}
			// The next merge of the same inputs makes the same files.
			outputs, err := Merge(fs, dir, opt, readersOf(t, files))
			if err != nil || len(outputs) != 2 || done != nil && (outputs[0] != done[0] || outputs[1] != done[1]) {
				return fmt.Errorf("merged again: %+v, %w", outputs, err)
			}
			for _, o := range outputs {
				if err := verifyFile(fs, dir+"/"+o.Info.Name.FileName(), o.Info.Name.String()); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func TestMergeSurvivesCrashes(t *testing.T) { vfs.EachCrash(t, mergeTrial(t)) }
func TestMergeSurvivesFaults(t *testing.T)  { vfs.EachFault(t, mergeTrial(t)) }

// A disk that gives back something else than it was given is found before any output gets its name.
func TestMergeReadsBack(t *testing.T) {
	file := fileOf(t, mergeInput(0), series([]numbers{{1, 0, 6000, 1}}, oneField))
	opt := mergeAbout
	opt.WindowNS = 3000e9
	fs := &lyingFS{FS: vfs.NewMem()}
	if outputs, err := Merge(fs, ".", opt, readersOf(t, [][]byte{file})); err == nil || !strings.Contains(err.Error(), "new file") {
		t.Errorf("%+v, %v", outputs, err)
	}
	if names, err := fs.List("."); err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}
