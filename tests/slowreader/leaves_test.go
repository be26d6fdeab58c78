package slowreader

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/vfs"
)

func TestLeavesOfThePage(t *testing.T) {
	file := exampleOf(t, "leaves.md", "hex")
	got, err := ReadLeaves(file)
	if err != nil {
		t.Fatal(err)
	}
	root, err := parseHash("Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=")
	if err != nil {
		t.Fatal(err)
	}
	want := &LeafFile{Kind: kindStrips, Number: 7, Root: root, Leaves: []Leaf{
		{Key{"default", "mill-07", "0", 1}, []byte("one")},
		{Key{"default", "mill-07", "0", 2}, []byte("two")},
		{Key{"default", "press-1", "0", 1}, []byte("three")},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	for at := range file {
		flipped := bytes.Clone(file)
		flipped[at] ^= 1 << (at % 8)
		if _, err := ReadLeaves(flipped); !errors.Is(err, ErrDamaged) {
			t.Errorf("byte %d was flipped: %v", at, err)
		}
		if _, err := ReadLeaves(file[:at]); !errors.Is(err, ErrDamaged) {
			t.Errorf("%d bytes of %d: %v", at, len(file), err)
		}
	}
}

// Files of leaves that package leaves wrote are read alike, and its proofs lead to the root.
func TestLeafFilesAgree(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 7, 8, 9, 100} {
		rnd := dice(uint64(n))
		fs := vfs.NewMem()
		path := leaves.FileName(leaves.Strips, 7)
		w, err := leaves.Create(fs, path, leaves.Strips, 7)
		if err != nil {
			t.Fatal(err)
		}
		want := &LeafFile{Kind: kindStrips, Number: 7}
		for i := range n {
			leaf := Leaf{Key{"default", fmt.Sprintf("mill-%04d", i/2), "0", uint32(1 + i%2)}, []byte(fmt.Sprint(rnd.Uint64()))}
			key := leaves.Key{StreamKey: frame.StreamKey{Tenant: leaf.Key.Tenant, Device: leaf.Key.Device, Stream: leaf.Key.Stream}, Epoch: leaf.Key.Epoch}
			if err := w.Add(key, leaf.Bytes); err != nil {
				t.Fatal(err)
			}
			want.Leaves = append(want.Leaves, leaf)
		}
		info, err := w.Finish()
		if err != nil {
			t.Fatal(err)
		}
		want.Root = Hash(info.Root)
		got, err := ReadLeaves(bytesOf(t, fs, path))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%d leaves: %+v, want %+v, %v", n, got, want, err)
		}
		f, err := leaves.Open(fs, path)
		if err != nil {
			t.Fatal(err)
		}
		var hashes []Hash
		for _, leaf := range got.Leaves {
			hashes = append(hashes, leafHash(leaf.Bytes))
		}
		for range 50 {
			from := rnd.IntN(n + 1)
			to := min(n, from+rnd.IntN(5))
			if from == to && n > 0 {
				continue
			}
			proof, err := f.Prove(int64(from), int64(to))
			if err != nil {
				t.Fatal(err)
			}
			same(t, "range", want.Root, fromPublic(proof), func(h []Hash) (Hash, error) {
				return rangeRoot(uint64(n), uint64(from), hashes[from:to], h)
			})
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
