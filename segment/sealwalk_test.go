package segment

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"pgregory.net/rapid"
)

// walked are the rows that a walk gives, one line each: what it says of them, and their values.
func walked(in []*Reader, first, last uint32) (list []string, err error) {
	w, err := WalkSeals(in, first, last, nil)
	for err == nil {
		key, epoch, ok, e := w.Next()
		if e != nil || !ok {
			return list, e
		}
		for {
			rows, e := w.Rows()
			if err = e; e != nil || rows == nil {
				break
			}
			list = append(list, rows.lines(key, epoch)...)
		}
	}
	return list, err
}

func (r *SealedRows) lines(key frame.StreamKey, epoch uint32) (list []string) {
	b := r.Block
	for row := r.From; row < r.To; row++ {
		text := fmt.Sprintf("%q %d %020d %d %d %v %d", key, epoch, b.Seq[row], r.Seal, b.TimeNS[row], b.NoTime(row), b.Class(row))
		for i, v := range b.block.fields {
			if at, ok := v.at(row); ok {
				text += fmt.Sprintf(" %q=%d:%s", b.Columns[i].Name, b.Columns[i].Kind, v.text(at))
			}
		}
		list = append(list, text+fmt.Sprintf(" %q", b.rawOf(row)))
	}
	return list
}

// scanned are the same rows as Scan gives them.
func scanned(t rapid.TB, in []*Reader, first, last uint32) (list []string) {
	for _, r := range in {
		err := r.Each(func(key frame.StreamKey, e *Epoch) error {
			_, err := r.Scan(e, All(), Columns{All: true}, func(rec *Record) bool {
				seal := max(rec.Seal, 1)
				if seal < first || seal > last {
					return true
				}
				text := fmt.Sprintf("%q %d %020d %d %d %v %d", key, e.Ordinal, rec.Seq, seal, rec.TimeNS, rec.Flags&FlagNoTime != 0, rec.Class)
				for i := range rec.Fields {
					text += fmt.Sprintf(" %q=%d:%s", rec.Fields[i].Name, rec.Fields[i].Value.Kind, valueText(&rec.Fields[i].Value))
				}
				list = append(list, text+fmt.Sprintf(" %q", rec.Raw))
				return true
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(list)
	return list
}

func valueText(v *frame.Value) string {
	switch v.Kind {
	case frame.KindFloat:
		return fmt.Sprintf("%v (%#x)", math.Float64frombits(v.Num), v.Num)
	case frame.KindInt:
		return fmt.Sprint(int64(v.Num))
	case frame.KindUint:
		return fmt.Sprint(v.Num)
	case frame.KindBool:
		return fmt.Sprint(v.Num == 1)
	}
	return fmt.Sprintf("%.100q", v.Str)
}

// A walk gives every row of the ordinals that are asked for, once, in order.
func TestSealWalkGivesEveryRow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := readersOf(t, drawInputs(rt, t))
		for _, span := range [][2]uint32{{1, math.MaxUint32}, {1, 1}, {7, 7}, {2, 6}} {
			got, err := walked(in, span[0], span[1])
			if err != nil {
				rt.Fatal(err)
			}
			if want := scanned(rt, in, span[0], span[1]); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
				rt.Fatalf("ordinals %v: %d rows, want %d: %s", span, len(got), len(want), firstDifference(got, want))
			}
			again, err := walked(append(slices.Clone(in), in[0], in[len(in)-1]), span[0], span[1])
			if err != nil || !slices.Equal(got, again) {
				rt.Fatalf("ordinals %v, with a segment three times: %d rows, want %d, %v", span, len(again), len(got), err)
			}
		}
	})
}

// What the index says of a block has to be true.
func TestSealWalkFindsLies(t *testing.T) {
	for name, lie := range map[string]func(x *indexBuilder){
		"a row more":      func(x *indexBuilder) { x.refs[0].rows++; x.runs[0].Last++; x.refs[0].lastSeq++ },
		"a row less":      func(x *indexBuilder) { x.refs[0].rows--; x.runs[0].Last--; x.refs[0].lastSeq-- },
		"others":          func(x *indexBuilder) { x.runs[0].First++; x.refs[0].firstSeq++; x.runs[0].Last++; x.refs[0].lastSeq++ },
		"another run":     func(x *indexBuilder) { x.refs[0].run++ },
		"another epoch":   func(x *indexBuilder) { x.entries[0].ordinal++ },
		"another stream":  func(x *indexBuilder) { x.entries[0].key = appendKey(nil, device(2)) },
		"a longer block":  func(x *indexBuilder) { x.refs[0].length++ },
		"a shorter block": func(x *indexBuilder) { x.refs[0].length-- },

		"the same block shorter": func(x *indexBuilder) { x.refs[1].length-- },
		"another run in it":      func(x *indexBuilder) { x.refs[1].run = 0 },
	} {
		file := writtenFile(t, mergeInput(0), series([]numbers{{1, 10, 30, 1}, {3, 10, 30, 1}}, oneField), func(w *Writer) {
			w.closeBlock()
			w.index.entries = slices.Clone(w.index.entries)
			lie(&w.index)
		})
		if got, err := walked(readersOf(t, [][]byte{file}), 1, 9); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %d rows, %v", name, len(got), err)
		}
	}
}

