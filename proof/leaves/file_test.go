package leaves

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/vfs"
	"golang.org/x/mod/sumdb/tlog"
)

// What was added is read, one by one, in any part, and proven, for every small file.
func TestSmallFiles(t *testing.T) {
	ctx := context.Background()
	for n := range 41 {
		kind := []Kind{Strips, Census}[n%2]
		list := items(kind, n)
		f := mustOpen(t, encode(t, kind, uint64(n+7), list))
		tree := treeOf(list)
		if f.Kind() != kind || f.Number() != uint64(n+7) || f.Count() != int64(n) || f.Root() != tree.Root() {
			t.Fatalf("%d leaves: %s %d, %d leaves, root %s", n, f.Kind(), f.Number(), f.Count(), f.Root())
		}
		must(t, f.Check(ctx))
		hashes := make([]merkle.Hash, n)
		for i, x := range list {
			leaf, err := f.Leaf(int64(i))
			must(t, err)
			key, err := f.Key(int64(i))
			must(t, err)
			if !equalItem(x, item{key, leaf}) {
				t.Fatalf("leaf %d of %d is %s %q, want %s %q", i, n, key, leaf, x.key, x.leaf)
			}
			hashes[i] = tlog.RecordHash(leaf)
		}
		for lo := range n + 1 {
			for hi := lo; hi <= n; hi++ {
				var got []item
				must(t, f.Walk(ctx, int64(lo), int64(hi), func(i int64, key Key, leaf []byte) error {
					if i != int64(lo+len(got)) {
						t.Fatalf("leaf %d in the place of %d", i, lo+len(got))
					}
					got = append(got, item{key, slices.Clone(leaf)})
					return nil
				}))
				if !slices.EqualFunc(got, list[lo:hi], equalItem) {
					t.Fatalf("[%d,%d) of %d: %v", lo, hi, n, got)
				}
				proof, err := f.Prove(int64(lo), int64(hi))
				want, wantErr := merkle.ProveRange(int64(n), int64(lo), int64(hi), tree)
				if (err == nil) != (wantErr == nil) || !slices.Equal(proof, want) {
					t.Fatalf("[%d,%d) of %d: %v, %v, want %v", lo, hi, n, proof, err, want)
				}
				if root, err := merkle.RangeRoot(int64(n), int64(lo), hashes[lo:hi], proof); lo < hi && (err != nil || root != f.Root()) {
					t.Fatalf("[%d,%d) of %d leads to %s, %v", lo, hi, n, root, err)
				}
			}
		}
	}
}

// The file is the same whatever it is made on, and whatever was there.
func TestSameLeavesMakeTheSameFile(t *testing.T) {
	list := items(Strips, 30)
	want := encode(t, Strips, 3, list)
	disk, err := vfs.OS(t.TempDir())
	must(t, err)
	for _, fs := range []vfs.FS{disk, put(t, []byte("old"))} {
		for range 2 {
			_, err := save(fs, "f", Strips, 3, list)
			must(t, err)
			if b, err := vfs.ReadFile(fs, "f", 1<<20); err != nil || string(b) != string(want) {
				t.Fatalf("%x, %v, want %x", b, err, want)
			}
			if names, err := fs.List("."); err != nil || !slices.Equal(names, []string{"f"}) {
				t.Errorf("left behind: %v, %v", names, err)
			}
		}
	}
}

