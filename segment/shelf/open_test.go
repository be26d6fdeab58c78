package shelf

import (
	"errors"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

func TestOpenReads(t *testing.T) {
	s := shelfOf(t, vfs.NewMem(), small(), segs(3)...)
	wantReadable(t, s, segs(3)...)
	wantMissing(t, s, seg(3), WhyDropped)
	r, release, err := s.Open(seg(1).info.Name)
	must(t, err)
	if got := r.Info(); got != seg(1).info {
		t.Errorf("info %+v, want %+v", got, seg(1).info)
	}
	release()
	release()
	wantReadable(t, s, seg(1)) // a second release took nobody's reference
}

func TestUnfinishedFilesAtStart(t *testing.T) {
	m := vfs.NewMem()
	put(t, m, seg(0), seg(1))
	for name, data := range map[string][]byte{
		"a.tmp": {1}, "README": {2}, "zz.gseg": {3},
		seg(0).info.Name.String() + ".part": {4},
		seg(2).info.Name.String() + ".part": seg(2).data[:3000],
	} {
		must(t, vfs.WriteFile(m, testDir+"/"+name, data))
	}
	mustOpen(t, m, small())
	for name, want := range map[string]bool{
		testDir + "/a.tmp": false, testDir + "/README": true, testDir + "/zz.gseg": true, seg(0).place(): true, seg(1).place(): true,
		seg(0).part(): false, seg(2).part(): true,
	} {
		if exists(m, name) != want {
			t.Errorf("%s is there: %v, want %v", name, !want, want)
		}
	}
}

// A file is opened once however many open it at the same time.
func TestConcurrentOpensOpenOnce(t *testing.T) {
	m := vfs.NewMem()
	put(t, m, seg(0))
	s := mustOpen(t, m, small())
	var seen opened
	m.Inject(seen.hook)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if err := readable(s, seg(0)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := seen.n[seg(0).place()]; n != 1 {
		t.Errorf("opened %d times", n)
	}
}

func TestMaxOpen(t *testing.T) {
	m := vfs.NewMem()
	opt := small()
	opt.MaxOpen = 2
	s := shelfOf(t, m, opt, segs(5)...)
	if n := s.openFiles(); n != 2 {
		t.Errorf("%d files open after a look at 5, want 2", n)
	}
	var releases []func()
	for i := range 4 {
		_, release, err := s.Open(seg(i).info.Name)
		must(t, err)
		releases = append(releases, release)
	}
	if n := s.openFiles(); n != 4 {
		t.Errorf("%d files open while 4 are read", n)
	}
	for _, release := range releases {
		release()
	}
	if n := s.openFiles(); n != 2 {
		t.Errorf("%d files open after all were released, want 2", n)
	}
	var seen opened
	m.Inject(seen.hook)
	wantReadable(t, s, seg(3), seg(2)) // the last two released
	wantReadable(t, s, seg(0), seg(3)) // 0 takes the place of 3, then 3 that of 2
	wantReadable(t, s, seg(0))
	if len(seen.n) != 2 || seen.n[seg(0).place()] != 1 || seen.n[seg(3).place()] != 1 {
		t.Errorf("opened again: %v", seen.n)
	}
}

// TestMaxFiles reads more segments at once than there may be descriptors: all are read whole, never too many files are open, and none is left.
func TestMaxFiles(t *testing.T) {
	mem := vfs.NewMem()
	m := &tracker{FS: mem}
	opt := small()
	opt.MaxFiles, opt.CacheBytes = 3, -1
	s := shelfOf(t, m, opt, segs(6)...)
	m.most.Store(0)
	mem.Inject(func(vfs.Op) error { runtime.Gosched(); return nil })
	var reading sync.WaitGroup
	for range 6 {
		reading.Go(func() {
			for range 5 {
				readAllAtOnce(t, s, segs(6)...)
			}
		})
	}
	reading.Wait()
	if n := m.most.Load(); n > 3 {
		t.Errorf("%d files were open at a time", n)
	}
	if n := m.open.Load(); n > 2 || int64(s.openFiles()) != n {
		t.Errorf("%d files stay open, the shelf counts %d", n, s.openFiles())
	}
	for _, what := range segs(6) {
		must(t, s.Check(t.Context(), what.info.Name))
	}
}

// readAllAtOnce holds segments while it reads each of them.
func readAllAtOnce(t *testing.T, s *Shelf, all ...stored) {
	var readers []*segment.Reader
	for _, what := range all {
		r, release, err := s.Open(what.info.Name)
		if err != nil {
			t.Error(err)
			return
		}
		defer release()
		readers = append(readers, r)
	}
	for i, r := range readers {
		if n, err := frames(r); err != nil || n != all[i].info.Frames {
			t.Errorf("segment %d: %d frames, %v, want %d", i, n, err, all[i].info.Frames)
		}
	}
}

// TestMaxFilesOfDamage: damage is met in a file that is opened for each read, too, and its copy goes into quarantine under the readers.
func TestMaxFilesOfDamage(t *testing.T) {
	m := vfs.NewMem()
	opt := small()
	opt.MaxFiles, opt.CacheBytes = 2, -1
	s := shelfOf(t, m, opt, segs(3)...)
	_, keep, err := s.Open(seg(0).info.Name) // takes the descriptor that stays
	must(t, err)
	defer keep()
	r, release, err := s.Open(seg(1).info.Name)
	must(t, err)
	defer release()
	rot(t, m, seg(1).place(), seg(1).data)
	if _, err := frames(r); !damaged(err) {
		t.Errorf("%v, want damage", err)
	}
	if _, _, err := s.Open(seg(1).info.Name); !errors.Is(err, ErrNotHere) {
		t.Errorf("%v, want ErrNotHere", err)
	}
	if _, err := frames(r); err == nil {
		t.Error("a reader of a copy in quarantine reads what is not there")
	}
	wantReadable(t, s, seg(0), seg(2))
}

// What is not damage does not cost a segment its place.
func TestFailuresThatAreNoDamage(t *testing.T) {
	m := vfs.NewMem()
	s := shelfOf(t, m, Options{MaxOpen: 1}, seg(0), seg(1))
	m.Inject(vfs.FailKind(vfs.OpOpen, syscall.EMFILE))
	_, _, err := s.Open(seg(0).info.Name)
	if !errors.Is(err, syscall.EMFILE) || errors.Is(err, ErrNotHere) {
		t.Errorf("%v, want EMFILE", err)
	}
	m.Inject(nil)
	wantReadable(t, s, seg(0), seg(1))
	if len(names(t, m, testDir+"/"+quarantineName)) != 0 {
		t.Error("a segment was put into quarantine")
	}
}

func TestReadRange(t *testing.T) {
	s := shelfOf(t, vfs.NewMem(), small(), seg(0))
	data := seg(0).data
	var got []byte
	for len(got) < len(data) {
		b, err := s.ReadRange(seg(0).info.Name, int64(len(got)), min(1000, len(data)-len(got)))
		must(t, err)
		got = append(got, b...)
	}
	if string(got) != string(data) {
		t.Error("other bytes than the file's")
	}
	for _, r := range []struct {
		offset int64
		n      int
	}{{-1, 10}, {0, 0}, {0, -1}, {0, len(data) + 1}, {int64(len(data)), 1}, {1 << 62, 1}, {0, MaxRangeBytes + 1}} {
		if b, err := s.ReadRange(seg(0).info.Name, r.offset, r.n); err == nil {
			t.Errorf("%d bytes at %d gave %d bytes", r.n, r.offset, len(b))
		}
	}
	if _, err := s.ReadRange(seg(1).info.Name, 0, MaxRangeBytes+1); err == nil || errors.Is(err, ErrNotHere) {
		t.Errorf("too long a range: %v", err)
	}
	if _, err := s.ReadRange(seg(1).info.Name, 0, 10); !errors.Is(err, ErrNotHere) {
		t.Errorf("of a segment that is not here: %v", err)
	}
}

func TestClose(t *testing.T) {
	m := vfs.NewMem()
	s := shelfOf(t, m, Options{CacheBytes: -1}, segs(2)...)
	r, release, err := s.Open(seg(0).info.Name)
	must(t, err)
	must(t, s.Close())
	if n, err := frames(r); err != nil || n != seg(0).info.Frames {
		t.Errorf("a reader after Close: %d frames, %v", n, err)
	}
	release()
	if n := s.openFiles(); n != 0 {
		t.Errorf("%d files are still open", n)
	}
	_, _, open := s.Open(seg(0).info.Name)
	_, serve := s.ReadRange(seg(0).info.Name, 0, 1)
	for name, err := range map[string]error{
		"Open": open, "ReadRange": serve, "Close": s.Close(), "Want": s.Want(nil), "Added": s.Added(seg(0).info),
		"Prune": s.Prune(func(segment.Name) bool { return false }), "Check": s.Check(t.Context(), seg(0).info.Name),
		"Pull": s.Pull(t.Context(), nil, nil),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", name, err)
		}
	}
}

// Who opens a segment while the shelf is closed gets nothing, and no file stays open.
func TestCloseDuringOpen(t *testing.T) {
	m := vfs.NewMem()
	put(t, m, seg(0))
	s := mustOpen(t, m, small())
	var once sync.Once
	m.Inject(func(op vfs.Op) error {
		once.Do(func() { must(t, s.Close()) })
		return nil
	})
	if _, _, err := s.Open(seg(0).info.Name); !errors.Is(err, ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
}

func TestOptionsRefused(t *testing.T) {
	for _, opt := range []Options{{MaxOpen: -1}, {MaxFiles: -1}, {Parallel: -1}, {PullBytesPerSecond: -1}} {
		if _, err := Open(vfs.NewMem(), testDir, opt); err == nil {
			t.Errorf("%+v is taken", opt)
		}
	}
}
