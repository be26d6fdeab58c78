package segment

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/segment/column"
)

// Every flipped byte is found by Verify, with the name and without, and a read that meets it says so: what it gives is what was written.
func TestEveryFlippedByteIsFound(t *testing.T) {
	_, _, info, file := mixedFile(t)
	whole := openBytes(t, file, ReaderOptions{})
	want, err := dump(whole)
	if err != nil {
		t.Fatal(err)
	}
	front := len(whole.footer.headerBytes)
	for at := range file {
		b := bytes.Clone(file)
		b[at] ^= 1 << (at % 8)
		name := Name{} // the checksums alone find it, too
		if at%16 == 0 {
			name = info.Name
		}
		if _, err := Verify(bytes.NewReader(b), int64(len(b)), name, nil); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("byte %d: Verify: %v", at, err)
		}
		reported := 0
		r, err := NewReader(bytes.NewReader(b), int64(len(b)), ReaderOptions{Path: "x.gseg", OnDamage: func(error) { reported++ }})
		got := ""
		if err == nil {
			got, err = dump(r)
		}
		if at < front { // a reader needs only the copy at the end
			if err != nil || got != want {
				t.Fatalf("byte %d: %v", at, err)
			}
		} else if !errors.Is(err, ErrCorrupt) || reported != 1 || !strings.Contains(err.Error(), "x.gseg") || !strings.HasPrefix(want, got) {
			t.Fatalf("byte %d: %v, reported %d times; before it\n%s", at, err, reported, got)
		}
	}
}

func TestTruncatedFile(t *testing.T) {
	_, _, info, file := mixedFile(t)
	for _, n := range []int{0, 1, trailerBytes, headerFixed + trailerBytes - 1, len(file) / 2, len(file) - 1} {
		b := file[:n]
		if _, err := NewReader(bytes.NewReader(b), int64(n), ReaderOptions{}); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d bytes: NewReader: %v", n, err)
		}
		if _, err := Verify(bytes.NewReader(b), int64(n), info.Name, nil); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d bytes: Verify: %v", n, err)
		}
		if _, err := Verify(bytes.NewReader(b), int64(len(file)), info.Name, nil); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d bytes that claim to be all: Verify: %v", n, err)
		}
		if _, err := NewReader(bytes.NewReader(b), int64(len(file)), ReaderOptions{}); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d bytes that claim to be all: NewReader: %v", n, err)
		}
	}
}

// sick fails reads from a place on.
type sick struct {
	io.ReaderAt
	from int64
}

var errSick = errors.New("input/output error")

func (s *sick) ReadAt(b []byte, at int64) (int, error) {
	if s.from >= 0 && at+int64(len(b)) > s.from {
		return 0, errSick
	}
	return s.ReaderAt.ReadAt(b, at)
}