// Find is a linear search, for keys that are there and for those before, between and behind them.
func TestFind(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 50, 81} {
		list := items(Strips, n)
		list = slices.DeleteFunc(list, func(x item) bool { return x.key.Device[len(x.key.Device)-1] == '3' })
		f := mustOpen(t, encode(t, Strips, 1, list))
		names := []string{"", "0", "1", "2", "mill-003", "t", "t0", "t0\x00", "t1", "t2", "t3", "\xff"}
		keys := []Key{{}}
		for _, x := range items(Strips, n+10) {
			keys = append(keys, x.key)
			for _, name := range names {
				k := x.key
				k.Epoch = 3
				keys = append(keys, k, key(name, k.Device, k.Stream, 1), key(k.Tenant, name, k.Stream, 1), key(k.Tenant, k.Device, name, 0))
			}
		}
		for _, k := range keys {
			want := slices.IndexFunc(list, func(x item) bool { return x.key.Compare(k) >= 0 })
			if want < 0 {
				want = len(list)
			}
			there := want < len(list) && list[want].key == k
			if i, found, err := f.Find(k); err != nil || i != int64(want) || found != there {
				t.Fatalf("%s of %d: %d, %v, %v, want %d, %v", k, len(list), i, found, err, want, there)
			}
		}
	}
}

// countingFS counts reads.
type countingFS struct {
	vfs.FS
	reads, bytes *int64
}

func (c countingFS) Open(name string) (vfs.File, error) {
	f, err := c.FS.Open(name)
	return countingFile{f, c}, err
}

type countingFile struct {
	vfs.File
	c countingFS
}

func (f countingFile) ReadAt(b []byte, at int64) (int, error) {
	*f.c.reads++
	*f.c.bytes += int64(len(b))
	return f.File.ReadAt(b, at)
}

// A proof, a search and a comparison take a few reads a level, whatever the size.
func TestReadsAreFew(t *testing.T) {
	const n, levels = 20_000, 15
	m := vfs.NewMem()
	list := items(Strips, n)
	for i := range list { // items sorts as text does only up to 400
		list[i].key.Tenant, list[i].key.Device = "t", fmt.Sprintf("mill-%06d", i/4)
	}
	_, err := save(m, "a", Strips, 1, list)
	must(t, err)
	list[12_345].leaf = []byte("another")
	_, err = save(m, "b", Strips, 1, list)
	must(t, err)
	var reads, bytes int64
	open := func(name string) *File {
		f, err := Open(countingFS{m, &reads, &bytes}, name)
		must(t, err)
		t.Cleanup(func() { must(t, f.Close()) })
		return f
	}
	a, b := open("a"), open("b")
	for what, c := range map[string]struct {
		most int64
		do   func() error
	}{
		"a leaf":               {2, func() error { _, err := a.Leaf(777); return err }},
		"a proof":              {4 * levels, func() error { _, err := a.Prove(12_345, 12_346); return err }},
		"a proof of many":      {8 * levels, func() error { _, err := a.Prove(12_345, 18_001); return err }},
		"a search":             {2 * levels, func() error { _, _, err := a.Find(list[4_321].key); return err }},
		"the first difference": {12 * levels, func() error { _, err := First(a, b); return err }},
		"both ends":            {2, func() error { open("a"); return nil }},
	} {
		reads, bytes = 0, 0
		must(t, c.do())
		if reads == 0 || reads > c.most || bytes > 1500*reads {
			t.Errorf("%s took %d reads of %d bytes, at most %d reads are due", what, reads, bytes, c.most)
		}
		t.Logf("%s: %d reads of %d bytes", what, reads, bytes)
	}
}

func TestFirst(t *testing.T) {
	base := items(Strips, 60)
	for _, n := range []int{0, 1, 2, 7, 8, 33, 59, 60} {
		for i := range n {
			changed := slices.Clone(base[:n])
			changed[i].leaf = []byte("other bytes")
			wantFirst(t, base[:n], changed, Difference{Both, int64(i), base[i].key, base[i].leaf, changed[i].leaf})
			without := slices.Delete(slices.Clone(base[:n]), i, i+1)
			wantFirst(t, base[:n], without, Difference{OnlyFirst, int64(i), base[i].key, base[i].leaf, nil})
			wantFirst(t, without, base[:n], Difference{OnlySecond, int64(i), base[i].key, nil, base[i].leaf})
		}
		wantFirst(t, base[:n], base[:n], Difference{Index: int64(n)})
	}
	two := []item{base[1], base[3]}
	wantFirst(t, two, []item{base[2], base[3]}, Difference{OnlyFirst, 0, base[1].key, base[1].leaf, nil})
}

