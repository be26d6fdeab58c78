package segment

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"pgregory.net/rapid"
)

// stored is a row with where it belongs.
type stored struct {
	key     frame.StreamKey
	ordinal uint32
	rec     Record
}

// storedIn reads all rows of a file, with copies of their values.
func storedIn(tb testing.TB, file []byte) (list []stored) {
	tb.Helper()
	r := openBytes(tb, file, ReaderOptions{})
	err := r.Each(func(key frame.StreamKey, e *Epoch) error {
		_, err := r.Scan(e, All(), Columns{All: true}, func(rec *Record) bool {
			s := stored{key: key, ordinal: e.Ordinal, rec: *rec}
			s.rec.Fields, s.rec.Raw = slices.Clone(rec.Fields), bytes.Clone(rec.Raw)
			list = append(list, s)
			return true
		})
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return list
}

// fileOf writes rows, which are in order, one by one.
func fileOf(tb testing.TB, opt Options, rows []stored) []byte {
	tb.Helper()
	return writtenFile(tb, opt, rows, func(*Writer) {})
}

// writtenFile is fileOf with something done to the writer before it finishes.
func writtenFile(tb testing.TB, opt Options, rows []stored, lie func(w *Writer)) []byte {
	tb.Helper()
	var file bytes.Buffer
	w := NewWriter(&file, opt)
	for i := range rows {
		r := &rows[i]
		if i == 0 || r.key != rows[i-1].key || r.ordinal != rows[i-1].ordinal {
			if err := w.Begin(r.key, r.ordinal); err != nil {
				tb.Fatal(err)
			}
		}
		if err := w.Add(&r.rec); err != nil {
			tb.Fatal(err)
		}
	}
	lie(w)
	if _, err := w.Finish(); err != nil {
		tb.Fatal(err)
	}
	return file.Bytes()
}

// changes are the ways in which a row can be wrong. They report false where a row cannot be wrong in that way.
var changes = map[string]func(s *stored) bool{
	"device time":    func(s *stored) bool { s.rec.TimeNS++; return true },
	"receive time":   func(s *stored) bool { s.rec.ReceiveMS++; return true },
	"class":          func(s *stored) bool { s.rec.Class = 3 - s.rec.Class; return true },
	"flags":          func(s *stored) bool { s.rec.Flags ^= FlagLate; return true },
	"seal":           func(s *stored) bool { s.rec.Seal++; return true },
	"Raft index":     func(s *stored) bool { s.rec.Index++; return true },
	"ordinal":        func(s *stored) bool { s.rec.Ordinal ^= 1; return true },
	"raw payloads":   func(s *stored) bool { s.rec.Raw = append(s.rec.Raw, 'x'); return true },
	"no raw payload": func(s *stored) bool { had := s.rec.Raw != nil; s.rec.Raw = nil; return had },
	"a bit of a value": func(s *stored) bool {
		for i := range s.rec.Fields {
			switch v := &s.rec.Fields[i].Value; v.Kind {
			case frame.KindFloat, frame.KindInt, frame.KindUint, frame.KindBool:
				*v = frame.Value{Kind: v.Kind, Num: v.Num ^ 1}
				return true
			}
		}
		return false
	},
	"a text": func(s *stored) bool {
		for i := range s.rec.Fields {
			if v := &s.rec.Fields[i].Value; len(v.Str) > 0 {
				v.Str = bytes.Clone(v.Str)
				v.Str[0] ^= 1
				return true
			}
		}
		return false
	},
	"another kind": func(s *stored) bool {
		for i := range s.rec.Fields {
			if v := &s.rec.Fields[i].Value; v.Kind == frame.KindInt {
				v.Kind = frame.KindUint
				return true
			}
		}
		return false
	},
	"another field": func(s *stored) bool {
		n := len(s.rec.Fields)
		if n > 0 {
			s.rec.Fields[n-1].Name += "x"
		}
		return n > 0
	},
	"a field less": func(s *stored) bool {
		n := len(s.rec.Fields)
		s.rec.Fields = s.rec.Fields[:max(0, n-1)]
		return n > 0
	},
	"a field more": func(s *stored) bool {
		s.rec.Fields = append(s.rec.Fields, frame.Field{Name: "zz", Value: frame.Bool(false)})
		return true
	},
}

// A mismatch names the row and the column.
func TestCompareNamesTheColumn(t *testing.T) {
	d, _ := frame.DecimalFloat(205, 1)
	fields := []frame.Field{{Name: "analog", Value: d}, {Name: "count", Value: frame.Int(-4)}, {Name: "state", Value: frame.String("run")}}
	rows := series([]numbers{{1, 0, 9, 1}, {2, 0, 9, 1}}, func(seq uint64) ([]frame.Field, []byte) { return fields, []byte("payload") })
	input := readersOf(t, [][]byte{fileOf(t, testOptions, rows)})
	columns := map[string]string{ // others have the name of the change
		"raw payloads": "column of raw payloads", "no raw payload": "column of raw payloads", "a bit of a value": "column analog (float)",
		"a text": "column state (string)", "another kind": "column count (int)", "another field": "column state (string)",
		"a field less": "column state (string)", "a field more": "column zz (bool)",
	}
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		changed := slices.Clone(rows)
		r := &changed[13]
		r.rec.Fields, r.rec.Raw = slices.Clone(r.rec.Fields), bytes.Clone(r.rec.Raw)
		if !changes[name](r) {
			t.Fatalf("%s: the row cannot be wrong in that way", name)
		}
		var m *MismatchError
		err := Compare(readersOf(t, [][]byte{fileOf(t, testOptions, changed)}), input, 0, nil)
		if !errors.As(err, &m) || m.Column != cmp.Or(columns[name], name) || m.Key != device(2) || m.Epoch != 1 || m.Seq != 4 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A row that only one side has is named as such, whether the other side has its epoch or not.
func TestCompareSaysWhichSideHasARow(t *testing.T) {
	rows := series([]numbers{{1, 0, 3, 1}, {2, 0, 3, 1}, {3, 0, 3, 1}}, oneField)
	without := func(from, to int) []*Reader {
		return readersOf(t, [][]byte{fileOf(t, testOptions, slices.Delete(slices.Clone(rows), from, to))})
	}
	for _, place := range [][2]int{{0, 1}, {4, 5}, {8, 9}, {0, 3}, {3, 6}, {6, 9}} {
		from, whole := rows[place[0]], without(0, 0)
		var m *MismatchError
		err := Compare(without(place[0], place[1]), whole, 0, nil)
		if !errors.As(err, &m) || m.Key != from.key || m.Seq != from.rec.Seq || m.Column != "frame" || m.Want != "one" || m.Got != "none" {
			t.Errorf("without rows %v: %v", place, err)
		}
		err = Compare(whole, without(place[0], place[1]), 0, nil)
		if !errors.As(err, &m) || m.Key != from.key || m.Seq != from.rec.Seq || m.Column != "frame" || m.Want != "none" || m.Got != "one" {
			t.Errorf("with rows %v too many: %v", place, err)
		}
	}
}

// wrongs are the ways in which outputs can be wrong: each of the changes, and those that spoil knows beside them.
var wrongs = append(slices.Sorted(maps.Keys(changes)), "lost", "invented", "moved", "in two outputs", "an output is missing", "an epoch is missing")

// Each of them is found, in blocks that were put together as in those that were copied.
func TestCompareFindsEveryWrong(t *testing.T) {
	analog, _ := frame.DecimalFloat(205, 1)
	long := series([]numbers{{1, 0, 600, 2}, {2, 1000, 1600, 2}}, func(seq uint64) ([]frame.Field, []byte) {
		fields := []frame.Field{{Name: "analog", Value: analog}, {Name: "count", Value: frame.Int(-4)}, {Name: "state", Value: frame.String("run")}}
		return fields, []byte("payload")
	})
	for _, tt := range []struct {
		files  [][]byte
		window int64
	}{{dealt(t, mixedFleet, 3), 40e6}, {[][]byte{fileOf(t, mergeInput(0), long)}, 1000e9}} {
		opt := mergeAbout
		opt.WindowNS = tt.window
		_, made := mergeFiles(t, opt, tt.files...)
		in := readersOf(t, tt.files)
		rnd := rand.New(rand.NewPCG(4, 3))
		for _, wrong := range wrongs {
			tried := 0
			for range 12 {
				if changed, at, ok := spoil(t, wrong, made, rnd); ok {
					checkMismatch(t, wrong, Compare(readersOf(t, changed), in, opt.WindowNS, nil), at)
					tried++
				}
			}
			if tried == 0 {
				t.Errorf("%s was not tried", wrong)
			}
		}
	}
}

// Outputs of a merge pass, and any change of any row does not.
func TestCompareFindsWhatWasChanged(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		files := drawInputs(rt, t)
		opt := mergeAbout
		opt.WindowNS = rapid.SampledFrom([]int64{0, 30, 30e6, 10e9}).Draw(rt, "window")
		_, made := mergeFiles(t, opt, files...)
		in, out := readersOf(t, files), readersOf(t, made)
		if err := Compare(out, in, opt.WindowNS, nil); err != nil {
			rt.Fatal(err)
		}
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "where"), 3))
		for _, i := range rnd.Perm(len(wrongs))[:6] {
			if changed, at, ok := spoil(t, wrongs[i], made, rnd); ok {
				checkMismatch(rt, wrongs[i], Compare(readersOf(t, changed), in, opt.WindowNS, nil), at)
			}
		}
	})
}

