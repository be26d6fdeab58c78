package gapless

import (
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// crowdedDisk has no room for segments while it is full.
type crowdedDisk struct {
	vfs.FS
	full *atomic.Bool
}

func (d crowdedDisk) Create(name string) (vfs.File, error) {
	if d.full.Load() && strings.HasPrefix(name, segmentsDir+"/") {
		return nil, &fs.PathError{Op: "create", Path: name, Err: syscall.ENOSPC}
	}
	return d.FS.Create(name)
}

// TestLogStaysWhileItIsTheOnlyCopy: one node has flushed twice, and the disks of the others are full. What its first floor covers is on one
// disk only, but for the logs.
func TestLogStaysWhileItIsTheOnlyCopy(t *testing.T) {
	c := newCalmCluster(t)
	full := make([]atomic.Bool, len(c.cfgs))
	for i := range c.cfgs {
		c.cfgs[i].LogKeepBytes = 1 << 20
		c.cfgs[i].Machine.Files = func(dir string) (vfs.FS, error) {
			disk, err := vfs.OS(dir)
			return crowdedDisk{disk, &full[i]}, err
		}
	}
	c.startAll()
	leader, followers := c.leader()
	for _, n := range followers {
		full[c.place(n)].Store(true)
	}
	first := storageOf(t, leader).Log.First
	postFat(t, leader, "d", 0, 3999)
	for floors := 1; floors <= 2; floors++ {
		postFrames(t, leader, "e", floors, floors)
		c.flush()
		eventually(t, func() bool { return len(leader.floors.Floors()) == floors }, func() string { return "the leader does not flush" })
	}
	if err := leader.cutLog(leader.ownStatus().Servers); err != nil {
		t.Fatal(err)
	}
	if now := storageOf(t, leader).Log.First; now != first {
		t.Errorf("the log was cut from %d to %d, and no other node has a floor", first, now)
	}
	for i := range full {
		full[i].Store(false)
	}
	eventually(t, func() bool { return storageOf(t, leader).Log.First > first }, func() string {
		return fmt.Sprintf("the log is not cut although all have its floor: %+v", storageOf(t, leader).Log)
	})
}
