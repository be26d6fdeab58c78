package content

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// someRows are frames of two streams in one ordinal, all with every kind of field.
func someRows(rnd *rand.Rand, n int) (rows []stored) {
	for _, key := range testKeys[:2] {
		for i := range n {
			row := stored{key, 1, drawRecord(rnd, 2, uint64(60+i))}
			row.rec.Seal, row.rec.Flags, row.rec.Class = 4, 0, frame.ClassEvent
			row.rec.Raw = []byte{1, byte(i)}
			row.rec.Fields = slices.Clone(row.rec.Fields)
			rows = append(rows, row)
		}
	}
	return rows
}

func setField(name string, v frame.Value) func(r *stored) {
	return func(r *stored) {
		i := slices.IndexFunc(r.rec.Fields, func(f frame.Field) bool { return f.Name == name })
		r.rec.Fields[i].Value = v
	}
}

// changes are everything that can be another frame and must not have the same root; column is what a *ConflictError says of it.
var changes = []struct {
	name, column string
	change       func(r *stored)
}{
	{"value of a float", "column a (float)", setField("a", frame.Float(7.25))},
	{"sign of a zero", "column a (float)", func(r *stored) { r.rec.Fields[0].Value.Num ^= 1 << 63 }},
	{"payload of a NaN", "column a (float)", setField("a", frame.Value{Kind: frame.KindFloat, Num: 0x7ff8000000000002})},
	{"value of an int", "column b (int)", setField("b", frame.Int(-77))},
	{"value of an uint", "column bb (uint)", setField("bb", frame.Uint(1<<63))},
	{"a bool", "column c (bool)", func(r *stored) { r.rec.Fields[3].Value.Num ^= 1 }},
	{"a text", "column größe (string)", setField("größe", frame.String("other"))},
	{"bytes", "column z (bytes)", setField("z", frame.Bytes([]byte("other")))},
	{"kind of a field", "column b (float)", func(r *stored) { r.rec.Fields[1].Value.Kind = frame.KindFloat }},
	{"text to bytes", "column größe (string)", func(r *stored) { r.rec.Fields[4].Value.Kind = frame.KindBytes }},
	{"field less", "column z (bytes)", func(r *stored) { r.rec.Fields = r.rec.Fields[:5] }},
	{"field more", "column y (int)", func(r *stored) {
		r.rec.Fields = slices.Insert(r.rec.Fields, 5, frame.Field{Name: "y", Value: frame.Int(0)})
	}},
	{"name of a field", "column a (float)", func(r *stored) { r.rec.Fields[0].Name = "aa" }},
	{"raw", "raw payload", func(r *stored) { r.rec.Raw = []byte{2} }},
	{"no raw", "raw payload", func(r *stored) { r.rec.Raw = nil }},
	{"time", "device time", func(r *stored) { r.rec.TimeNS++ }},
	{"no time", "no device time", func(r *stored) { r.rec.Flags |= segment.FlagNoTime }},
	{"class", "class", func(r *stored) { r.rec.Class = frame.ClassSnapshot }},
	{"ordinal", "seal", func(r *stored) { r.rec.Seal++ }},
}

// changed are the rows with one of them replaced.
func changed(rows []stored, at int, change func(r *stored)) []stored {
	rows = slices.Clone(rows)
	r := &rows[at]
	r.rec.Fields = slices.Clone(r.rec.Fields)
	change(r)
	return rows
}

func rootsOf(t *testing.T, rows []stored) string {
	t.Helper()
	in := []*segment.Reader{flush(t, vfs.NewMem(), 1, rows)}
	var roots []string
	for n := uint32(1); n < 8; n++ {
		list, err := strips(in, n, n)
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, rootOf(list).String())
	}
	return strings.Join(roots, " ")
}

func TestEveryChangeOfOneFrameChangesTheRoot(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 9))
	rows := someRows(rnd, 70)
	seen := map[string]string{rootsOf(t, rows): "nothing"}
	try := func(what string, rows []stored) {
		t.Helper()
		root := rootsOf(t, rows)
		if before, there := seen[root]; there {
			t.Errorf("%s: the root is the same as with %s changed", what, before)
		}
		seen[root] = what
	}
	for _, c := range changes {
		for _, at := range []int{0, 3, 4, 69, 70, 101} { // first and last of a group, of a stream
			try(fmt.Sprintf("%s of row %d", c.name, at), changed(rows, at, c.change))
		}
	}
	for _, at := range []int{0, 69, 139} {
		try(fmt.Sprintf("row %d deleted", at), slices.Delete(slices.Clone(rows), at, at+1))
		try(fmt.Sprintf("row %d renumbered", at), changed(rows, at, func(r *stored) { r.rec.Seq += 1000 }))
		try(fmt.Sprintf("row %d in another stream", at), changed(rows, at, func(r *stored) { r.key = testKeys[3] }))
		try(fmt.Sprintf("row %d in another epoch", at), changed(rows, at, func(r *stored) { r.epoch = 2 }))
		try(fmt.Sprintf("row %d added", at), append(slices.Clone(rows), changed(rows, at, func(r *stored) { r.rec.Seq = 130 })[at]))
	}
	swapped := slices.Clone(rows)
	swapped[5].key, swapped[75].key = swapped[75].key, swapped[5].key // equal numbers of two streams
	try("two frames of two streams swapped", swapped)
	swapped = slices.Clone(rows)
	swapped[5].rec.Seq, swapped[6].rec.Seq = swapped[6].rec.Seq, swapped[5].rec.Seq
	try("two numbers of a stream swapped", swapped)
}

// What is not content changes no root: where and when a frame was received, where it lies in the log, what the ledger found out.
func TestWhatIsNotContentChangesNoRoot(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 9))
	rows := someRows(rnd, 70)
	rows[7].rec.Flags = segment.FlagNoTime
	other := slices.Clone(rows)
	for i := range other {
		other[i] = again(rnd, other[i])
	}
	if a, b := rootsOf(t, rows), rootsOf(t, other); a != b {
		t.Errorf("roots %s, and of the same frames stored anew %s", a, b)
	}
}

func TestDifferentFramesUnderOneNumberAreAConflict(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 9))
	rows := someRows(rnd, 70)
	const at = 75
	fs := vfs.NewMem()
	for _, c := range changes {
		other := changed(rows, at, c.change)[at-5 : at+5] // those around it are the same
		in := []*segment.Reader{flush(t, fs, 1, rows), flush(t, fs, 2, other)}
		_, err := strips(in, 1, math.MaxUint32)
		var conflict *ConflictError
		if !errors.As(err, &conflict) {
			t.Errorf("%s: %v, want a conflict", c.name, err)
			continue
		}
		want := ConflictError{Key: rows[at].key, Epoch: 1, Seq: rows[at].rec.Seq, Column: c.column}
		got := *conflict
		if got.First == got.Second || got.First == "" || got.Want == got.Got || got.Error() == "" {
			t.Errorf("%s: %+v", c.name, got)
		}
		got.First, got.Second, got.Want, got.Got = "", "", "", ""
		if got != want {
			t.Errorf("%s: %+v, want %+v", c.name, got, want)
		}
	}
}
