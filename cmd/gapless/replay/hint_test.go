package replay

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf16"
)

// wide is a text as UTF-16.
func wide(text string, big bool) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return string(b)
}

// TestFilesThatAreSomethingElse: the first words about a file that was read as what it is not say what to do.
func TestFilesThatAreSomethingElse(t *testing.T) {
	const simple = "device,seq,ts,t\nd1,1,2026-11-22T01:00:00Z,1.5\n"
	as := func(mark string) string { return strings.ReplaceAll(simple, ",", mark) }
	tests := []struct {
		name, text, want string
		change           func(*Mapping)
	}{
		{"UTF-16, little", "\xff\xfe" + wide(simple, false), "iconv -f UTF-16 -t UTF-8", nil},
		{"UTF-16, big", "\xfe\xff" + wide(simple, true), "iconv -f UTF-16 -t UTF-8", nil},
		{"UTF-16 without a mark, little", wide(simple, false), "iconv -f UTF-16LE -t", nil},
		{"UTF-16 without a mark, big", wide(simple, true), "iconv -f UTF-16BE -t", nil},
		{"a spreadsheet", "PK\x03\x04\x14\x00\x06\x00", "as .xlsx is", nil},
		{"bzip2", "BZh91AY&SY\x12\x34\x56\x78\x9a\xbc", "bzip2 -dc FILE", nil},
		{"xz", "\xfd7zXZ\x00\x00\x04", "xz -dc FILE", nil},
		{"Parquet", "PAR1\x15\x04", "CSV or NDJSON", nil},
		{"semicolons", as(";"), "--delimiter ';'", nil},
		{"semicolons, and decimal commas", strings.ReplaceAll(as(";"), "1.5", "1,5"), "--delimiter ';'", nil},
		{"semicolons, and a device of no column", as(";"), "--delimiter ';'", func(m *Mapping) { m.Device, m.Seq, m.Time = "d1", "", "" }},
		{"tabs", as("\t"), "--delimiter 'tab'", nil},
		{"bars", as("|"), "--delimiter '|'", nil},
		{"lines of an old Macintosh", strings.ReplaceAll(simple, "\n", "\r"), "tr '\\r' '\\n'", nil},
		{"the same, where names repeat", "device,seq,ts\rd1,1,x\rd1,1,x\r", "tr '\\r' '\\n'", nil},
		{"a quote without an end", "device,seq,ts\nd1,1,\"x\nd1,2,y\nd1,3,z\n", "lines 2 to 4 are one row", nil},
		{"Latin letters in the header line", "device,seq,ts,temp\xe9rature\nd,1,2026-11-22T01:00:00Z,1\n", "iconv -f WINDOWS-1252", nil},
		{"Latin letters in a row", "device,seq,ts,t\nd,1,2026-11-22T01:00:00Z,\xe9\n", "iconv -f WINDOWS-1252", nil},
		{"blanks behind the commas", as(", "), `it has " seq"`, nil},
		{"another name", "machine,seq,ts\nd1,1,2026-11-22T01:00:00Z\n", "--device '{COLUMN}'", nil},
		{"no header line", "d1,1,2026-11-22T01:00:00Z\n", "--columns names them", nil},
		{"a first row with too many cells", "Device,seq,ts\nd1,1,2026-11-22T01:00:00Z,5,6\n", `it has "Device"`, nil},
		{"what a terminal would obey", "\x1b[2Jevil,b\nd1,1\n", `it has "\x1b[2Jevil", b`, nil},
		{"an object over several lines", "{\n\"device\": \"d1\"\n}\n", "jq -c .", nil},
		{"seconds", "device,seq,ts\nd1,1,1763773200\n", "--time-format s reads it", nil},
		{"milliseconds", "device,seq,ts\nd1,1,1763773200000\n", "--time-format ms reads it", nil},
		{"milliseconds for seconds", "device,seq,ts\nd1,1,1763773200000\n", "--time-format ms reads it", func(m *Mapping) { m.TimeFormat = "s" }},
		{"a local time", "device,seq,ts\nd1,1,22.11.2026 01:00\n", "--time-format '02.01.2006 15:04' reads it", nil},
		{"no zone", "device,seq,ts\nd1,1,2026-11-22T01:00:00\n", "--time-format '2006-01-02T15:04:05' reads it", nil},
	}
	for _, tt := range tests {
		m := Defaults()
		m.Seq, m.Time = "seq", "ts"
		if tt.change != nil {
			tt.change(&m)
		}
		err := readThrough(t, tt.text, &m)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

// readThrough reads a text as a run does, to its first bad row.
func readThrough(t *testing.T, text string, m *Mapping) error {
	t.Helper()
	f, err := openFile(Stdin, strings.NewReader(text), m)
	if err != nil {
		return err
	}
	defer f.close()
	r, err := newReader(f, &Options{Mapping: *m, Batch: 10})
	if err != nil {
		return err
	}
	r.emit = func(*batch) error { return nil }
	return r.all(context.Background())
}

// TestFilesThatLookLikeSomethingElse and are not.
func TestFilesThatLookLikeSomethingElse(t *testing.T) {
	for name, text := range map[string]string{
		"one column, and a comma is said": "a;b\n1;2\n",
		"begins like bzip2":               "BZh,a\n1,2\n",
		"begins like Parquet":             "PAR1,a\n1,2\n",
		"a zero among the letters":        "a,b\nx\x00y,2\n",
	} {
		m := Defaults()
		m.Device = "d1"
		if strings.Contains(text, ";") {
			m.Delimiter = ","
		}
		if err := readThrough(t, text, &m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPackedFilesThatEndEarly says more than that something was unexpected.
func TestPackedFilesThatEndEarly(t *testing.T) {
	_, err := whole{io.MultiReader(strings.NewReader("x"), ends{})}.Read(make([]byte, 1))
	if err != nil {
		t.Fatal(err)
	}
	_, err = whole{ends{}}.Read(make([]byte, 1))
	if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("%v", err)
	}
}

type ends struct{}

func (ends) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestCountsOfARunThatEndsEarly add up: the row whose batch was not taken is one, too.
func TestCountsOfARunThatEndsEarly(t *testing.T) {
	m := Defaults()
	f, err := openFile(Stdin, strings.NewReader("device,a\nd,1\nd,2\nd,3\n"), &m)
	if err != nil {
		t.Fatal(err)
	}
	r, err := newReader(f, &Options{Mapping: m, Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	r.emit = func(*batch) error { return context.Canceled }
	if err := r.all(t.Context()); !errors.Is(err, context.Canceled) || r.counts.Rows != 2 || r.counts.Frames != 2 {
		t.Errorf("%v, %+v", err, r.counts)
	}
}
