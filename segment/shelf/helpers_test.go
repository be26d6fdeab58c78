package shelf

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

const testDir = "data/segments"

// stored is a segment file and what a manifest says of it.
type stored struct {
	info segment.Info
	data []byte
}

// build makes a real segment of a few kilobytes; n tells one from the other.
func build(n int) stored { return buildFrames(n, 20) }

func buildFrames(n, frames int) stored {
	r := rand.New(rand.NewPCG(uint64(n), 7))
	first := uint64(n)*100 + 1
	var b bytes.Buffer
	w := segment.NewWriter(&b, segment.Options{Cluster: "test", History: 1, FirstIndex: first, LastIndex: first + 99})
	err := w.Begin(frame.StreamKey{Tenant: "default", Device: fmt.Sprint("device-", n), Stream: "0"}, 1)
	for i := range uint64(frames) {
		raw := make([]byte, 200)
		for j := range raw {
			raw[j] = byte(r.Uint32()) // nothing to compress
		}
		row := segment.Row{Seq: i, TimeNS: int64(i) * 1e9, ReceiveMS: int64(i) * 1000, Index: first + i, Class: frame.ClassEvent}
		err = errors.Join(err, w.Add(&segment.Record{Row: row, Raw: raw}))
	}
	info, finish := w.Finish()
	if err := errors.Join(err, finish); err != nil {
		panic(err)
	}
	return stored{info, b.Bytes()}
}

var (
	builtMu sync.Mutex
	built   = map[int]stored{}
)

// seg returns the n-th of the segments that tests use.
func seg(n int) stored {
	builtMu.Lock()
	defer builtMu.Unlock()
	if _, ok := built[n]; !ok {
		built[n] = build(n)
	}
	return built[n]
}

func segs(n int) []stored {
	all := make([]stored, n)
	for i := range all {
		all[i] = seg(i)
	}
	return all
}

func manifest(all ...stored) *segment.Manifest {
	m := (*segment.Manifest)(nil)
	for _, s := range all {
		m = m.With(s.info)
	}
	return m
}

func (s stored) place() string { return path.Join(testDir, s.info.Name.FileName()) }
func (s stored) part() string  { return path.Join(testDir, s.info.Name.String()+partExtension) }
func (s stored) copy(n int) string {
	return path.Join(testDir, quarantineName, fmt.Sprintf("%s-%d%s", s.info.Name, n, segment.Extension))
}

// put stores files as an earlier process left them.
func put(t testing.TB, m vfs.FS, all ...stored) {
	t.Helper()
	must(t, vfs.MakeDir(m, testDir))
	for _, s := range all {
		must(t, vfs.WriteFile(m, s.place(), s.data))
	}
}

// small options make ranges of which a test segment has several.
func small() Options {
	return Options{rangeBytes: 512, syncBytes: 2048, ReserveBytes: -1, RetireAfter: -1}
}

func mustOpen(t testing.TB, m vfs.FS, opt Options) *Shelf {
	t.Helper()
	tracked := &tracker{FS: m}
	s, err := Open(tracked, testDir, opt)
	must(t, err)
	t.Cleanup(func() {
		_ = s.Close() // some tests have closed it
		if n := tracked.open.Load(); n != 0 {
			t.Errorf("%d files were left open", n)
		}
	})
	return s
}

// shelfOf returns a shelf that wants all and has them.
func shelfOf(t testing.TB, m vfs.FS, opt Options, all ...stored) *Shelf {
	t.Helper()
	put(t, m, all...)
	s := mustOpen(t, m, opt)
	must(t, s.Want(manifest(all...)))
	if !s.Complete(manifest(all...)) {
		t.Fatalf("not complete: %+v", s.Status())
	}
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// frames reads every frame of a segment.
func frames(r *segment.Reader) (n uint64, err error) {
	each := r.Each(func(_ frame.StreamKey, e *segment.Epoch) error {
		_, err := r.Scan(e, segment.All(), segment.Columns{All: true}, func(*segment.Record) bool { n++; return true })
		return err
	})
	return n, each
}

// readable opens a segment and reads all of it.
func readable(s *Shelf, want stored) error {
	r, release, err := s.Open(want.info.Name)
	if err != nil {
		return err
	}
	defer release()
	n, err := frames(r)
	if err == nil && n != want.info.Frames {
		err = fmt.Errorf("%d frames, want %d", n, want.info.Frames)
	}
	return err
}

func wantReadable(t testing.TB, s *Shelf, all ...stored) {
	t.Helper()
	for _, want := range all {
		if err := readable(s, want); err != nil {
			t.Errorf("segment %s: %v", want.info.Name, err)
		}
	}
}

func wantMissing(t testing.TB, s *Shelf, what stored, why string) {
	t.Helper()
	_, _, err := s.Open(what.info.Name)
	var missing *MissingError
	if !errors.As(err, &missing) || missing.Why != why || missing.Name != what.info.Name || !errors.Is(err, ErrNotHere) {
		t.Errorf("Open: %v, want it %s", err, why)
	}
}

// wantStatus holds what Status says of a segment to a state.
func wantStatus(t testing.TB, s *Shelf, what stored, state State) Status {
	t.Helper()
	for _, st := range s.Status() {
		if st.Name == what.info.Name {
			if st.State != state {
				t.Errorf("%s is %s, want %s: %+v", what.info.Name, st.State, state, st)
			}
			return st
		}
	}
	t.Errorf("no status of %s", what.info.Name)
	return Status{}
}

// rot flips a bit in the middle of a file.
func rot(t testing.TB, m *vfs.Mem, name string, data []byte) {
	t.Helper()
	must(t, m.Flip(name, int64(len(data))/3, 3))
}

func exists(m vfs.FS, name string) bool {
	f, err := m.Open(name)
	if err == nil {
		_ = f.Close()
	}
	return !errors.Is(err, fs.ErrNotExist)
}

func names(t testing.TB, m vfs.FS, dir string) []string {
	t.Helper()
	list, err := m.List(dir)
	must(t, err)
	return slices.DeleteFunc(list, func(n string) bool { return n == quarantineName })
}

// opened counts how often files are opened.
type opened struct {
	mu sync.Mutex
	n  map[string]int
}

func (o *opened) hook(op vfs.Op) error {
	if op.Kind == vfs.OpOpen {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.n == nil {
			o.n = map[string]int{}
		}
		o.n[op.Name]++
	}
	return nil
}

// bubble runs a test in fake time.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// head is a sealed head of a few frames without values.
func head() (*segment.Head, func(frame.StreamID) (frame.StreamKey, bool)) {
	h := segment.NewHead()
	for i := range uint64(50) {
		h.Append(1, 1, segment.Row{Seq: i, TimeNS: int64(i), ReceiveMS: 1, Index: 1 + i/10, Class: frame.ClassEvent})
	}
	return h, func(id frame.StreamID) (frame.StreamKey, bool) {
		return frame.StreamKey{Tenant: "default", Device: "mill-07", Stream: "0"}, id == 1
	}
}
