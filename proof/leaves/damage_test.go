package leaves

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/vfs"
)

// Every flipped byte is found by Check, and a read that meets it says so: what is given out is what was written.
func TestEveryFlippedByteIsFound(t *testing.T) {
	for _, kind := range []Kind{Strips, Census} {
		list := items(kind, 13)
		whole := encode(t, kind, 5, list)
		for at := range whole {
			b := bytes.Clone(whole)
			b[at] ^= 1 << (at % 8)
			f, err := open(t, b)
			if err != nil {
				wantDamage(t, at, err)
				continue
			}
			wantDamage(t, at, f.Check(context.Background()))
			if met := readsAnswerTruth(t, f, list, treeOf(list)); met == 0 {
				t.Fatalf("byte %d: no read met it", at)
			}
		}
	}
}

func wantDamage(t *testing.T, at int, err error) {
	t.Helper()
	var damage *CorruptError
	if !errors.As(err, &damage) || !errors.Is(err, ErrCorrupt) || damage.Path != "f" || damage.Want == damage.Got ||
		!strings.Contains(err.Error(), "f at byte") {
		t.Fatalf("byte %d: %v", at, err)
	}
}

// readsAnswerTruth reads everything in every way and counts what is damaged. All else must be right.
func readsAnswerTruth(t *testing.T, f *File, list []item, tree *merkle.Tree) (met int) {
	t.Helper()
	damaged := func(err error) bool {
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
		if err != nil {
			met++
		}
		return err != nil
	}
	n := int64(len(list))
	for i, x := range list {
		if leaf, err := f.Leaf(int64(i)); !damaged(err) && !bytes.Equal(leaf, x.leaf) {
			t.Fatalf("leaf %d is %q", i, leaf)
		}
		if key, err := f.Key(int64(i)); !damaged(err) && key != x.key {
			t.Fatalf("key %d is %s", i, key)
		}
		if at, found, err := f.Find(x.key); !damaged(err) && (at != int64(i) || !found) {
			t.Fatalf("%s is at %d, %v", x.key, at, found)
		}
		for hi := int64(i) + 1; hi <= n; hi++ {
			want, _ := merkle.ProveRange(n, int64(i), hi, tree)
			if proof, err := f.Prove(int64(i), hi); !damaged(err) && !slices.Equal(proof, want) {
				t.Fatalf("[%d,%d): %v", i, hi, proof)
			}
		}
	}
	got, err := readAll(f)
	if !damaged(err) && len(got) != len(list) || !slices.EqualFunc(got, list[:len(got)], equalItem) {
		t.Fatalf("walked over %v", got)
	}
	return met
}

