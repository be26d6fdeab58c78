package shelf

import (
	"errors"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
	"github.com/prometheus/client_golang/prometheus"
)

// copiesOn lists the damaged copies on the disk.
func copiesOn(t *testing.T, m vfs.FS) []string {
	t.Helper()
	list, err := m.List(testDir + "/" + quarantineName)
	must(t, err)
	return list
}

// spoil damages a segment that is here and lets the shelf find it.
func spoil(t *testing.T, m *vfs.Mem, s *Shelf, what stored) {
	t.Helper()
	rot(t, m, what.place(), what.data)
	if err := s.Check(t.Context(), what.info.Name); !errors.Is(err, segment.ErrCorrupt) {
		t.Fatalf("Check: %v", err)
	}
}

// bring fetches what is missing from peers that have everything.
func bring(t *testing.T, s *Shelf) {
	t.Helper()
	must(t, s.Bring(t.Context(), newNetwork(segs(6)...).fetch, peers("b", "c")))
}

// A disk that goes bad over and over does not fill up with evidence.
func TestQuarantineIsBounded(t *testing.T) {
	m := vfs.NewMem()
	opt := small()
	reg := prometheus.NewRegistry()
	opt.QuarantineCopies, opt.Metrics = 3, reg
	s := shelfOf(t, m, opt, segs(2)...)
	for i := range 7 {
		spoil(t, m, s, seg(i%2))
		bring(t, s)
	}
	want := []string{seg(0).copy(5), seg(1).copy(6), seg(0).copy(7)}
	for _, name := range want {
		if !exists(m, name) {
			t.Errorf("%s is not here", name)
		}
	}
	if got := copiesOn(t, m); len(got) != len(want) {
		t.Errorf("%d copies: %q", len(got), got)
	}
	wantReadable(t, s, segs(2)...)
	got := values(t, reg)
	if got["quarantine_copies"] != 3 || got["quarantine_removed_total"] != 4 || got["quarantined_total"] != 7 {
		t.Errorf("%v copies, %v removed, %v put aside", got["quarantine_copies"], got["quarantine_removed_total"], got["quarantined_total"])
	}
	must(t, s.Close())

	opt.QuarantineCopies = 1 // a lower limit holds from the next start on, and the newest is known across it
	s = mustOpen(t, m, opt)
	must(t, s.Want(manifest(segs(2)...)))
	must(t, s.Prune(none))
	if got := copiesOn(t, m); !slices.Equal(got, []string{seg(0).info.Name.String() + "-7" + segment.Extension}) {
		t.Errorf("after the restart: %q", got)
	}
}

// Whatever the limit, a segment that is not here keeps its newest copy: it may be all there is.
func TestLastCopyStays(t *testing.T) {
	m := vfs.NewMem()
	opt := small()
	opt.QuarantineCopies = 1
	s := shelfOf(t, m, opt, segs(4)...)
	for i := range 4 {
		spoil(t, m, s, seg(i))
	}
	if err := s.Bring(t.Context(), newNetwork(seg(0)).fetch, peers("b")); !errors.Is(err, errNoPeer) {
		t.Errorf("three of four cannot be brought: %v", err)
	}
	must(t, s.Prune(none))
	for i := range 4 {
		if exists(m, seg(i).copy(i+1)) != (i > 0) {
			t.Errorf("copy %d of a segment that is here: %v", i+1, i == 0)
		}
	}
	bring(t, s)
	if got := copiesOn(t, m); len(got) != 1 || !exists(m, seg(3).copy(4)) {
		t.Errorf("after the repair of all: %q", got)
	}
}

// Bring does once, and in its caller's goroutine, what Pull does for ever.
func TestBring(t *testing.T) {
	m := vfs.NewMem()
	s := wanting(t, m, small(), segs(3)...)
	n := newNetwork(seg(0), seg(2))
	err := s.Bring(t.Context(), n.fetch, peers("b"))
	if !errors.Is(err, errNoPeer) || !errors.Is(err, ErrNotHere) {
		t.Errorf("nobody has one of them: %v", err)
	}
	wantReadable(t, s, seg(0), seg(2))
	wantNames(t, s, seg(1))
	n.files[seg(1).info.Name] = seg(1).data
	must(t, s.Bring(t.Context(), n.fetch, peers("b"))) // at once, although it failed just before
	wantNames(t, s)
	must(t, s.Bring(t.Context(), nil, nil)) // there is nothing to ask for
	must(t, s.Close())
	if err := s.Bring(t.Context(), n.fetch, peers("b")); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
