package segment

import (
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// unsynced counts what a file was given since its last sync, and keeps nothing.
type unsynced struct {
	vfs.File
	bytes, most, syncs int
}

func (u *unsynced) WriteAt(b []byte, _ int64) (int, error) {
	u.bytes += len(b)
	u.most = max(u.most, u.bytes)
	return len(b), nil
}

func (u *unsynced) Sync() error {
	u.bytes = 0
	u.syncs++
	return nil
}

// A large file is synced while it is written, so that no sync of the log waits behind all of it; and not more often than that takes.
func TestLargeFilesAreSyncedInPieces(t *testing.T) {
	f := &unsynced{}
	a := &appender{f: f, before: func(int) error { return nil }}
	for range 100 {
		if _, err := a.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if f.most != syncBytes || f.syncs != 6 {
		t.Errorf("100 MiB: %d syncs, at most %d bytes without one, want %d", f.syncs, f.most, syncBytes)
	}
}
