package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"time"
)

// notebook is a small store with switches for the mistakes that a trial must catch: it replaces a file per round through a
// temporary one, and acknowledges the round.
type notebook struct {
	noSync, noSyncDir, noSyncParent, renameFirst, ackEarly, ignoreSyncError, retrySync, ignoreShortWrite, undo, impatient bool

	acked atomic.Int64
}

const rounds = 3

func (n *notebook) run(fsys FS) error {
	n.acked.Store(0)
	if err := fsys.MkdirAll("d"); err != nil {
		return err
	}
	if !n.noSyncParent {
		if err := fsys.SyncDir("."); err != nil {
			return err
		}
	}
	for i := 1; i <= rounds; i++ {
		if n.ackEarly {
			n.acked.Store(int64(i))
		}
		if err := n.round(fsys, fmt.Sprintf("round %d %s.", i, strings.Repeat("-", 600))); err != nil {
			return err
		}
		n.acked.Store(int64(i))
	}
	return nil
}

func (n *notebook) round(fsys FS, text string) error {
	_ = fsys.Remove("d/tmp")
	f, err := fsys.Create("d/tmp")
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(text), 0); err != nil && !n.ignoreShortWrite {
		return err
	}
	if n.renameFirst {
		if err := fsys.Rename("d/tmp", "d/note"); err != nil {
			return err
		}
	}
	if !n.noSync {
		err := n.sync(f)
		if err != nil && n.retrySync {
			err = f.Sync()
		}
		if err != nil && !n.ignoreSyncError {
			return err
		}
	}
	if !n.renameFirst {
		if err := fsys.Rename("d/tmp", "d/note"); err != nil {
			if n.undo { // it failed, so it did not happen?
				_ = fsys.Remove("d/note")
			}
			return err
		}
	}
	if n.noSyncDir {
		return nil
	}
	return fsys.SyncDir("d")
}

// sync is f.Sync, unless patience ends first.
func (n *notebook) sync(f File) error {
	if !n.impatient {
		return f.Sync()
	}
	synced := make(chan error, 1)
	go func() { synced <- f.Sync() }()
	select {
	case err := <-synced:
		return err
	case <-time.After(time.Second):
		return nil
	}
}

// check accepts the acknowledged round or a later one, whole.
func (n *notebook) check(fsys FS) error {
	b, err := ReadFile(fsys, "d/note", 1<<10)
	acked := n.acked.Load()
	if errors.Is(err, fs.ErrNotExist) && acked == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("round %d was acknowledged: %w", acked, err)
	}
	var got int64
	if _, err := fmt.Sscanf(string(b), "round %d", &got); err != nil || got < acked || !strings.HasSuffix(string(b), "-.") {
		return fmt.Errorf("round %d was acknowledged, found %.10q", acked, b)
	}
	return nil
}
