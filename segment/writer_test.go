package segment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/vfs"
)

// epochRows asks for an epoch with so many rows of so many bytes of raw payload.
type epochRows struct {
	key     frame.StreamKey
	ordinal uint32
	rows    int
	raw     int
}

func writeRows(t *testing.T, epochs []epochRows) []byte {
	t.Helper()
	var file bytes.Buffer
	w := NewWriter(&file, testOptions)
	for _, e := range epochs {
		if err := w.Begin(e.key, e.ordinal); err != nil {
			t.Fatal(err)
		}
		for i := range e.rows {
			if err := w.Add(&Record{Row: Row{Seq: uint64(i), Class: 1}, Raw: make([]byte, e.raw)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(bytes.NewReader(file.Bytes()), int64(file.Len()), Name{}, nil); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// blocksOf writes down the rows of each run of each block.
func blocksOf(t *testing.T, file []byte) (blocks []string) {
	t.Helper()
	l := layoutOf(t, file)
	for _, b := range l.blocks {
		d, err := parseDirectory(file[b.directory.from:], b.directory.from)
		if err != nil {
			t.Fatal(err)
		}
		s := takeScratch()
		runs, err := parseRuns(&s.dec, file[b.chunks[0].from:b.chunks[0].to], d.runs, d.rows)
		s.release()
		if err != nil {
			t.Fatal(err)
		}
		var rows []int
		for _, r := range runs {
			rows = append(rows, r.rows)
		}
		blocks = append(blocks, strings.Trim(fmt.Sprint(rows), "[]"))
	}
	return blocks
}

// Which rows share a block: those of short epochs of one tenant, in order; a long epoch has blocks of its own.
func TestBlocksAreCut(t *testing.T) {
	stream := func(i int) frame.StreamKey { return device(i) }
	other := func(i int) frame.StreamKey { return frame.StreamKey{Tenant: "b", Device: fmt.Sprint(i), Stream: "0"} }
	var many []epochRows
	for i := range 700 {
		many = append(many, epochRows{stream(i), 1, 6, 0})
	}
	tests := []struct {
		name   string
		epochs []epochRows
		want   []string
	}{
		{"one row", []epochRows{{stream(1), 1, 1, 0}}, []string{"1"}},
		{"short ones", []epochRows{{stream(1), 1, 10, 0}, {stream(1), 2, 20, 0}, {stream(2), 1, 255, 0}, {stream(3), 1, 3, 0}}, []string{"10 20 255 3"}},
		{"long ones", []epochRows{{stream(1), 1, 256, 0}, {stream(2), 1, 5000, 0}, {stream(3), 1, 300, 0}}, []string{"256", "4096", "904", "300"}},
		{"a long one after short ones", []epochRows{{stream(1), 1, 10, 0}, {stream(2), 1, 600, 0}, {stream(3), 1, 10, 0}}, []string{"10 256", "344", "10"}},
		{"the end of a long one", []epochRows{{stream(1), 1, 4106, 0}, {stream(2), 1, 7, 0}}, []string{"4096", "10 7"}},
		{"exactly full", []epochRows{{stream(1), 1, 8192, 0}, {stream(2), 1, 7, 0}}, []string{"4096", "4096", "7"}},
		{"tenants", []epochRows{{stream(1), 1, 10, 0}, {other(1), 1, 10, 0}, {other(2), 1, 10, 0}}, []string{"10", "10 10"}},
		{"an epoch without rows", []epochRows{{stream(1), 1, 10, 0}, {stream(2), 1, 0, 0}, {stream(3), 1, 10, 0}, {other(1), 1, 0, 0}, {other(2), 1, 1, 0}}, []string{"10 10", "1"}},
		{"large payloads", []epochRows{{stream(1), 1, 5, 900_000}, {stream(2), 1, 3, 10}}, []string{"2", "2", "1 3"}},
		{"payloads of a block each", []epochRows{{stream(1), 1, 3, 3_000_000}, {stream(2), 1, 2, 0}}, []string{"1", "1", "1", "2"}},
		{"many short ones", many, []string{strings.TrimSpace(strings.Repeat("6 ", 682)) + " 4", "2" + strings.Repeat(" 6", 17)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := blocksOf(t, writeRows(t, tt.epochs)); !slices.Equal(got, tt.want) {
				t.Errorf("blocks of %q, want %q", got, tt.want)
			}
		})
	}
}

// Fields that come and go close a block before it has more columns than a frame may have, and a frame with as many as possible fits.
func TestBlocksHaveBoundedColumns(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file, testOptions)
	if err := w.Begin(device(1), 1); err != nil {
		t.Fatal(err)
	}
	const rows = 60
	fieldsOf := func(row int) (fields []frame.Field) {
		n := 50
		if row == 30 {
			n = frame.MaxFields
		}
		for i := range n {
			v := frame.Int(int64(i))
			if row%2 == 1 {
				v = frame.Bool(true)
			}
			fields = append(fields, frame.Field{Name: fmt.Sprintf("f%05d", row/2*50+i), Value: v})
		}
		return fields
	}
	for row := range rows {
		if err := w.Add(&Record{Row: Row{Seq: uint64(row), Class: 1}, Fields: fieldsOf(row)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(bytes.NewReader(file.Bytes()), int64(file.Len()), Name{}, nil); err != nil {
		t.Fatal(err)
	}
	if got, want := blocksOf(t, file.Bytes()), []string{"20", "10", "1", "20", "9"}; !slices.Equal(got, want) {
		t.Errorf("blocks of %q, want %q", got, want)
	}
	r := openBytes(t, file.Bytes(), ReaderOptions{})
	e, _, err := r.Epoch(device(1), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Scan(&e, All(), Columns{All: true}, func(rec *Record) bool {
		if !slices.EqualFunc(rec.Fields, fieldsOf(int(rec.Seq)), func(a, b frame.Field) bool { return a.Name == b.Name && a.Value.Equal(b.Value) }) {
			t.Errorf("row %d: %d fields", rec.Seq, len(rec.Fields))
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
}

// One more column than a block has begins the next one.
func TestBlocksEndAtTheLastColumn(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file, testOptions)
	_ = w.Begin(device(1), 1)
	for row := range blockColumns + 6 {
		fields := []frame.Field{{Name: "a", Value: frame.Int(1)}, {Name: fmt.Sprintf("f%05d", row), Value: frame.Int(1)}}
		if err := w.Add(&Record{Row: Row{Seq: uint64(row), Class: 1}, Fields: fields}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	if got, want := blocksOf(t, file.Bytes()), []string{fmt.Sprint(blockColumns - 1), "7"}; !slices.Equal(got, want) {
		t.Errorf("blocks of %q, want %q", got, want)
	}
}

// Columns that are let go of after a block are not mistaken for those of the next one.
func TestColumnsAreLetGo(t *testing.T) {
	var fields []frame.Field
	for i := range keptColumns + 50 {
		fields = append(fields, frame.Field{Name: fmt.Sprintf("f%05d", i), Value: frame.Int(1)})
	}
	s := newFieldSet()
	put := func(row int, fields []frame.Field) {
		t.Helper()
		if _, _, err := s.resolve(fields); err != nil {
			t.Fatal(err)
		}
		s.add(row, fields, nil)
	}
	put(0, fields)
	put(1, fields[:1])
	s.reset()
	put(0, fields)
	put(1, fields[1:])
	if n := len(s.sorted()); n != len(fields) {
		t.Errorf("%d columns for %d fields", n, len(fields))
	}
	for _, c := range s.active {
		if want := 2; c.name != fields[0].Name && c.count != want {
			t.Errorf("column %s has %d values, want %d", c.name, c.count, want)
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	field := func(name string, v frame.Value) frame.Field { return frame.Field{Name: name, Value: v} }
	begin := func(key frame.StreamKey, ordinal uint32) func(w *Writer) error {
		return func(w *Writer) error { return w.Begin(key, ordinal) }
	}
	add := func(seq uint64, fields ...frame.Field) func(w *Writer) error {
		return func(w *Writer) error { return w.Add(&Record{Row: Row{Seq: seq, Class: 1}, Fields: fields}) }
	}
	finish := func(w *Writer) error { _, err := w.Finish(); return err }
	tests := []struct {
		name  string
		calls []func(w *Writer) error // the last one fails
		want  string
	}{
		{"no epoch", []func(*Writer) error{add(1)}, "before the first epoch"},
		{"no frame", []func(*Writer) error{begin(device(1), 1), finish}, ErrEmpty.Error()},
		{"key twice", []func(*Writer) error{begin(device(1), 1), begin(device(1), 1)}, "comes after"},
		{"key twice, with frames", []func(*Writer) error{begin(device(1), 2), add(1), begin(device(1), 2)}, "comes after"},
		{"epoch backwards", []func(*Writer) error{begin(device(1), 2), begin(device(1), 1)}, "comes after"},
		{"key backwards", []func(*Writer) error{begin(device(2), 1), begin(device(1), 1)}, "comes after"},
		{"tenant backwards", []func(*Writer) error{begin(frame.StreamKey{Tenant: "b", Device: "a", Stream: "0"}, 1), begin(device(1), 1)}, "comes after"},
		{"no device", []func(*Writer) error{begin(frame.StreamKey{Tenant: "a", Stream: "0"}, 1)}, "device is empty"},
		{"zero byte in a name", []func(*Writer) error{begin(frame.StreamKey{Tenant: "a", Device: "x\x00y", Stream: "0"}, 1)}, "control character"},
		{"seq twice", []func(*Writer) error{begin(device(1), 1), add(1), add(1)}, "comes after"},
		{"seq backwards", []func(*Writer) error{begin(device(1), 1), add(2), add(1)}, "comes after"},
		{"fields out of order", []func(*Writer) error{begin(device(1), 1), add(1, field("b", frame.Int(1)), field("a", frame.Int(1)))}, "ordered by name"},
		{"fields out of order later", []func(*Writer) error{begin(device(1), 1), add(1, field("a", frame.Int(1))), add(2, field("a", frame.Int(1)), field("a", frame.Bool(true)))}, "ordered by name"},
		{"field without a name", []func(*Writer) error{begin(device(1), 1), add(1, field("", frame.Int(1)))}, "field is empty"},
		{"field without a kind", []func(*Writer) error{begin(device(1), 1), add(1, field("a", frame.Value{}))}, "kind 0"},
		{"after Finish", []func(*Writer) error{begin(device(1), 1), add(1), finish, add(2)}, "finished"},
		{"Finish twice", []func(*Writer) error{begin(device(1), 1), add(1), finish, finish}, "finished"},
	}
	for _, tt := range tests {
		w := NewWriter(io.Discard, testOptions)
		for i, call := range tt.calls {
			err := call(w)
			if i < len(tt.calls)-1 {
				if err != nil {
					t.Errorf("%s: call %d: %v", tt.name, i, err)
				}
				continue
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
			}
			if again := w.Begin(device(9), 9); again == nil {
				t.Errorf("%s: the error is forgotten", tt.name)
			}
		}
	}
	if err := NewWriter(io.Discard, Options{Cluster: strings.Repeat("c", maxCluster+1)}).Begin(device(1), 1); err == nil {
		t.Error("a cluster's name of any length")
	}
}

// fullWriter takes some bytes and then no more.
type fullWriter int

func (f *fullWriter) Write(b []byte) (int, error) {
	if len(b) > int(*f) {
		return 0, errSick
	}
	*f -= fullWriter(len(b))
	return len(b), nil
}

func TestWriterPassesErrorsOn(t *testing.T) {
	file := writeRows(t, []epochRows{{device(1), 1, 300, 3}})
	for room := range len(file) {
		full := fullWriter(room)
		w := NewWriter(&full, testOptions)
		err := w.Begin(device(1), 1)
		for i := range 300 {
			err = errors.Join(err, w.Add(&Record{Row: Row{Seq: uint64(i), Class: 1}, Raw: make([]byte, 3)}))
		}
		_, last := w.Finish()
		if err = errors.Join(err, last); !errors.Is(err, errSick) {
			t.Fatalf("room for %d of %d bytes: %v", room, len(file), err)
		}
	}
}

// The same frames give the same file, whatever order they came in and whatever numbers the streams have.
func TestWriteIsAFunctionOfTheFrames(t *testing.T) {
	f, _ := mixedFleet(t)
	want, _ := f.write()
	other := newFixture(t)
	type one struct {
		key     frame.StreamKey
		ordinal uint32
		row     Row
	}
	var all []one
	f.head.Each(func(id frame.StreamID, ordinal uint32, rows []Row) {
		for _, row := range rows {
			all = append(all, one{f.keys[id], ordinal, row})
		}
	})
	if len(all) != f.head.Frames() {
		t.Fatalf("Each gave %d rows, want %d", len(all), f.head.Frames())
	}
	slices.Reverse(all)
	for _, o := range all {
		other.head.Append(other.id(o.key), o.ordinal, o.row)
	}
	if got, _ := other.write(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	opt := testOptions
	opt.History++
	fs := vfs.NewMem()
	if got, err := Write(fs, ".", opt, f.head, f.key); err != nil || got.Name == want.Name {
		t.Errorf("another history has the same name, %v", err)
	}
}

func TestWriteRefuses(t *testing.T) {
	fs := vfs.NewMem()
	if _, err := Write(fs, ".", testOptions, NewHead(), nil); !errors.Is(err, ErrEmpty) {
		t.Errorf("empty head: %v", err)
	}
	f, _ := mixedFleet(t)
	if _, err := Write(fs, ".", testOptions, f.head, func(frame.StreamID) (frame.StreamKey, bool) { return frame.StreamKey{}, false }); err == nil {
		t.Error("a stream without a name was written")
	}
	if _, err := Write(fs, ".", testOptions, f.head, func(frame.StreamID) (frame.StreamKey, bool) { return device(1), true }); err == nil {
		t.Error("streams of one name were written")
	}
	if _, err := Write(fs, "none", testOptions, f.head, f.key); err == nil {
		t.Error("a directory that does not exist")
	}
	if names, err := fs.List("."); err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}
