package shelf

import (
	"syscall"
	"testing"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

func wantNames(t *testing.T, s *Shelf, all ...stored) {
	t.Helper()
	got := s.Missing()
	if len(got) != len(all) {
		t.Fatalf("%d segments are missing, want %d", len(got), len(all))
	}
	for i := range all {
		if got[i] != all[i].info {
			t.Errorf("missing %d: %+v, want %+v", i, got[i], all[i].info)
		}
	}
}

func TestWant(t *testing.T) {
	m := vfs.NewMem()
	put(t, m, seg(0), seg(2), seg(4))
	s := mustOpen(t, m, small())
	changed := s.Changed()
	must(t, s.Want(manifest(segs(4)...)))
	select {
	case <-changed:
	default:
		t.Error("nobody was told that segments are missing")
	}
	wantNames(t, s, seg(1), seg(3))
	if s.Complete(manifest(segs(4)...)) || !s.Complete(manifest(seg(0), seg(2))) || !s.Complete(nil) {
		t.Error("Complete is wrong")
	}
	if !s.Complete(manifest(seg(4))) {
		t.Error("a file from before the start, in no manifest so far, does not count")
	}
	wantReadable(t, s, seg(4))
	must(t, s.Want(manifest(seg(3), seg(4))))
	wantNames(t, s, seg(3))
	for _, name := range []stored{seg(0), seg(2)} { // in no manifest, and there until Prune
		wantReadable(t, s, name)
		if st := wantStatus(t, s, name, Present); st.Wanted {
			t.Error("a segment that no manifest lists counts as wanted")
		}
	}
	if list := s.Status(); len(list) != 4 || list[0].Name != seg(3).info.Name || list[1].Name != seg(4).info.Name {
		t.Errorf("status: %+v", list)
	}
	must(t, s.Want(nil))
	wantNames(t, s)
}

// Want of what was seen before touches no file, and of what is new opens each file once.
func TestWantIsCheap(t *testing.T) {
	m := vfs.NewMem()
	s := shelfOf(t, m, small(), segs(3)...)
	before := m.Ops()
	must(t, s.Want(manifest(segs(2)...)))
	must(t, s.Want(manifest(segs(3)...)))
	if n := m.Ops() - before; n != 0 {
		t.Errorf("%d operations", n)
	}
}

// The first look at a file finds what is obviously wrong.
func TestWantFindsDamage(t *testing.T) {
	for name, damage := range map[string]func(b []byte) []byte{
		"too short": func(b []byte) []byte { return b[:len(b)-1] },
		"too long":  func(b []byte) []byte { return append(b, 0) },
		"empty":     func([]byte) []byte { return nil },
		"another":   func([]byte) []byte { return buildFrames(5, 30).data },
		"footer":    func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
	} {
		t.Run(name, func(t *testing.T) {
			m := vfs.NewMem()
			bad := seg(0)
			bad.data = damage(append([]byte(nil), bad.data...))
			put(t, m, bad, seg(1))
			s := mustOpen(t, m, small())
			must(t, s.Want(manifest(segs(2)...)))
			wantNames(t, s, seg(0))
			wantMissing(t, s, seg(0), WhyDamaged)
			if st := wantStatus(t, s, seg(0), Quarantined); st.Damage == "" || st.Done != 0 {
				t.Errorf("status: %+v", st)
			}
			if exists(m, seg(0).place()) || !exists(m, seg(0).copy(1)) {
				t.Errorf("not in quarantine:\n%s", m)
			}
		})
	}
}

// A file that cannot be judged is neither thrown out nor believed.
func TestWantThatCannotJudge(t *testing.T) {
	m := vfs.NewMem()
	put(t, m, seg(0))
	s := mustOpen(t, m, small())
	m.Inject(vfs.FailKind(vfs.OpOpen, syscall.EMFILE))
	if err := s.Want(manifest(seg(0))); err == nil {
		t.Error("no error")
	}
	wantNames(t, s, seg(0))
	m.Inject(nil)
	must(t, s.Want(manifest(seg(0))))
	wantNames(t, s)
}

func TestManifestsThatDisagree(t *testing.T) {
	s := shelfOf(t, vfs.NewMem(), small(), seg(0))
	other := seg(0)
	other.info.Bytes++
	if err := s.Want(manifest(other)); err == nil {
		t.Error("no error")
	}
	if s.Complete(manifest(other)) {
		t.Error("complete")
	}
}

// flushed is what a node does at a flush.
func flushed(m vfs.FS, s *Shelf, what stored) error {
	if err := vfs.WriteFile(m, s.place(what.info.Name), what.data); err != nil {
		return err
	}
	return s.Added(what.info)
}

func TestAdded(t *testing.T) {
	m := vfs.NewMem()
	s := shelfOf(t, m, small(), seg(0))
	must(t, flushed(m, s, seg(1)))
	wantReadable(t, s, seg(1))
	must(t, s.Added(seg(1).info)) // after a restart the same flush is done again
	must(t, s.Want(manifest(segs(2)...)))
	wantNames(t, s)
	if err := s.Added(seg(2).info); err == nil {
		t.Error("a segment was added that is not there")
	}
	wantMissing(t, s, seg(2), WhyDamaged)
	must(t, flushed(m, s, seg(2)))
	wantReadable(t, s, seg(2))
	if s.Dir() != testDir || s.FS() == nil {
		t.Error("segments go to another place")
	}
}

// A flush that finds a file of its name must not bring a damaged one back into use.
func TestAddedOverDamage(t *testing.T) {
	m := vfs.NewMem()
	s := shelfOf(t, m, small(), seg(0))
	rot(t, m, seg(0).place(), seg(0).data)
	m.Inject(vfs.FailKind(vfs.OpRename, syscall.EIO))
	if err := s.Check(t.Context(), seg(0).info.Name); err == nil {
		t.Fatal("damage was not found")
	}
	m.Inject(nil)
	if err := s.Added(seg(0).info); err == nil {
		t.Error("a damaged file was taken for the result of a flush")
	}
	wantMissing(t, s, seg(0), WhyDamaged)
	must(t, flushed(m, s, seg(0)))
	wantReadable(t, s, seg(0))
}

// TestFlushedHead goes the way of a node: a head, written by segment.Write, added.
func TestFlushedHead(t *testing.T) {
	m := vfs.NewMem()
	s := mustOpen(t, m, small())
	h, key := head()
	info, err := segment.Write(s.FS(), s.Dir(), segment.Options{Cluster: "test", History: 1, FirstIndex: 1, LastIndex: 9}, h, key)
	must(t, err)
	must(t, s.Added(info))
	must(t, s.Want((*segment.Manifest)(nil).With(info)))
	if !s.Complete((*segment.Manifest)(nil).With(info)) {
		t.Errorf("not complete: %+v", s.Status())
	}
	must(t, s.Check(t.Context(), info.Name))
	wantReadable(t, s, stored{info: info})
}
