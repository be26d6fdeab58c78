package shelf

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// A full disk is said clearly, asks nobody, and does not end the pull.
func TestNoSpace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		opt := small()
		opt.ReserveBytes = 1000
		need := seg(0).info.Bytes
		m.SetCapacity(need + 999)
		s := wanting(t, m, opt, seg(0))
		n := newNetwork(seg(0))
		p := startPull(t, s, n.fetch, peers("b"))
		waitSecond()
		st := wantStatus(t, s, seg(0), Missing)
		for _, word := range []string{"not enough space", fmt.Sprintf("needs %d bytes", need), "1000 stay free", fmt.Sprintf("%d are free", need+999)} {
			if !strings.Contains(st.Error, word) {
				t.Errorf("%q is not in %q", word, st.Error)
			}
		}
		if len(n.asked) > 0 {
			t.Errorf("peers were asked: %q", n.asked)
		}
		m.SetCapacity(need + 1000)
		if took := p.complete(manifest(seg(0))); took > maxWait {
			t.Errorf("took %v", took)
		}
	})
}

// Pulls that run at the same time do not count on the same free bytes.
func TestSpaceForOneAtATime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		total := seg(0).info.Bytes + seg(1).info.Bytes
		m.SetCapacity(total - 1)
		s := wanting(t, m, small(), segs(2)...)
		n := newNetwork(segs(2)...)
		n.answer = func(_ string, _ segment.Name, _ int64, b []byte) ([]byte, error) {
			<-time.After(10 * time.Millisecond) // so that the other one has time to begin
			return b, nil
		}
		p := startPull(t, s, n.fetch, peers("b"))
		waitSecond()
		if missing := s.Missing(); len(missing) != 1 || len(n.asked) != ranges(0) {
			t.Errorf("%d missing, want 1 of 2 on a disk with room for one; %d ranges asked for", len(missing), len(n.asked))
		}
		m.SetCapacity(total)
		p.complete(manifest(segs(2)...))
	})
}

// The disk fills up although there was room: what was pulled is kept.
func TestDiskFillsUpDuringPull(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		s := wanting(t, m, small(), seg(0))
		var full func(op vfs.Op) error = func(op vfs.Op) error {
			if op.Kind == vfs.OpWrite && op.Offset >= 2048 {
				return vfs.ShortWrite(100, syscall.ENOSPC)
			}
			return nil
		}
		m.Inject(full)
		n := newNetwork(seg(0))
		p := startPull(t, s, n.fetch, peers("b"))
		waitSecond()
		if st := wantStatus(t, s, seg(0), Missing); st.Done != 2048 || !strings.Contains(st.Error, "no space") {
			t.Errorf("status: %+v", st)
		}
		m.Inject(nil)
		n.forget()
		p.complete(manifest(seg(0)))
		if n.asked[0] != "b 2048" {
			t.Errorf("went on with %q", n.asked[0])
		}
		wantReadable(t, s, seg(0))
	})
}

// After a failed sync the file can be read and may not be on the disk: it is pulled again, and nobody is blamed.
func TestFailedSyncStartsOver(t *testing.T) {
	for nth := 1; nth <= 3; nth++ {
		bubble(t, func(t *testing.T) {
			m := vfs.NewMem()
			s := wanting(t, m, small(), seg(0))
			m.Inject(vfs.FailNth(vfs.OpSync, nth, vfs.DropOnSync()))
			n := newNetwork(seg(0))
			startPull(t, s, n.fetch, peers("b")).complete(manifest(seg(0)))
			if first := strings.Count(strings.Join(n.asked, "\n")+"\n", "b 0\n"); first != 2 {
				t.Errorf("sync %d failed: began %d times, want twice", nth, first)
			}
			m = m.CrashClone(vfs.Crash{})
			again := shelfOf(t, m, small())
			must(t, again.Want(manifest(seg(0))))
			must(t, again.Check(t.Context(), seg(0).info.Name))
		})
	}
}