// A disk that fails is not a file that is damaged: nothing is reported, and the next read may work.
func TestReadErrorsAreNotDamage(t *testing.T) {
	_, _, info, file := mixedFile(t)
	disk := &sick{ReaderAt: bytes.NewReader(file), from: -1}
	r, err := NewReader(disk, int64(len(file)), ReaderOptions{Name: info.Name, OnDamage: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	disk.from = 0
	if _, err := dump(r); !errors.Is(err, errSick) || errors.Is(err, ErrCorrupt) {
		t.Errorf("dump: %v", err)
	}
	if _, err := Verify(disk, int64(len(file)), info.Name, nil); !errors.Is(err, errSick) || errors.Is(err, ErrCorrupt) {
		t.Errorf("Verify: %v", err)
	}
	if _, err := NewReader(disk, int64(len(file)), ReaderOptions{}); !errors.Is(err, errSick) || errors.Is(err, ErrCorrupt) {
		t.Errorf("NewReader: %v", err)
	}
	disk.from = -1
	if _, err := dump(r); err != nil {
		t.Errorf("after the disk is well again: %v", err)
	}
}

// Damage to one column leaves the others, and other blocks, readable.
func TestDamageStaysWhereItIs(t *testing.T) {
	_, m, _, file := mixedFile(t)
	whole := openBytes(t, file, ReaderOptions{})
	es, err := whole.Epochs(testKeys[2])
	if err != nil {
		t.Fatal(err)
	}
	d, err := parseDirectory(file[es[0].refs[0].offset:], es[0].refs[0].offset)
	if err != nil {
		t.Fatal(err)
	}
	b := bytes.Clone(file)
	for i := range d.columns {
		if d.columns[i].name == "analog" {
			b[d.columns[i].offset] ^= 1
		}
	}
	calls := 0
	var metrics ReaderMetrics
	r := openBytes(t, b, ReaderOptions{Metrics: &metrics, OnDamage: func(error) { calls++ }})
	e, _, err := r.Epoch(testKeys[2], 1)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err = r.Scan(&e, All(), Columns{Fields: []string{"analog"}}, func(*Record) bool { return true })
		var damage *CorruptError
		if !errors.As(err, &damage) || damage.What != "column analog (float)" || damage.Want == damage.Got || !strings.HasPrefix(damage.Want, "checksum") {
			t.Fatalf("Scan of the damaged column: %v", err)
		}
	}
	if calls != 1 || metrics.Damage.Load() != 2 {
		t.Errorf("OnDamage was called %d times and %d damages counted, want 1 and 2", calls, metrics.Damage.Load())
	}
	rows, cols := m[testKeys[2]][1], Columns{Fields: []string{"valve"}, Raw: true}
	n := 0
	if _, err = r.Scan(&e, All(), cols, func(rec *Record) bool {
		if err := rows[n].matches(rec, cols); err != nil {
			t.Error(err)
		}
		n++
		return true
	}); err != nil || n != len(rows) {
		t.Errorf("Scan of other columns: %d rows, %v", n, err)
	}
}

// A column of an encoding that this program does not know is unreadable, and only that: it is not damage.
func TestUnknownEncodingHidesOneColumn(t *testing.T) {
	_, m, _, file := mixedFile(t)
	l := layoutOf(t, file)
	b := bytes.Clone(file)
	r := openBytes(t, file, ReaderOptions{})
	e, _, err := r.Epoch(testKeys[2], 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range l.blocks {
		d, _ := parseDirectory(file[l.blocks[i].directory.from:], l.blocks[i].directory.from)
		for k := range d.columns {
			if d.columns[k].name == "analog" {
				// The checksum stands behind length, values, validity, codec and encoding.
				at := l.blocks[i].sums[k] - int64(len(appendLengths(&d.columns[k]))) - 3
				if b[at] != byte(d.columns[k].chunk.Encoding) {
					t.Fatal("the encoding is not where the test looks for it")
				}
				b[at] = 99
			}
		}
	}
	l.mend(b)
	r = openBytes(t, b, ReaderOptions{OnDamage: func(err error) { t.Error(err) }})
	for _, cols := range []Columns{{All: true}, {Fields: []string{"analog"}}} {
		if _, err := r.Scan(&e, All(), cols, func(*Record) bool { return true }); !errors.Is(err, column.ErrUnknownEncoding) || errors.Is(err, ErrCorrupt) {
			t.Errorf("Scan of %v: %v", cols, err)
		}
	}
	cols := Columns{Fields: []string{"state"}, Raw: true}
	n := 0
	if _, err := r.Scan(&e, All(), cols, func(rec *Record) bool {
		if err := m[testKeys[2]][1][n].matches(rec, cols); err != nil {
			t.Error(err)
		}
		n++
		return true
	}); err != nil || n != len(m[testKeys[2]][1]) {
		t.Errorf("Scan of %v: %d rows, %v", cols, n, err)
	}
	if _, err := Verify(bytes.NewReader(b), int64(len(b)), Name{}, nil); !errors.Is(err, column.ErrUnknownEncoding) || errors.Is(err, ErrCorrupt) {
		t.Errorf("Verify: %v", err)
	}
}

// A column that has more or fewer values than rows that claim one is damaged, and no value is looked for where there is none.
func TestColumnsWithWrongCounts(t *testing.T) {
	var enc column.Encoder
	var dec column.Decoder
	list, validity := enc.Validity(nil, []bool{true, false, true, true})
	for values := range 5 {
		var b []byte
		col := blockColumn{part: partField, name: "a", kind: 2, values: values}
		if values > 0 {
			b, col.chunk = enc.Ints(nil, make([]int64, values))
		}
		if _, err := decodeValues(&dec, &col, 4, b); (err == nil) != (values == 4) || err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d values for each of 4 rows: %v", values, err)
		}
		col.mixed, col.validity, col.validLen = true, validity, len(list)
		if _, err := decodeValues(&dec, &col, 4, append(bytes.Clone(list), b...)); (err == nil) != (values == 3) || err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d values for 3 of 4 rows: %v", values, err)
		}
	}
}
