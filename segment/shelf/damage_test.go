package shelf

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// Damage that a read finds takes the segment out of use, by name and place, and a pull brings it back.
func TestDamageOnReadIsRepaired(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		var log bytes.Buffer
		opt := small()
		opt.Logger = slog.New(slog.NewTextHandler(&log, nil))
		s := shelfOf(t, m, opt, segs(2)...)
		rot(t, m, seg(0).place(), seg(0).data)
		changed := s.Changed()
		if err := readable(s, seg(0)); !errors.Is(err, segment.ErrCorrupt) {
			t.Fatalf("read of a damaged segment: %v", err)
		}
		wantMissing(t, s, seg(0), WhyDamaged)
		wantNames(t, s, seg(0))
		if st := wantStatus(t, s, seg(0), Quarantined); !strings.Contains(st.Damage, seg(0).place()) {
			t.Errorf("the status does not name the place: %+v", st)
		}
		if _, err := s.ReadRange(seg(0).info.Name, 0, 1); !errors.Is(err, ErrNotHere) {
			t.Errorf("damage is served to peers: %v", err)
		}
		select {
		case <-changed:
		default:
			t.Error("nobody was told")
		}
		if exists(m, seg(0).place()) || !exists(m, seg(0).copy(1)) {
			t.Errorf("not in quarantine:\n%s", m)
		}
		for _, word := range []string{"path=" + seg(0).place(), "offset=", "want=", "got=", "segment=" + seg(0).info.Name.String()} {
			if !strings.Contains(log.String(), word) {
				t.Errorf("%q is not in the log:\n%s", word, &log)
			}
		}
		wantReadable(t, s, seg(1))

		p := startPull(t, s, newNetwork(segs(2)...).fetch, peers("b"))
		p.complete(manifest(segs(2)...))
		wantReadable(t, s, segs(2)...)
		if st := wantStatus(t, s, seg(0), Present); st.Damage != "" || st.Error != "" || st.Done != st.Bytes {
			t.Errorf("after the repair: %+v", st)
		}
		if !exists(m, seg(0).copy(1)) {
			t.Error("the damaged copy is gone")
		}
		p.stop()
		rot(t, m, seg(0).place(), seg(0).data)
		_ = s.Check(t.Context(), seg(0).info.Name)
		if st := wantStatus(t, s, seg(0), Quarantined); st.Done != 0 {
			t.Errorf("damaged again: %+v", st)
		}
	})
}

// A pull that waits for nothing is woken by damage, and the second damaged copy does not take the place of the first.
func TestDamageAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		s := shelfOf(t, m, small(), seg(0))
		p := startPull(t, s, newNetwork(seg(0)).fetch, peers("b"))
		for n := range 3 {
			rot(t, m, seg(0).place(), seg(0).data)
			if err := s.Check(t.Context(), seg(0).info.Name); !errors.Is(err, segment.ErrCorrupt) {
				t.Fatalf("check of a damaged segment: %v", err)
			}
			p.complete(manifest(seg(0)))
			must(t, s.Check(t.Context(), seg(0).info.Name))
			if !exists(m, seg(0).copy(n+1)) {
				t.Errorf("no copy %d:\n%s", n+1, m)
			}
		}
	})
}

// What was learned of peers when a segment was pulled does not hold up its repair.
func TestRepairStartsAfresh(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		s := wanting(t, m, small(), seg(0))
		n := newNetwork(seg(0))
		list := []string{"b", "c"}
		n.answer = func(peer string, _ segment.Name, _ int64, b []byte) ([]byte, error) {
			if peer == "b" {
				b[0] ^= 1
			}
			return b, nil
		}
		p := startPull(t, s, n.fetch, func() []string { return list })
		p.complete(manifest(seg(0)))
		p.stop()
		rot(t, m, seg(0).place(), seg(0).data)
		_ = s.Check(t.Context(), seg(0).info.Name)
		n.answer = nil
		list = []string{"b"}
		p = startPull(t, s, n.fetch, func() []string { return list })
		if took := p.complete(manifest(seg(0))); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

// Readers that were open go on with what is whole, and what they report of the old copy does not hit the new one.
func TestReadersOfAQuarantinedCopy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		opt := small()
		opt.CacheBytes = -1
		s := shelfOf(t, m, opt, seg(0))
		r, release, err := s.Open(seg(0).info.Name)
		must(t, err)
		old := s.find(seg(0).info.Name).handle
		for range 2 { // the second report is no news
			s.damage(old, errors.New("a report about a copy that is whole"))
			wantMissing(t, s, seg(0), WhyDamaged)
		}
		if n := testutil.ToFloat64(s.metrics.quarantined); n != 1 || !exists(m, seg(0).copy(1)) {
			t.Errorf("%v segments were quarantined:\n%s", n, m)
		}
		if n, err := frames(r); err != nil || n != seg(0).info.Frames {
			t.Errorf("a reader from before: %d frames, %v", n, err)
		}
		p := startPull(t, s, newNetwork(seg(0)).fetch, peers("b"))
		p.complete(manifest(seg(0)))
		rot(t, m, seg(0).copy(1), seg(0).data)
		if _, err := frames(r); !errors.Is(err, segment.ErrCorrupt) {
			t.Errorf("the old reader sees no damage: %v", err)
		}
		wantReadable(t, s, seg(0))
		wantStatus(t, s, seg(0), Present)
		if n := s.openFiles(); n != 2 {
			t.Errorf("%d files open, want the old copy's and the new one's", n)
		}
		release()
		if n := s.openFiles(); n != 1 {
			t.Errorf("%d files open after the old reader's release", n)
		}
	})
}

