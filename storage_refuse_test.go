package gapless

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"syscall"
	"testing"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// installedTwice is the disk of a node to which two floors were sent, one after the other, so that its log is empty behind the second.
func installedTwice(t *testing.T) *vfs.Mem {
	t.Helper()
	return aged(t, func(l *life, n *storageNode, s *story) error {
		if err := l.live(n, s, s.floors[0].end, 1); err != nil {
			return err
		}
		for _, c := range s.floors[1:3] {
			if err := errors.Join(n.receive(c), n.restoreNewest(), n.wipe()); err != nil {
				return err
			}
		}
		return nil
	})
}

// flushedTwice is the disk of a node with two floors of its own and a log that is cut.
func flushedTwice(t *testing.T) *vfs.Mem {
	t.Helper()
	return aged(t, func(l *life, n *storageNode, s *story) error { return l.live(n, s, s.floors[2].end, 1) })
}

func aged(t *testing.T, do func(*life, *storageNode, *story) error) *vfs.Mem {
	t.Helper()
	disk := vfs.NewMem()
	n, err := bootStorage(disk)
	must(t, err)
	l := &life{storagePromises: storagePromises{here: map[segment.Name]bool{}}}
	must(t, errors.Join(do(l, n, trueStory()), n.close()))
	return disk
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// empty removes the files of a directory.
func empty(t *testing.T, disk *vfs.Mem, dir string) {
	t.Helper()
	names, err := disk.List(dir)
	must(t, err)
	for _, name := range names {
		must(t, disk.Remove(path.Join(dir, name)))
	}
}

// copyDir copies the files of a directory from one disk to another.
func copyDir(t *testing.T, from, to *vfs.Mem, dir string) {
	t.Helper()
	names, err := from.List(dir)
	must(t, err)
	for _, name := range names {
		b, err := vfs.ReadFile(from, path.Join(dir, name), 1<<20)
		must(t, err)
		must(t, vfs.WriteFile(to, path.Join(dir, name), b))
	}
}

// rot flips a bit in the middle of a floor file.
func rot(t *testing.T, disk *vfs.Mem, index uint64, mark string) {
	t.Helper()
	must(t, disk.Flip(floorPath(index, mark), 900, 3))
}

func floorPath(index uint64, mark string) string {
	return fmt.Sprintf("%s/%020d%s.gfl", floorsDir, index, mark)
}

// What was acknowledged and is gone is never taken for what never was: the node does not start, and says which file or index it misses.
func TestStorageRefuses(t *testing.T) {
	s := trueStory()
	f1, f2, f3 := s.floors[0].Index, s.floors[1].Index, s.floors[2].Index
	for name, tt := range map[string]struct {
		disk func(*testing.T) *vfs.Mem
		harm func(t *testing.T, disk *vfs.Mem)
		want string
	}{
		"an installed floor is damaged, nothing is behind it": {installedTwice, func(t *testing.T, disk *vfs.Mem) { rot(t, disk, f3, "-i") },
			fmt.Sprintf("floor file %d is damaged, the newest that is whole is %d and the log ends at 0", f3, f2)},
		"an installed floor is damaged, the log goes on behind it": {
			func(t *testing.T) *vfs.Mem {
				return aged(t, func(l *life, n *storageNode, s *story) error {
					err := errors.Join(l.live(n, s, s.floors[0].end, 1), n.receive(s.floors[1]), n.restoreNewest(), n.wipe(), n.bring(s))
					return errors.Join(err, l.live(n, s, f2+2, 1))
				})
			},
			func(t *testing.T, disk *vfs.Mem) { rot(t, disk, f2, "-i") }, fmt.Sprintf("begins at %d and the newest floor is %d", f2+1, f1)},
		"an installed floor is gone": {installedTwice, func(t *testing.T, disk *vfs.Mem) { empty(t, disk, floorsDir) }, "log in wal is empty"},
		"every floor is damaged": {flushedTwice, func(t *testing.T, disk *vfs.Mem) { rot(t, disk, f3, "-l"); rot(t, disk, f2, "-l") },
			floorPath(f3, "-l")[len(floorsDir)+1:] + ".damaged"},
		"every floor is gone": {flushedTwice, func(t *testing.T, disk *vfs.Mem) { empty(t, disk, floorsDir) }, "and the newest floor is 0"},
		"the log is gone": {flushedTwice, func(t *testing.T, disk *vfs.Mem) { empty(t, disk, walDir) },
			fmt.Sprintf("the log ends at 0 and this node flushed up to %d", f3)},
		"the log is of before the newest floor": {flushedTwice, func(t *testing.T, disk *vfs.Mem) {
			empty(t, disk, walDir)
			older := aged(t, func(l *life, n *storageNode, s *story) error { return l.live(n, s, f2, 9) })
			copyDir(t, older, disk, walDir)
		}, fmt.Sprintf("the log ends at %d and this node flushed up to %d", f2, f3)},
	} {
		t.Run(name, func(t *testing.T) {
			disk := tt.disk(t)
			tt.harm(t, disk)
			for range 2 { // and it stays so
				if n, err := bootStorage(disk); err == nil {
					at, _ := n.applied()
					t.Fatalf("it starts, at %d", at)
				} else if !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%v\nwant: %s", err, tt.want)
				}
				disk = disk.CrashClone(vfs.Crash{Kill: true})
			}
		})
	}
}

// A read that fails once, at whatever place, does not make a node start from an older floor than it had: an install may have deleted the log
// between the two, and what it had acknowledged since would be gone without anybody noticing.
func TestOneFailedReadTakesNoNodeBack(t *testing.T) {
	disk := installedTwice(t)
	n, err := bootStorage(disk.CrashClone(vfs.Crash{}))
	must(t, err)
	want, err := n.applied()
	must(t, err)
	started := 0
	for nth := 1; ; nth++ {
		sick := disk.CrashClone(vfs.Crash{})
		failed := false
		reads := 0
		sick.Inject(func(op vfs.Op) error {
			if op.Kind != vfs.OpRead && op.Kind != vfs.OpOpen {
				return nil
			}
			if reads++; reads == nth {
				failed = true
				return syscall.EIO
			}
			return nil
		})
		n, err := bootStorage(sick)
		if err == nil {
			started++
			if at, err := n.applied(); at != want {
				t.Errorf("after read %d failed the node starts at %d, it was at %d: %v", nth, at, want, err)
			}
		}
		if !failed {
			if nth < 10 || started == nth {
				t.Errorf("%d reads, %d starts: nothing was tested", nth, started)
			}
			return
		}
	}
}
