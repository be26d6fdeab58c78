package gapless

import (
	"errors"
	"fmt"
	"path"
	"runtime/debug"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// Every trial here is a node's storage as a whole, log, floors, segments and state on one disk, interrupted at each operation.

// trueStory is what the cluster committed, sickStory what a node makes of it that reads a value wrong in the second chapter.
var (
	trueStory = sync.OnceValue(func() *story { return newStory(4, 0) })
	sickStory = sync.OnceValue(func() *story { return newStory(2, 2) })
)

// lives are interrupted at every operation.
var lives = map[string]func(l *life, disk *vfs.Mem) error{
	// It flushes, cuts its log, and starts again in the middle of a chapter.
	"flush": func(l *life, disk *vfs.Mem) error {
		s := trueStory()
		n, err := bootStorage(disk)
		if err != nil {
			return err
		}
		if err := l.live(n, s, s.floors[1].Index+1, 1); err != nil {
			return err
		}
		if n, err = restart(n, disk); err != nil {
			return err
		}
		return l.live(n, s, s.floors[2].end, 1)
	},

	// It is slow: two heads are sealed before the first one is flushed, and when it starts again.
	"two sealed heads": func(l *life, disk *vfs.Mem) error {
		s := trueStory()
		n, err := bootStorage(disk)
		if err != nil {
			return err
		}
		if err := l.live(n, s, s.floors[1].Index, 3); err != nil {
			return err
		}
		if n, err = restart(n, disk); err != nil {
			return err
		}
		return l.live(n, s, s.floors[2].end, 2)
	},

	// It was away and gets a floor, while a head of its own is still on its way; it starts again before it has the segments.
	"install": func(l *life, disk *vfs.Mem) error {
		s := trueStory()
		n, err := bootStorage(disk)
		if err != nil {
			return err
		}
		if err := l.live(n, s, s.floors[0].end, 1); err != nil {
			return err
		}
		if err := l.live(n, s, s.floors[1].Index+1, 9); err != nil {
			return err
		}
		if err := l.install(n, s.floors[2]); err != nil {
			return err
		}
		if n, err = restart(n, disk); err != nil {
			return err
		}
		if err := l.bring(n, s); err != nil {
			return err
		}
		return l.live(n, s, s.floors[3].end, 1)
	},

	// The log that an install replaces reaches beyond the floor, with entries that were never committed, and two heads wait for their flush.
	"install over a longer log": func(l *life, disk *vfs.Mem) error {
		s := trueStory()
		n, err := bootStorage(disk)
		if err != nil {
			return err
		}
		if err := l.live(n, s, s.floors[0].end, 1); err != nil {
			return err
		}
		if err := l.live(n, s, s.floors[2].Index, 9); err != nil {
			return err
		}
		if err := n.store.StoreLogs(s.entries[s.floors[2].Index : s.floors[2].Index+2]); err != nil {
			return err
		}
		if err := l.install(n, s.floors[2]); err != nil {
			return err
		}
		if err := l.bring(n, s); err != nil {
			return err
		}
		return l.live(n, s, s.floors[3].end, 1)
	},

	// Its floor differs from the majority's, so it takes theirs; the segment of its own goes when no floor lists it any more.
	"heal": func(l *life, disk *vfs.Mem) error {
		s := trueStory()
		l.sick = true
		n, err := bootStorage(disk)
		if err != nil {
			return err
		}
		if err := l.heal(n); err != nil {
			return err
		}
		if err := l.bring(n, s); err != nil {
			return err
		}
		if err := l.live(n, s, s.floors[2].end, 1); err != nil {
			return err
		}
		sick := sickStory().floors[1].lists[1].Name
		if f, err := disk.Open(path.Join(segmentsDir, sick.FileName())); err == nil {
			return errors.Join(errors.New("a segment that no floor lists is still here"), f.Close())
		}
		return nil
	},

	// It merges its first two segments. The result takes their place at the third floor, and they go with the fourth, when no floor that is kept lists them.
	"merge": func(l *life, disk *vfs.Mem) error {
		s := trueStory()
		n, err := bootStorage(disk)
		if err != nil {
			return err
		}
		if err := l.live(n, s, s.merged, 1); err != nil {
			return err
		}
		if n, err = restart(n, disk); err != nil {
			return err
		}
		if err := l.live(n, s, s.floors[2].end, 1); err != nil {
			return err
		}
		if err := wantFiles(disk, s, map[int]bool{0: true, 1: true, 2: true}); err != nil {
			return err
		}
		if err := l.live(n, s, s.floors[3].end, 1); err != nil {
			return err
		}
		return wantFiles(disk, s, map[int]bool{0: false, 1: false, 2: true})
	},

	// A merge is done by the others while it was away: it gets the result from them, and its inputs stay until then.
	"merge that it did not see": func(l *life, disk *vfs.Mem) error {
		s := trueStory()
		l.away = true
		n, err := bootStorage(disk)
		if err != nil {
			return err
		}
		if err := l.live(n, s, s.floors[3].end, 1); err != nil {
			return err
		}
		if err := wantFiles(disk, s, map[int]bool{0: true, 1: true, 2: false}); err != nil {
			return err
		}
		if n, err = restart(n, disk); err != nil {
			return err
		}
		return l.bring(n, s)
	},

	// A bit of a segment flips, and later one of the newest floor file.
	"damage": func(l *life, disk *vfs.Mem) error {
		s := trueStory()
		n, err := bootStorage(disk)
		if err != nil {
			return err
		}
		if err := l.live(n, s, s.floors[1].end, 1); err != nil {
			return err
		}
		first := s.floors[0].lists[0]
		delete(l.here, first.Name)
		l.rotten = first.Name
		if err := disk.Flip(path.Join(segmentsDir, first.Name.FileName()), first.Bytes/3, 4); err != nil {
			return err
		}
		if err := n.shelf.Check(n.ctx, first.Name); !errors.Is(err, segment.ErrCorrupt) {
			return fmt.Errorf("damage was not found: %w", err)
		}
		if err := l.bring(n, s); err != nil {
			return err
		}
		newest := n.newestFloor()
		if err := disk.Flip(fmt.Sprintf("%s/%020d-l.gfl", floorsDir, newest.Index), newest.Bytes/2, 4); err != nil {
			return err
		}
		if n, err = restart(n, disk); err != nil {
			return err
		}
		return l.live(n, s, s.floors[2].end, 1)
	},
}

// wantFiles looks which of these files are here: the two inputs of the merge, and 2 for its result.
func wantFiles(disk *vfs.Mem, s *story, want map[int]bool) error {
	for i, name := range []segment.Name{s.floors[1].lists[0].Name, s.floors[1].lists[1].Name, s.floors[2].lists[0].Name} {
		f, err := disk.Open(path.Join(segmentsDir, name.FileName()))
		if here := err == nil; here != want[i] {
			return fmt.Errorf("file %d of the merge is here: %t, %w", i, here, err)
		}
		if err == nil {
			_ = f.Close()
		}
	}
	return nil
}

// eachLife runs a trial of every life. Most of what a run allocates are buffers that live for one call.
func eachLife(t *testing.T, each func(vfs.TB, vfs.Trial), c vfs.Trial) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	if testing.Short() {
		c.Points, c.Recovery = 6, min(c.Recovery, 2)
	}
	for name, do := range lives {
		t.Run(name, func(t *testing.T) {
			l := &life{do: do}
			c.Workload, c.Check = l.run, l.check
			each(t, c)
		})
	}
}