// A file that is shorter or longer than it was is damaged, however much of it is there.
func TestTruncatedFile(t *testing.T) {
	whole := encode(t, Strips, 5, items(Strips, 6))
	for n := range whole {
		if _, err := open(t, whole[:n]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
	for _, more := range [][]byte{{0}, make([]byte, trailerSize), whole[len(whole)-trailerSize:], whole} {
		if _, err := open(t, append(bytes.Clone(whole), more...)); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%d bytes behind the end: %v", len(more), err)
		}
	}
}

// A record of another file, or another place, is not taken for this one, though its own bytes are whole.
func TestRecordsOfElsewhere(t *testing.T) {
	a, b := items(Strips, 6), items(Strips, 6)
	for i := range b {
		b[i].leaf = bytes.ToUpper(b[i].leaf)
	}
	whole := encode(t, Strips, 5, a)
	end := int(mustOpen(t, whole).trailer.index)
	for name, records := range map[string][]byte{
		"another ordinal": encode(t, Strips, 6, a)[headerSize:end],
		"other leaves":    encode(t, Strips, 5, b)[headerSize:end],
	} {
		file := slices.Concat(whole[:headerSize], records, whole[end:])
		f, err := open(t, file)
		must(t, err)
		if err := f.Check(context.Background()); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
		for i := range int64(len(a)) {
			if leaf, err := f.Leaf(i); !errors.Is(err, ErrCorrupt) && !(name == "other leaves" && string(leaf) == string(b[i].leaf)) {
				t.Errorf("%s: leaf %d is %q, %v", name, i, leaf, err)
			}
		}
	}
}

// Two records that have changed places, of the same length and with as many hashes, are both refused.
func TestExchangedRecords(t *testing.T) {
	list := items(Census, 4)
	for i := range list {
		list[i].leaf = fmt.Append(nil, "leaf", i)
	}
	b := encode(t, Census, 5, list)
	first, _, err0 := mustOpen(t, b).bounds(0, new(scratch))
	third, end, err2 := mustOpen(t, b).bounds(2, new(scratch))
	must(t, errors.Join(err0, err2))
	zero := bytes.Clone(b[first : first+end-third])
	copy(b[first:], b[third:end])
	copy(b[third:], zero)
	f := mustOpen(t, b)
	for _, i := range []int64{0, 2} {
		if leaf, err := f.Leaf(i); !errors.Is(err, ErrCorrupt) {
			t.Errorf("leaf %d is %q, %v", i, leaf, err)
		}
		if key, err := f.Key(i); !errors.Is(err, ErrCorrupt) {
			t.Errorf("key %d is %s, %v", i, key, err)
		}
	}
	if leaf, err := f.Leaf(1); err != nil || !bytes.Equal(leaf, list[1].leaf) {
		t.Errorf("the leaf between them is %q, %v", leaf, err)
	}
}

func TestVersionsAndKinds(t *testing.T) {
	whole := encode(t, Strips, 5, items(Strips, 2))
	for _, c := range []struct {
		name string
		at   int
		b    byte
		want error
	}{
		{"version 2", 4, 2, ErrVersion}, {"version 257", 5, 1, ErrVersion}, {"kind 3", 6, 3, ErrCorrupt}, {"kind 0", 6, 0, ErrCorrupt},
		{"no zero", 7, 1, ErrCorrupt}, {"another magic", 0, 'X', ErrCorrupt},
	} {
		b := bytes.Clone(whole)
		b[c.at] = c.b
		if _, err := open(t, resum(b)); !errors.Is(err, c.want) || c.want == ErrVersion && errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// sickFS fails reads from a place on.
type sickFS struct {
	vfs.FS
	from *int64
}

func (s sickFS) Open(name string) (vfs.File, error) {
	f, err := s.FS.Open(name)
	return sickFile{f, s.from}, err
}

type sickFile struct {
	vfs.File
	from *int64
}

var errSick = errors.New("input/output error")

func (s sickFile) ReadAt(b []byte, at int64) (int, error) {
	if at+int64(len(b)) > *s.from {
		return 0, errSick
	}
	return s.File.ReadAt(b, at)
}

// A disk that fails is not a file that is damaged, and the next read may work.
func TestReadErrorsAreNotDamage(t *testing.T) {
	list := items(Strips, 9)
	b := encode(t, Strips, 5, list)
	from := int64(len(b))
	f, err := Open(sickFS{put(t, b), &from}, "f")
	must(t, err)
	for ; from >= 0; from -= 13 {
		_, openErr := Open(sickFS{put(t, b), &from}, "f")
		if err := errors.Join(openErr, f.Check(context.Background())); from < int64(len(b)) && !errors.Is(err, errSick) || errors.Is(err, ErrCorrupt) {
			t.Fatalf("reads up to %d: %v", from, err)
		}
		if _, err := f.Leaf(8); err != nil && !errors.Is(err, errSick) {
			t.Fatalf("reads up to %d: %v", from, err)
		}
	}
	from = int64(len(b))
	if met := readsAnswerTruth(t, f, list, treeOf(list)); met != 0 {
		t.Errorf("%d errors after the disk is well again", met)
	}
}

func ExampleCorruptError() {
	fmt.Println(corrupt(place{path: "proof/7.strips"}, 20, "CRC 00000001", "00000002"))
	// Output: leaves: proof/7.strips at byte 20 is damaged: want CRC 00000001, got 00000002
}