// checkMismatch makes sure that the error names the row that was changed, if it was one.
func checkMismatch(t rapid.TB, wrong string, err error, at *stored) {
	var m *MismatchError
	switch {
	case errors.Is(err, ErrTwice) && (wrong == "in two outputs" || wrong == "invented"): // another output may have that number
	case !errors.As(err, &m) || m.Column == "" || m.Want == m.Got || !strings.Contains(err.Error(), m.Want):
		t.Fatalf("%s: %v", wrong, err)
	case at == nil || m.Column == "window" && m.Key == frame.StreamKey{}: // it was about a file
	case m.Key != at.key || m.Epoch != at.ordinal || m.Seq != at.rec.Seq:
		t.Fatalf("%s of %d in epoch %d of %v: %v", wrong, at.rec.Seq, at.ordinal, at.key, err)
	}
}

// spoil makes one mistake in the outputs of a merge; at is the row that it is in, nil where it is in several.
func spoil(tb testing.TB, wrong string, made [][]byte, rnd *rand.Rand) (changed [][]byte, at *stored, ok bool) {
	changed = slices.Clone(made)
	i := rnd.IntN(len(made))
	rows := storedIn(tb, made[i])
	n := rnd.IntN(len(rows))
	row := rows[n]
	at = &row
	opt := openBytes(tb, made[i], ReaderOptions{}).Options()
	switch wrong {
	case "lost":
		rows = slices.Delete(rows, n, n+1)
	case "invented":
		if row.rec.Seq++; row.rec.Seq == 0 || n+1 < len(rows) && rows[n+1].compare(&row) == 0 {
			return nil, nil, false
		}
		rows = slices.Insert(rows, n+1, row)
	case "an epoch is missing":
		rows, at = slices.DeleteFunc(rows, func(s stored) bool { return s.key == row.key && s.ordinal == row.ordinal }), nil
	case "an output is missing":
		rows, at = nil, nil
	case "moved", "in two outputs":
		if at = nil; len(made) == 1 {
			return nil, nil, false
		}
		k := (i + 1 + rnd.IntN(len(made)-1)) % len(made)
		others := append(storedIn(tb, made[k]), row)
		slices.SortFunc(others, func(a, b stored) int { return a.compare(&b) })
		changed[k] = fileOf(tb, opt, others)
		if wrong == "moved" {
			rows = slices.Delete(rows, n, n+1)
		}
	default:
		if !changes[wrong](&rows[n]) {
			return nil, nil, false
		}
	}
	if len(rows) == 0 {
		changed = slices.Delete(changed, i, i+1)
		return changed, nil, len(changed) > 0
	}
	changed[i] = fileOf(tb, opt, rows)
	return changed, at, true
}

func (s *stored) compare(o *stored) int {
	return cmp.Or(bytes.Compare(appendKey(nil, s.key), appendKey(nil, o.key)), cmp.Compare(s.ordinal, o.ordinal), cmp.Compare(s.rec.Seq, o.rec.Seq))
}
