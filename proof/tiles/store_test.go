package tiles

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/vfs"
)

const storeFile = "tlog/hashes"

// leaf is the i-th leaf of the test log; other logs have other salts.
func leaf(salt string, i int64) tlog.Hash {
	return tlog.RecordHash(fmt.Appendf(nil, "%s record %d", salt, i))
}

func leaves(salt string, first, n int64) []tlog.Hash {
	var hs []tlog.Hash
	for i := first; i < first+n; i++ {
		hs = append(hs, leaf(salt, i))
	}
	return hs
}

// model is the same log as package tlog stores it, in memory.
type model []tlog.Hash

func (m model) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hs := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		hs[i] = m[x]
	}
	return hs, nil
}

func modelOf(t testing.TB, salt string, n int64) model {
	t.Helper()
	var m model
	for i := range n {
		hs, err := tlog.StoredHashesForRecordHash(i, leaf(salt, i), m)
		if err != nil {
			t.Fatal(err)
		}
		m = append(m, hs...)
	}
	return m
}

func open(t testing.TB, fsys vfs.FS) *Store {
	t.Helper()
	s, err := Open(fsys, storeFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func newDir(t testing.TB) *vfs.Mem {
	t.Helper()
	m := vfs.NewMem()
	if err := vfs.MakeDir(m, "tlog"); err != nil {
		t.Fatal(err)
	}
	return m
}

// sameAs fails unless the store holds the first n leaves of a log: every hash and every root.
func sameAs(s *Store, salt string, n int64, m model) error {
	if s.Size() != n {
		return fmt.Errorf("%d leaves, want %d", s.Size(), n)
	}
	for i := range tlog.StoredHashCount(n) {
		if h, err := s.ReadHashes([]int64{i}); err != nil || h[0] != m[i] {
			return fmt.Errorf("hash %d is %v (%w), want %v", i, h, err, m[i])
		}
	}
	for size := range n + 1 {
		want, _ := tlog.TreeHash(size, m)
		if got, err := s.Root(size); err != nil || got != want {
			return fmt.Errorf("root at %d is %v (%w), want %v", size, got, err, want)
		}
	}
	return nil
}

func TestStoreIsTheTree(t *testing.T) {
	dir, m := newDir(t), modelOf(t, "a", 300)
	s := open(t, dir)
	if err := sameAs(s, "a", 0, m); err != nil {
		t.Fatal(err)
	}
	for n := int64(0); n < 300; {
		k := min(1+n/3, 300-n)
		if err := s.Append(leaves("a", n, k)...); err != nil {
			t.Fatal(err)
		}
		n += k
		if err := sameAs(s, "a", n, m); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(leaf("a", 300)); !errors.Is(err, errClosed) {
		t.Errorf("appended to a closed store: %v", err)
	}
	if _, err := s.ReadHashes([]int64{0}); !errors.Is(err, errClosed) {
		t.Errorf("read a closed store: %v", err)
	}
	s = open(t, dir)
	if err := sameAs(s, "a", 300, m); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{-1, 301} {
		if h, err := s.Root(size); err == nil {
			t.Errorf("root at %d: %v", size, h)
		}
		if err := s.Truncate(size); err == nil {
			t.Errorf("cut to %d", size)
		}
	}
	for _, i := range []int64{-1, tlog.StoredHashCount(300)} {
		if h, err := s.ReadHashes([]int64{i}); err == nil {
			t.Errorf("hash %d: %v", i, h)
		}
	}
	if err := Remove(dir, storeFile); err != nil {
		t.Fatal(err)
	}
	if err := sameAs(open(t, dir), "a", 0, m); err != nil {
		t.Error(err)
	}
}

func TestAppendOfMoreThanABuffer(t *testing.T) {
	const n = 9000
	dir := newDir(t)
	s, m := open(t, dir), modelOf(t, "big", n)
	if err := s.Append(leaves("big", 0, n)...); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Store{s, open(t, dir)} {
		got, err := s.Root(n)
		if want, _ := tlog.TreeHash(n, m); err != nil || got != want {
			t.Errorf("root %v, %v, want %v", got, err, want)
		}
	}
}

func TestTruncate(t *testing.T) {
	for size := range int64(40) {
		dir := newDir(t)
		s := open(t, dir)
		if err := errors.Join(s.Append(leaves("a", 0, 40)...), s.Truncate(size), sameAs(s, "a", size, modelOf(t, "a", size))); err != nil {
			t.Fatalf("cut to %d: %v", size, err)
		}
		// On goes another log, whose hashes must not mix with what was there.
		m := modelOf(t, "a", size)
		for i := size; i < 40; i++ {
			hs, _ := tlog.StoredHashesForRecordHash(i, leaf("b", i), m)
			m = append(m, hs...)
		}
		if err := errors.Join(s.Append(leaves("b", size, 40-size)...), sameAs(s, "", 40, m), sameAs(open(t, dir), "", 40, m)); err != nil {
			t.Fatalf("cut to %d and on: %v", size, err)
		}
	}
}

func TestReadersBesideTheWriter(t *testing.T) {
	s, m := open(t, newDir(t)), modelOf(t, "a", 500)
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for s.Size() < 500 {
				n := s.Size()
				want, _ := tlog.TreeHash(n, m)
				if got, err := s.Root(n); err != nil || got != want {
					t.Errorf("root at %d: %v, %v", n, got, err)
					return
				}
			}
		})
	}
	for i := range int64(500) {
		if err := s.Append(leaf("a", i)); err != nil {
			t.Error(err)
		}
	}
	readers.Wait()
}
