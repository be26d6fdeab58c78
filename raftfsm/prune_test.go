package raftfsm

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/gaplessdb/gapless/raftfsm/floor"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// manifests returns the segments of each floor, the newest first.
func manifests(t *testing.T, floors *floor.Store) (all [][]segment.Info) {
	t.Helper()
	err := floors.Hold(manifestPart, func(contents [][]byte) error {
		for _, b := range contents {
			m, err := segment.ParseManifest(b)
			if err != nil {
				return err
			}
			all = append(all, m.Segments())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// After each floor what none of the floors on the disk lists may go, and nothing that one of them lists; with less than two floors, or a
// damaged one, nothing may.
func TestPruneKeepsWhatFloorsList(t *testing.T) {
	logs := shortLog(t, 5)
	synctest.Test(t, func(t *testing.T) {
		var stranger segment.Name
		var asked []int // how many segments the floors list together, at each call
		f := startFlushing(t, logs[:5], func(f *flushing) {
			f.prune = func(keep func(segment.Name) bool) error {
				listed := map[segment.Name]bool{}
				names, err := f.fs.List("segments")
				for _, name := range names {
					n, parseErr := segment.ParseName(name[:len(name)-len(segment.Extension)])
					if listed[n] = true; parseErr != nil || !keep(n) {
						t.Errorf("%s may be removed, and a floor lists it", name)
					}
				}
				if keep(stranger) {
					t.Error("a segment that no floor lists is kept")
				}
				f.note(func() { asked = append(asked, len(listed)) })
				return err
			}
		})
		pass(0)
		f.note(func() {
			if f.done != 1 || len(asked) != 0 {
				t.Errorf("%d floors, asked %v: with one floor nothing is removed", f.done, asked)
			}
		})
		f.fsm.ApplyBatch(logs[5:9])
		pass(0)
		f.note(func() {
			if !slices.Equal(asked, []int{2, 3}) {
				t.Errorf("asked with %v segments in the floors", asked)
			}
		})
		all := manifests(t, f.floors)
		if len(all) != 2 || len(all[0]) != 3 || len(all[1]) != 2 {
			t.Fatalf("%d floors", len(all))
		}
		older := f.floors.Floors()[1] // becomes damaged: what it lists is not known any more
		if err := damageFloor(f.fs, older.Index); err != nil {
			t.Fatal(err)
		}
		if err := f.floors.Hold(manifestPart, func([][]byte) error { return nil }); err == nil {
			t.Fatal("damage was not found")
		}
		NewFlusher(FlusherOptions{State: f.state, Floors: f.floors, Prune: func(func(segment.Name) bool) error {
			t.Error("asked although a floor is missing")
			return nil
		}}).prune()
	})
}

// damageFloor flips a bit in the manifest of a floor file.
func damageFloor(m *vfs.Mem, index uint64) error {
	names, err := m.List("floors")
	if err != nil {
		return err
	}
	for _, name := range names {
		if len(name) > 20 && name[:20] == fmt.Sprintf("%020d", index) {
			err = m.Flip("floors/"+name, 200, 2)
		}
	}
	return err
}