// Ordinal 0 is what was stored before anything was sealed: it is 1.
func TestSealWalkTakesNoSealForTheFirst(t *testing.T) {
	for _, zeros := range []int{30, 7} {
		file := writtenFile(t, mergeInput(0), series([]numbers{{1, 10, 30, 1}}, oneField), func(w *Writer) {
			clear(w.block.seal[:min(zeros, len(w.block.seal))])
		})
		in := readersOf(t, [][]byte{file})
		first, last, err := in[0].Seals()
		ones, walk := walked(in, 1, 1)
		if want := scanned(t, in, 1, 1); err != nil || walk != nil || first != 1 || last != 1 || !slices.Equal(ones, want) || len(want) == 0 {
			t.Errorf("ordinals %d to %d, %v; %d rows of 1, want %d, %v", first, last, err, len(ones), len(want), walk)
		}
		if none, err := walked(in, 0, 0); err != nil || len(none) != 0 {
			t.Errorf("%d rows of 0, %v", len(none), err)
		}
	}
}

// A column of an unknown part may be content: there is no walk past it.
func TestSealWalkRefusesUnknownColumns(t *testing.T) {
	_, _, _, file := mixedFile(t)
	if _, err := walked(readersOf(t, [][]byte{file}), 1, 9); err != nil {
		t.Fatal(err)
	}
	if _, err := walked(readersOf(t, [][]byte{withUnknownColumns(t, file)}), 1, 9); !errors.Is(err, ErrVersion) || errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
}