// wantFirst compares two files of these leaves.
func wantFirst(t *testing.T, a, b []item, want Difference) {
	t.Helper()
	got, err := First(mustOpen(t, encode(t, Strips, 1, a)), mustOpen(t, encode(t, Strips, 1, b)))
	must(t, err)
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) || string(got.First) != string(want.First) || string(got.Second) != string(want.Second) {
		t.Fatalf("%d and %d leaves: %s %q %q, want %s", len(a), len(b), got, got.First, got.Second, want)
	}
}

func TestFirstOfOtherFiles(t *testing.T) {
	a := mustOpen(t, encode(t, Strips, 1, items(Strips, 3)))
	for _, b := range []*File{mustOpen(t, encode(t, Strips, 2, items(Strips, 3))), mustOpen(t, encode(t, Census, 1, items(Census, 3)))} {
		if d, err := First(a, b); err == nil {
			t.Errorf("%s %d and %s %d: %s", a.Kind(), a.Number(), b.Kind(), b.Number(), d)
		}
	}
}

func TestOutsideOfTheFile(t *testing.T) {
	f := mustOpen(t, encode(t, Census, 9, items(Census, 5)))
	nothing := func(int64, Key, []byte) error { return errors.New("called") }
	for what, err := range map[string]error{
		"leaf -1": second(f.Leaf(-1)), "leaf 5": second(f.Leaf(5)), "key 5": second(f.Key(5)), "key -1": second(f.Key(-1)),
		"proof of nothing": second(f.Prove(2, 2)), "proof beyond": second(f.Prove(2, 6)), "hash 8": second(f.ReadHashes([]int64{0, 8})),
		"hash -1": second(f.ReadHashes([]int64{-1})), "walk beyond": f.Walk(context.Background(), 0, 6, nothing),
		"walk back": f.Walk(context.Background(), 3, 2, nothing), "walk from -1": f.Walk(context.Background(), -1, 2, nothing),
	} {
		if err == nil || errors.Is(err, ErrCorrupt) || err.Error() == "called" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := Open(vfs.NewMem(), "absent"); err == nil || errors.Is(err, ErrCorrupt) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// Who asks to stop is heard, and fn's error comes back as it is.
func TestWalkStops(t *testing.T) {
	f := mustOpen(t, encode(t, Strips, 1, items(Strips, 9)))
	ctx, cancel := context.WithCancel(context.Background())
	enough, n := errors.New("enough"), 0
	if err := f.Walk(ctx, 0, 9, func(i int64, _ Key, _ []byte) error {
		if n++; i == 4 {
			return enough
		}
		return nil
	}); err != enough || n != 5 {
		t.Errorf("%v after %d leaves", err, n)
	}
	if err := f.Walk(ctx, 0, 9, func(int64, Key, []byte) error { n++; cancel(); return nil }); !errors.Is(err, context.Canceled) || n != 6 {
		t.Errorf("%v after %d leaves", err, n-5)
	}
	if err := f.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Check: %v", err)
	}
}

// A File is for any number of goroutines.
func TestConcurrentReaders(t *testing.T) {
	list := items(Strips, 60)
	f := mustOpen(t, encode(t, Strips, 1, list))
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range list {
				i = (i + 7*g) % len(list)
				leaf, err := f.Leaf(int64(i))
				at, found, findErr := f.Find(list[i].key)
				proof, proveErr := f.Prove(int64(i), int64(i)+1)
				root, rootErr := merkle.RangeRoot(60, int64(i), []merkle.Hash{tlog.RecordHash(leaf)}, proof)
				if err := errors.Join(err, findErr, proveErr, rootErr); err != nil || at != int64(i) || !found || root != f.Root() {
					t.Errorf("leaf %d: %q at %d, root %s, %v", i, leaf, at, root, err)
				}
			}
			if err := f.Check(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