// After a crash at any operation the node starts, has what it promised, and goes on like one that was never interrupted.
func TestStorageSurvivesCrashes(t *testing.T) { eachLife(t, vfs.EachCrash, vfs.Trial{Seeds: 1}) }

// So it does when the start after the crash is cut off, too.
func TestStorageSurvivesCrashesOfTheStart(t *testing.T) {
	eachLife(t, vfs.EachCrash, vfs.Trial{Points: 20, Seeds: -1, Recovery: 4})
}

// A fault at any operation is got over, or ends the process; the next one has what was promised.
func TestStorageSurvivesFaults(t *testing.T) {
	eachLife(t, vfs.EachFault, vfs.Trial{Points: 50, Seeds: -1})
}

// So it does when the disk fails again while the next process starts.
func TestStorageSurvivesFaultsOfTheStart(t *testing.T) {
	eachLife(t, vfs.EachFault, vfs.Trial{Points: 5, Seeds: -1, Recovery: 10})
}

// A disk that says nothing for a while makes nobody promise what is not there, and is waited for.
func TestStorageSurvivesStalls(t *testing.T) {
	points := 40
	if testing.Short() {
		points = 10
	}
	synctest.Test(t, func(t *testing.T) {
		l := &life{do: lives["install"]}
		vfs.EachStall(t, vfs.Trial{Workload: l.run, Check: l.check, Points: points, Seeds: -1}, time.Minute)
	})
}
