package tiles

import (
	"testing"
	"testing/synctest"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/vfs"
)

// TestHungReader: a read that hangs keeps nobody from the size, and no hash from being appended; a cut waits, for it would take the hash away.
func TestHungReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := newDir(t)
		s := open(t, dir)
		if err := s.Append(leaves("a", 0, 5)...); err != nil {
			t.Fatal(err)
		}
		hang := make(chan struct{})
		dir.Inject(func(op vfs.Op) error {
			if op.Kind == vfs.OpRead {
				<-hang
			}
			return nil
		})
		var got []tlog.Hash
		var read, cut error
		cuts := false
		go func() { got, read = s.ReadHashes([]int64{0}) }()
		synctest.Wait()
		if err := s.Append(leaf("a", 5)); err != nil || s.Size() != 6 || s.Bytes() != slotOffset(tlog.StoredHashCount(6)) {
			t.Errorf("%d leaves, %v", s.Size(), err)
		}
		go func() { cut, cuts = s.Truncate(0), true }()
		if s.Size() != 6 || cuts {
			t.Errorf("%d leaves, cut: %t", s.Size(), cuts)
		}
		close(hang)
		synctest.Wait()
		if read != nil || len(got) != 1 || got[0] != leaf("a", 0) || cut != nil || !cuts || s.Size() != 0 {
			t.Errorf("read %v %v, cut %v, %d leaves", got, read, cut, s.Size())
		}
	})
}