// Columns that no frame can have are damage, though every checksum is right.
func TestSealedBlocksAreFrames(t *testing.T) {
	numbers := func(name string, kind frame.Kind, place []int16) *values {
		return &values{name: name, kind: kind, place: place, nums: []uint64{1, 2}, ints: []int64{1, 2}}
	}
	var wide, mixed []*values
	for i := range frame.MaxFields + 1 {
		wide = append(wide, numbers(fmt.Sprintf("f%05d", i), frame.KindFloat, nil))
		mixed = append(mixed, numbers(fmt.Sprintf("f%05d", i), frame.KindFloat, []int16{int16(i%2) - 1, -int16(i % 2)}))
	}
	for _, c := range []struct {
		name   string
		class  []uint8
		fields []*values
		fine   bool
	}{
		{"no fields", []uint8{1}, nil, true},
		{"class 0", []uint8{1, 0}, nil, false},
		{"class 3", []uint8{3}, nil, false},
		{"an empty name", []uint8{1}, []*values{numbers("", frame.KindFloat, nil)}, false},
		{"a name with a control", []uint8{1}, []*values{numbers("a\n", frame.KindFloat, nil)}, false},
		{"two kinds", []uint8{1, 2}, []*values{numbers("a", frame.KindFloat, []int16{0, -1}), numbers("a", frame.KindInt, []int16{-1, 0})}, true},
		{"two kinds in a row", []uint8{1}, []*values{numbers("a", frame.KindFloat, []int16{0, -1}), numbers("a", frame.KindInt, []int16{0, -1})}, false},
		{"two kinds everywhere", []uint8{1}, []*values{numbers("a", frame.KindFloat, nil), numbers("a", frame.KindInt, nil)}, false},
		{"too many fields", []uint8{1}, wide, false},
		{"many columns", []uint8{1}, mixed, true},
	} {
		rows := blockRows{seq: []uint64{1, 2}, time: []int64{1, 2}, class: c.class, flags: []uint16{0}}
		b := SealedBlock{block: sourceBlock{rows: rows, fields: c.fields}}
		if err := b.publish(); (err == nil) != c.fine || err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// One epoch alone is what a walk through all of them gives of it.
func TestSealWalkOfOneEpoch(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var files [][]byte
	for i := range 3 {
		f := newFixture(t)
		f.index = mergeInput(i).FirstIndex
		for seq := range 300 {
			s := sample{key: device(seq % 7), ordinal: uint32(1 + seq%2), row: Row{Seq: uint64(3*seq + i), Class: 1, Seal: uint32(rnd.IntN(3))}}
			f.add(s)
		}
		files = append(files, f.writeAs(mergeInput(i)))
	}
	in := readersOf(t, files)
	all, err := walked(in, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range 8 { // of which the last is nowhere
		for epoch := uint32(1); epoch < 4; epoch++ {
			w, err := WalkSealsOf(in, device(i), epoch, 1, 1, nil)
			for rows := (*SealedRows)(nil); err == nil; {
				if rows, err = w.Rows(); rows == nil {
					break
				}
				got = append(got, rows.lines(device(i), epoch)...)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if !slices.Equal(got, all) || !slices.IsSortedFunc(all, func(a, b string) int { return cmp.Compare(a, b) }) || len(all) < 300 {
		t.Errorf("%d rows of single epochs, %d of all", len(got), len(all))
	}
}

// A walk that passes over epochs, or reads times alone, gives the same of the others; and of ordinals that are not wanted nothing.
func TestSealWalkSeeks(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var files [][]byte
	for i := range 3 {
		f := newFixture(t)
		f.index = mergeInput(i).FirstIndex
		for n := range 6000 { // several pages of the index
			if d := n / 2; (d+i)%3 > 0 {
				f.add(sample{key: device(d), ordinal: uint32(1 + n%2), row: Row{Seq: uint64(i), TimeNS: int64(n), Class: 1, Seal: uint32(rnd.IntN(4))}})
			}
		}
		files = append(files, f.writeAs(mergeInput(i)))
	}
	in := readersOf(t, files)
	odd := func(ordinal uint32) bool { return ordinal%2 == 1 }
	even := func(line string) bool { return !odd(sealIn(t, line)) }
	for _, step := range []int{1, 2, 7, 500, 2999} {
		seals, err1 := WalkSeals(in, 1, 3, nil)
		times, err2 := WalkTimes(in, nil)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		seals.Only(odd)
		found := 0
		for d := 0; d < 3003; d += step {
			one, err := WalkSealsOf(in, device(d), 2, 1, 3, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := atHand(t, one, device(d), 2)
			there, err := times.Find(device(d), 2)
			if err != nil || there != (len(want) > 0) {
				t.Fatalf("steps of %d: device %d is found: %v, %v; it has %d rows", step, d, there, err, len(want))
			}
			if !there {
				continue
			}
			if got := atHand(t, times, device(d), 2); !slices.Equal(got, want) {
				t.Fatalf("steps of %d: device %d: times %q, want %q", step, d, got, want)
			}
			if err := seals.Seek(device(d), 2); err != nil {
				t.Fatal(err)
			}
			key, epoch, ok, err := seals.Next()
			if err != nil || !ok || key != device(d) || epoch != 2 {
				t.Fatalf("steps of %d: device %d: epoch %d of %s is at hand, %v", step, d, epoch, key, err)
			}
			got := atHand(t, seals, device(d), 2)
			found += len(got)
			if want = slices.DeleteFunc(want, even); !slices.Equal(got, want) {
				t.Fatalf("steps of %d: device %d: %q, want %q", step, d, got, want)
			}
		}
		if found == 0 {
			t.Errorf("steps of %d: nothing was found", step)
		}
	}
}

// sealIn is the ordinal in a row's line.
func sealIn(t *testing.T, line string) (ordinal uint32) {
	t.Helper()
	var tenant, device, stream string
	var epoch, seq uint64
	if _, err := fmt.Sscanf(line, "%s %s %s %d %d %d", &tenant, &device, &stream, &epoch, &seq, &ordinal); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return ordinal
}

// atHand is what a walk has of the epoch at hand.
func atHand(t *testing.T, w *SealWalk, key frame.StreamKey, epoch uint32) (list []string) {
	t.Helper()
	for {
		rows, err := w.Rows()
		if err != nil {
			t.Fatal(err)
		}
		if rows == nil {
			return list
		}
		list = append(list, rows.lines(key, epoch)...)
	}
}

// Whatever bytes a file has, a walk does not panic, and ends.
func FuzzSealWalk(f *testing.F) {
	_, _, _, mixed := mixedFile(f)
	f.Add(mixed, uint32(1), uint32(9))
	f.Add(fileOf(f, mergeInput(0), series([]numbers{{1, 10, 30, 1}, {2, 10, 300, 1}}, oneField)), uint32(2), uint32(1))
	f.Fuzz(func(t *testing.T, b []byte, first, last uint32) {
		r, err := NewReader(bytes.NewReader(b), int64(len(b)), ReaderOptions{})
		if err != nil {
			return
		}
		_, _ = walked([]*Reader{r, r}, first, last)
		_, _, _ = r.Seals()
	})
}
