package leaves

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// Any bytes are read or refused, without a panic; what passes Check would be written again just so.
func FuzzOpen(f *testing.F) {
	for _, g := range golden {
		b, err := os.ReadFile("testdata/" + g.file)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 4<<10 {
			f.Add(b)
		}
	}
	for _, n := range []int{1, 4, 9} {
		f.Add(encode(f, Strips, 5, items(Strips, n)))
		f.Add(encode(f, Census, 5, items(Census, n)))
	}
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range [][]byte{b, resum(bytes.Clone(b))} {
			file, err := Open(put(t, b), "f")
			if err != nil {
				wantKnown(t, err)
				continue
			}
			readSomehow(t, file)
			if err := file.Check(context.Background()); err != nil {
				wantKnown(t, err)
				continue
			}
			list, err := readAll(file)
			must(t, err)
			if again := encode(t, file.Kind(), file.Number(), list); !bytes.Equal(again, b) {
				t.Fatalf("read\n%x\nit is written as\n%x", b, again)
			}
			if met := readsAnswerTruth(t, file, list[:min(len(list), 12)], treeOf(list)); met > 0 && len(list) <= 12 {
				t.Fatalf("%d errors of a file that was checked", met)
			}
			must(t, file.Close())
		}
	})
}

func wantKnown(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
		t.Fatalf("damage is reported as %v", err)
	}
}

// readSomehow reads here and there in a file that may be damaged.
func readSomehow(t *testing.T, f *File) {
	n := f.Count()
	for _, i := range []int64{0, n / 3, n - 1} {
		if i < 0 || i >= n {
			continue
		}
		_, leafErr := f.Leaf(i)
		_, keyErr := f.Key(i)
		_, oneErr := f.Prove(i, i+1)
		_, manyErr := f.Prove(i/2, n)
		_, _, findErr := f.Find(Key{StreamKey: frame.StreamKey{Tenant: "t0", Device: "mill-001", Stream: "0"}, Epoch: uint32(i)})
		for _, err := range []error{leafErr, keyErr, oneErr, manyErr, findErr} {
			if err != nil {
				wantKnown(t, err)
			}
		}
	}
	if _, err := readAll(f); err != nil {
		wantKnown(t, err)
	}
	if _, err := First(f, f); err != nil {
		wantKnown(t, err)
	}
}

// Two files of any leaves differ where a comparison leaf by leaf says.
func FuzzFirst(f *testing.F) {
	f.Add([]byte("abcdefgh"), []byte("abcxefgh"))
	f.Add([]byte{}, []byte{1})
	f.Add([]byte{1, 0, 1}, []byte{1, 1})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		x, y := chosen(a), chosen(b)
		i := 0
		for i < min(len(x), len(y)) && equalItem(x[i], y[i]) {
			i++
		}
		want := Difference{Index: int64(i)}
		hasX, hasY := i < len(x), i < len(y)
		switch {
		case !hasX && !hasY:
		case hasX && (!hasY || x[i].key.Compare(y[i].key) < 0):
			want = Difference{OnlyFirst, int64(i), x[i].key, x[i].leaf, nil}
		case !hasX || x[i].key != y[i].key:
			want = Difference{OnlySecond, int64(i), y[i].key, nil, y[i].leaf}
		default:
			want = Difference{Both, int64(i), x[i].key, x[i].leaf, y[i].leaf}
		}
		wantFirst(t, x, y, want)
	})
}

// chosen are leaves of which each byte says whether there is one and what it says beside its key.
func chosen(b []byte) (list []item) {
	all := items(Strips, min(len(b), 200))
	for i, x := range all {
		if b[i]%4 != 0 {
			list = append(list, item{x.key, fmt.Append(nil, x.key, b[i]%4)})
		}
	}
	return list
}
