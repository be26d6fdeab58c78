package slowreader

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// errMissing says that frames are missing, and so are segments.
var errMissing = errors.New("a segment is missing")

// readFiles reads all segment files that are given.
func (v *verification) readFiles() error {
	for _, name := range slices.Sorted(maps.Keys(v.files)) {
		s, err := ReadNamed(name, v.files[name])
		if err != nil {
			return fmt.Errorf("segment %s: %w", name, err)
		}
		for _, l := range v.cert.Segments {
			if l.Name == name && (l.Bytes != uint64(len(v.files[name])) || l.Frames != uint64(len(s.Rows))) {
				return damaged("segment %s has %d bytes and %d frames, not %d and %d", name, len(v.files[name]), len(s.Rows), l.Bytes, l.Frames)
			}
		}
		v.segments = append(v.segments, s)
	}
	return nil
}

// frames makes the strips again from the rows of the files.
func (v *verification) frames() error {
	if v.files == nil {
		return nil
	}
	var missing error
	for i, seal := range v.seals {
		strips, _, err := Content(seal.Ordinal, v.ours()...)
		if err != nil {
			return err
		}
		computed := map[Key]*Strip{}
		for k := range strips {
			computed[strips[k].Key] = &strips[k]
		}
		for _, want := range v.strips[i] {
			got := computed[want.Key]
			delete(computed, want.Key)
			if got != nil && string(got.bytes()) == string(want.bytes()) {
				continue
			}
			if got != nil && (!slices.Equal(got.Runs, want.Runs) && !within(got.Runs, want.Runs) || slices.Equal(got.Runs, want.Runs)) {
				return damaged("%v of ordinal %d has other frames in the files", want.Key, seal.Ordinal)
			}
			missing = fmt.Errorf("%v of ordinal %d has frames that no file has", want.Key, seal.Ordinal)
		}
		for key, got := range computed {
			counts := v.counts(key)
			if counts != nil && (!v.knows(key) || len(clip(got.Runs, counts)) > 0) {
				return damaged("%v has frames of ordinal %d in the files alone", key, seal.Ordinal)
			}
		}
	}
	if missing == nil {
		return nil
	}
	for _, l := range v.cert.Segments {
		if v.files[l.Name] == nil {
			return fmt.Errorf("%w: %w, and %s is not there", errMissing, missing, l.Name)
		}
	}
	return damaged("%v", missing)
}

// holdsEpoch says whether epochs of an ordinal are in scope.
func (v *verification) holdsEpoch(ordinal uint32) bool {
	return len(v.cert.Scope.Epochs) == 0 || slices.Contains(v.cert.Scope.Epochs, ordinal)
}

// ours are the segments with the rows that the certificate is about: of epochs in scope, and of an ordinal that it shows.
func (v *verification) ours() (list []*Segment) {
	shown := map[uint32]bool{}
	for _, s := range v.seals {
		shown[s.Ordinal] = true
	}
	for _, s := range v.segments {
		one := &Segment{}
		for _, r := range s.Rows {
			if v.cert.Scope.holds(r.Key) && v.holdsEpoch(r.Epoch) && shown[r.ordinal()] {
				one.Rows = append(one.Rows, r)
			}
		}
		list = append(list, one)
	}
	return list
}

// within says whether all numbers of some runs are among those of others.
func within(runs, of []Run) bool {
	for _, r := range runs {
		if !slices.ContainsFunc(of, func(o Run) bool { return o.First <= r.First && r.Last <= o.Last }) {
			return false
		}
	}
	return true
}

// times finds the numbers that may lie in the scope's time again.
func (v *verification) times() error {
	scope := &v.cert.Scope
	if v.files == nil || len(scope.Time) == 0 {
		return nil
	}
	from, to, err := scope.times()
	if err != nil {
		return err
	}
	rows, err := distinctRows(v.ours()) // what two files say of a number is the same
	if err != nil {
		return err
	}
	moments := map[Key][]moment{}
	for _, r := range rows {
		if r.Flags&flagNoTime == 0 && v.isStored(r) {
			moments[r.Key] = append(moments[r.Key], moment{r.Seq, r.TimeNS})
		}
	}
	for _, s := range v.cert.Streams {
		account := v.accountOf(Key{Tenant: scope.Tenant, Device: s.Device, Stream: s.Stream})
		for _, e := range s.Epochs {
			of := account.Epochs[e.Epoch-1]
			key := Key{scope.Tenant, s.Device, s.Stream, e.Epoch}
			if is := numbersIn(from, to, of.Base, of.Next, moments[key]); !slices.Equal(is, e.Seq) {
				return damaged("%v has the numbers %v in the time, the certificate says %v", key, is, e.Seq)
			}
		}
	}
	return nil
}

// isStored says whether the census has the number of a row.
func (v *verification) isStored(r *Row) bool {
	key := r.Key
	key.Epoch = 0
	return v.knows(r.Key) && len(clip(v.accountOf(key).Epochs[r.Epoch-1].stored(), []uint64{r.Seq, r.Seq})) > 0
}

func (v *verification) accountOf(key Key) *Account {
	for _, a := range v.accounts {
		if a.Key == key {
			return a
		}
	}
	return nil
}

// moment is a number and its device time.
type moment struct {
	seq uint64
	ns  int64
}

// numbersIn is the least and the greatest number of base to next-1 that may lie in a time, by the frames that have one.
func numbersIn(from, to int64, base, next uint64, moments []moment) []uint64 {
	var list []uint64
	add := func(first, behind uint64) {
		if first < behind {
			list = append(list, first, behind-1)
		}
	}
	for i := range len(moments) + 1 {
		first, behind := base, next // the numbers between two moments, or before the first, or behind the last
		if i > 0 {
			first = moments[i-1].seq + 1
		}
		if i < len(moments) {
			behind = moments[i].seq
		}
		if (i == 0 || moments[i-1].ns < to) && (i == len(moments) || moments[i].ns >= from) {
			add(first, behind)
		}
		if i < len(moments) && from <= moments[i].ns && moments[i].ns < to {
			add(moments[i].seq, moments[i].seq+1)
		}
	}
	if len(list) == 0 {
		return []uint64{}
	}
	return []uint64{slices.Min(list), slices.Max(list)}
}