// A sector that cannot be read is damage, whoever reads: a query, a peer, a check.
func TestUnreadableSector(t *testing.T) {
	reads := map[string]func(s *Shelf) error{
		"query": func(s *Shelf) error { return readable(s, seg(0)) },
		"peer":  func(s *Shelf) error { _, err := s.ReadRange(seg(0).info.Name, 0, 100); return err },
		"check": func(s *Shelf) error { return s.Check(context.Background(), seg(0).info.Name) },
	}
	for name, read := range reads {
		t.Run(name, func(t *testing.T) {
			m := vfs.NewMem()
			s := shelfOf(t, m, small(), seg(0))
			m.Inject(vfs.FailKind(vfs.OpRead, syscall.EIO))
			if err := read(s); !errors.Is(err, syscall.EIO) {
				t.Errorf("%v, want EIO", err)
			}
			wantMissing(t, s, seg(0), WhyDamaged)
			if !exists(m, seg(0).copy(1)) {
				t.Errorf("not in quarantine:\n%s", m)
			}
		})
	}
}

// A segment that was repaired counts after a restart, and one that a power loss shows both at its place and in quarantine is found out again.
func TestCopyInQuarantineBesideAFile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, whole := range []bool{true, false} {
			m := vfs.NewMem()
			put(t, m, seg(0))
			if !whole {
				rot(t, m, seg(0).place(), seg(0).data)
			}
			must(t, vfs.MakeDir(m, testDir+"/"+quarantineName))
			must(t, vfs.WriteFile(m, seg(0).copy(1), []byte("damaged")))
			s := mustOpen(t, m, small())
			must(t, s.Want(manifest(seg(0))))
			if err := readable(s, seg(0)); (err == nil) != whole {
				t.Errorf("whole %v: read %v", whole, err)
			}
			if exists(m, seg(0).copy(2)) == whole {
				t.Errorf("whole %v:\n%s", whole, m)
			}
			p := startPull(t, s, newNetwork(seg(0)).fetch, peers("b"))
			p.complete(manifest(seg(0)))
			wantReadable(t, s, seg(0))
			p.stop()
		}
	})
}

// While a damaged file cannot be moved it is not served, nothing is put in its place, and it is moved later.
func TestQuarantineThatFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		s := shelfOf(t, m, small(), seg(0))
		rot(t, m, seg(0).place(), seg(0).data)
		m.Inject(vfs.FailKind(vfs.OpRename, syscall.EROFS))
		changed := s.Changed()
		if err := s.Check(t.Context(), seg(0).info.Name); err == nil {
			t.Fatal("no error")
		}
		select {
		case <-changed:
		default:
			t.Error("nobody was told")
		}
		wantMissing(t, s, seg(0), WhyDamaged)
		n := newNetwork(seg(0))
		p := startPull(t, s, n.fetch, peers("b"))
		waitSecond()
		waitSecond()
		if st := wantStatus(t, s, seg(0), Quarantined); !strings.Contains(st.Error, "still at its place") || n.askedOf("b") > 0 {
			t.Errorf("status %+v, %d ranges pulled", st, n.askedOf("b"))
		}
		m.Inject(nil)
		p.complete(manifest(seg(0)))
		if !exists(m, seg(0).copy(1)) {
			t.Errorf("not in quarantine:\n%s", m)
		}
		wantReadable(t, s, seg(0))
	})
}

// A file that somebody took away is missing like a damaged one.
func TestFileThatVanished(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		opt := small()
		opt.MaxOpen = 1
		s := shelfOf(t, m, opt, segs(2)...)
		must(t, m.Remove(seg(0).place()))
		wantMissing(t, s, seg(0), WhyDamaged)
		startPull(t, s, newNetwork(seg(0)).fetch, peers("b")).complete(manifest(segs(2)...))
		wantReadable(t, s, segs(2)...)
	})
}

func TestCheckEndsWithItsContext(t *testing.T) {
	m := vfs.NewMem()
	s := shelfOf(t, m, small(), seg(0))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Check(ctx, seg(0).info.Name); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want it cancelled", err)
	}
	wantReadable(t, s, seg(0))
	if err := s.Check(t.Context(), seg(1).info.Name); !errors.Is(err, ErrNotHere) {
		t.Errorf("check of what is not here: %v", err)
	}
}

// Many readers find the same damage at once: one of them moves the file.
func TestDamageFoundByMany(t *testing.T) {
	m := vfs.NewMem()
	opt := small()
	opt.CacheBytes = -1
	s := shelfOf(t, m, opt, seg(0))
	rot(t, m, seg(0).place(), seg(0).data)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := readable(s, seg(0)); err == nil {
				t.Error("damage was served")
			}
		})
	}
	wg.Wait()
	if list := names(t, m, testDir+"/"+quarantineName); len(list) != 1 {
		t.Errorf("in quarantine: %q", list)
	}
	if n := s.openFiles(); n != 0 {
		t.Errorf("%d files are still open", n)
	}
}
