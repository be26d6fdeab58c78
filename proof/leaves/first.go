package leaves

import (
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Where says in which of two files a leaf is.
type Where uint8

const (
	Nowhere    Where = iota // the files do not differ
	OnlyFirst               // the second file has no leaf of this key
	OnlySecond              // the first file has no leaf of this key
	Both                    // both have one, with other bytes
)

func (w Where) String() string {
	return [...]string{"no difference", "only in the first", "only in the second", "in both, with other bytes"}[w]
}

// Difference is the first leaf in which two files differ.
type Difference struct {
	Where         Where
	Index         int64 // of the leaf; all before it are the same
	Key           Key
	First, Second []byte // the leaves; nil where there is none
}

func (d Difference) String() string {
	if d.Where == Nowhere {
		return d.Where.String()
	}
	return fmt.Sprintf("leaf %d, %s: %s", d.Index, d.Key, d.Where)
}

// First is the first leaf in which two files of the same kind and number differ. It descends along the hashes that differ: it takes about as
// many reads as the trees have levels. Leaves of the same bytes are the same, whatever keys stand beside them.
func First(a, b *File) (Difference, error) {
	if a.header != b.header {
		return Difference{}, fmt.Errorf("leaves: %s is %s %d, %s is %s %d: they cannot be compared",
			a.path, a.Kind(), a.Number(), b.path, b.Kind(), b.Number())
	}
	i, err := commonPrefix(a, b)
	if err != nil {
		return Difference{}, err
	}
	x, hasX, errX := a.at(i)
	y, hasY, errY := b.at(i)
	if err := errors.Join(errX, errY); err != nil {
		return Difference{}, err
	}
	d := Difference{Index: i, Where: Both}
	switch c := x.key().Compare(y.key()); {
	case !hasX && !hasY:
		return Difference{Index: i}, nil
	case !hasY || hasX && c < 0:
		d.Where = OnlyFirst
	case !hasX || c > 0:
		d.Where = OnlySecond
	}
	if d.Where != OnlySecond {
		d.Key, d.First = x.key(), x.leaf
	}
	if d.Where != OnlyFirst {
		d.Key, d.Second = y.key(), y.leaf
	}
	return d, nil
}

// at is the i-th record, if there is one.
func (r *File) at(i int64) (rec record, ok bool, err error) {
	if i == r.trailer.count {
		return rec, false, nil
	}
	rec, err = r.record(i, new(scratch), true)
	return rec, true, err
}

// commonPrefix is how many leaves both files begin with.
func commonPrefix(a, b *File) (int64, error) {
	n := min(a.Count(), b.Count())
	i := int64(0)
	for level := bits.Len64(uint64(n)); level >= 0; {
		if i+1<<level > n {
			level--
			continue
		}
		at := []int64{tlog.StoredHashIndex(level, i>>level)}
		x, errX := a.ReadHashes(at)
		y, errY := b.ReadHashes(at)
		if err := errors.Join(errX, errY); err != nil {
			return 0, err
		}
		if x[0] != y[0] {
			level--
			continue
		}
		i += 1 << level
	}
	return i, nil
}
