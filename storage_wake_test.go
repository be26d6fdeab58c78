package gapless

import (
	"context"
	"path"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/vfs"
)

// What waits for a repair goes on as soon as the segment is here, and not at the next tick: here the log, of which nothing is cut while it
// may be the only place that has the frames.
func TestRepairWakesKeepFloors(t *testing.T) {
	s := trueStory()
	disk := aged(t, func(_ *life, n *storageNode, s *story) error {
		for _, e := range s.entries[:s.floors[1].end] {
			if err := n.append(e); err != nil {
				return err
			}
		}
		return n.flushAll()
	})
	must(t, disk.Remove(path.Join(segmentsDir, s.floors[0].lists[0].Name.FileName())))
	synctest.Test(t, func(t *testing.T) {
		n, err := bootStorage(disk.CrashClone(vfs.Crash{Kill: true}))
		must(t, err)
		n.cfg.Clock = time.Now
		n.setWaiting("")
		var cancel context.CancelFunc
		n.ctx, cancel = context.WithCancel(t.Context())
		var keeping sync.WaitGroup
		keeping.Go(n.keepFloors)
		<-time.After(time.Minute + time.Millisecond)
		synctest.Wait()
		if first, _, err := n.logRange(); first != 1 || err != nil {
			t.Errorf("the log begins at %d while a segment is missing: %v", first, err)
		}
		if err := n.bring(s); err != nil {
			t.Error(err)
		}
		synctest.Wait() // and no time passes
		if first, _, err := n.logRange(); first != s.floors[0].Index || err != nil {
			t.Errorf("the log begins at %d although nothing is missing any more, want %d: %v", first, s.floors[0].Index, err)
		}
		cancel()
		keeping.Wait()
		must(t, n.fatal)
		must(t, n.close())
	})
}
