package query

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"pgregory.net/rapid"
)

// drawMixed makes a store with fields of every kind, and of several kinds under one name, in all layers.
func drawMixed(t *rapid.T) (*store, []sent) {
	s := newStore(ledger.Policy{})
	var all []sent
	for n := range uint64(rapid.IntRange(1, 30).Draw(t, "frames")) {
		f := sent{tenant: "t", device: rapid.SampledFrom([]string{"d", "e,\"ü\""}).Draw(t, "device"), stream: "0", seq: n}
		f.TimeNS = startMS*ms + rapid.Int64Range(1, 1e12).Draw(t, "time")
		f.Class = frame.ClassEvent
		for _, name := range []string{"a", "b", "comma,quote\"", "time", "fields.time"} {
			if v, ok := drawValue(t); ok {
				f.Fields = append(f.Fields, frame.Field{Name: name, Value: v})
			}
		}
		if rapid.IntRange(0, 3).Draw(t, "has raw") == 0 {
			f.Raw = rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "raw")
		}
		all = append(all, f)
		s.put(t, f)
		drawMove(t)(t, s)
	}
	slices.SortStableFunc(all, func(a, b sent) int { return strings.Compare(a.device, b.device) })
	return s, all
}

// columnOf is the column that a field has: those that every row has keep their names.
func columnOf(name string, all []sent) string {
	used := func(name string) bool {
		return slices.ContainsFunc(all, func(f sent) bool {
			return slices.ContainsFunc(f.Fields, func(x frame.Field) bool { return x.Name == name })
		})
	}
	if name != "time" {
		return name
	}
	if used("fields.time") {
		return "fields.fields.time"
	}
	return "fields.time"
}

// textOf is a value as CSV shows it.
func textOf(v frame.Value) string {
	var w writer
	if v.Kind == frame.KindString {
		return v.Text()
	}
	w.value(&v)
	return strings.Trim(string(w.b), `"`)
}

// TestCSVHoldsEveryValue reads an export with a CSV reader that is not ours: every cell is the value that was sent, or empty.
func TestCSVHoldsEveryValue(t *testing.T) {
	srv := newServer(t, newStore(ledger.Policy{}), Options{})
	rapid.Check(t, func(t *rapid.T) {
		s, sentFrames := drawMixed(t)
		srv.use(s, Options{LockRows: rapid.IntRange(1, 40).Draw(t, "lock rows")})
		x := srv.export(t, "format=csv&raw=true")
		rows, err := csv.NewReader(bytes.NewReader(x.body)).ReadAll()
		if err != nil || x.err != nil || !x.whole || x.trailer.Rows != uint64(len(sentFrames)) {
			t.Fatalf("%v %v %+v in %s", err, x.err, x.trailer, x.body)
		}
		names := map[string]bool{}
		for _, f := range sentFrames {
			for _, field := range f.Fields {
				names[columnOf(field.Name, sentFrames)] = true
			}
		}
		head := rows[0]
		if want := len(frameColumns) + 1 + len(names); len(head) != want || len(rows) != len(sentFrames)+1 {
			t.Fatalf("%d columns, want %d, in %d lines: %q", len(head), want, len(rows), head)
		}
		for i, f := range sentFrames {
			want := map[string]string{
				"device": f.device, "stream": "0", "epoch": "1", "seq": strconv.FormatUint(f.seq, 10), "class": "event",
				"time": time.Unix(0, f.TimeNS).UTC().Format(time.RFC3339Nano), "receive_time": "2026-11-21T10:00:00Z",
			}
			if len(f.Raw) > 0 {
				want["raw"] = textOf(frame.Bytes(f.Raw))
			}
			for _, field := range f.Fields {
				want[columnOf(field.Name, sentFrames)] = textOf(field.Value)
			}
			for c, cell := range rows[i+1] {
				text := strings.ReplaceAll(want[head[c]], "\r\n", "\n") // as the reader does
				if cell != text && head[c] != "flags" {
					t.Fatalf("row %d, %s: %q, want %q", i, head[c], cell, text)
				}
			}
		}
	})
}

// TestColumnsAreThoseOfTheRows selects rows by time: the header has no field that only other rows have, wherever blocks begin and end.
func TestColumnsAreThoseOfTheRows(t *testing.T) {
	for _, flushed := range []bool{false, true} {
		s := newStore(ledger.Policy{})
		for n := range uint64(6) {
			name := fmt.Sprintf("f%d", n/2)
			s.put(t, sent{tenant: "t", device: "d", stream: "0", seq: n, Frame: frame.Frame{TimeNS: startMS*ms + int64(n)*second,
				Fields: []frame.Field{{Name: name, Value: frame.Int(1)}}}})
		}
		if flushed {
			s.seal()
			s.flush(t)
		}
		srv := newServer(t, s, Options{})
		for _, tt := range []struct {
			query, want string
		}{
			{"", "f0,f1,f2"},
			{"&from=" + secondText(2) + "&to=" + secondText(3), "f1"},
			{"&from_seq=3", "f1,f2"},
			{"&from=" + secondText(20), ""},
		} {
			x := srv.export(t, "format=csv"+tt.query)
			head, _, _ := strings.Cut(string(x.body), "\n")
			want := strings.TrimSuffix(strings.Join(frameColumns, ",")+","+tt.want, ",")
			if head != want {
				t.Errorf("flushed %v, %s: %s, want %s", flushed, tt.query, head, want)
			}
		}
	}
}

// TestWideExport reaches the limit of columns, and stays below it where fields are named.
func TestWideExport(t *testing.T) {
	s := newStore(ledger.Policy{})
	for n := range uint64(3) {
		s.put(t, sent{tenant: "t", device: "d", stream: "0", seq: n, Frame: frame.Frame{TimeNS: 1,
			Fields: []frame.Field{{Name: fmt.Sprintf("f%d", n), Value: frame.Int(1)}}}})
	}
	srv := newServer(t, s, Options{MaxColumns: 2})
	for _, format := range []string{"csv", "arrow"} {
		x := srv.export(t, "format="+format)
		if a := decode(t, string(x.body)); x.status != 400 || a.Error.Code != "limit_exceeded" ||
			!strings.Contains(a.Error.Message, "query.max_columns of 2") {
			t.Errorf("%s: %d %s", format, x.status, x.body)
		}
		if x := srv.export(t, "format="+format+"&fields="+url.QueryEscape("f0,f1")); x.status != 200 || !x.whole {
			t.Errorf("%s of named fields: %d %s", format, x.status, x.body)
		}
	}
	if n := srv.api.exports.Load(); n != 0 {
		t.Errorf("%d exports are still under way", n)
	}
}
