package query

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// arrowRead is an Arrow stream as arrow-go's reader has it, a map a row. Every batch is valid.
func arrowRead(t tester, body []byte) (rows []map[string]any, schema *arrow.Schema) {
	t.Helper()
	r, err := ipc.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	for r.Next() {
		batch := r.RecordBatch()
		for i := range int(batch.NumRows()) {
			row := map[string]any{}
			for c, column := range batch.Columns() {
				if !column.IsNull(i) {
					row[batch.ColumnName(c)] = arrowValue(t, column, i)
				}
			}
			rows = append(rows, row)
		}
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return rows, r.Schema()
}

func arrowValue(t tester, column arrow.Array, i int) any {
	switch c := column.(type) {
	case *array.Dictionary:
		return arrowValue(t, c.Dictionary(), c.GetValueIndex(i))
	case *array.String:
		return c.Value(i)
	case *array.Binary:
		return string(c.Value(i))
	case *array.Float64:
		return c.Value(i)
	case *array.Int64:
		return c.Value(i)
	case *array.Uint64:
		return c.Value(i)
	case *array.Uint32:
		return c.Value(i)
	case *array.Boolean:
		return c.Value(i)
	case *array.Timestamp:
		return int64(c.Value(i))
	}
	t.Fatalf("column of type %T", column)
	return nil
}

// sameExported compares a value read back with the one that was sent: bit for bit where the column is of numbers, else by its text.
func sameExported(got any, v frame.Value) bool {
	switch got := got.(type) {
	case float64:
		return math.Float64bits(got) == math.Float64bits(v.Float64()) && (v.Kind == frame.KindFloat || fmt.Sprint(int64(got)) == textOf(v))
	case int64, uint64, bool:
		return fmt.Sprint(got) == textOf(v)
	case string:
		return got == textOf(v) || v.Kind == frame.KindBytes && got == v.Text()
	}
	return false
}

// TestArrowHoldsEveryValue reads an export with arrow-go's reader: every row has the fields that were sent, exactly.
func TestArrowHoldsEveryValue(t *testing.T) {
	srv := newServer(t, newStore(ledger.Policy{}), Options{})
	rapid.Check(t, func(t *rapid.T) {
		s, sentFrames := drawMixed(t)
		srv.use(s, Options{LockRows: rapid.IntRange(1, 40).Draw(t, "lock rows")})
		x := srv.export(t, "format=arrow&raw=true")
		if x.err != nil || !x.whole {
			t.Fatal(x.err)
		}
		rows, _ := arrowRead(t, x.body)
		if len(rows) != len(sentFrames) || x.trailer.Rows != uint64(len(rows)) {
			t.Fatalf("%d rows of %d, and the end says %d", len(rows), len(sentFrames), x.trailer.Rows)
		}
		for i, f := range sentFrames {
			row := rows[i]
			for name, want := range map[string]any{
				"device": f.device, "stream": "0", "epoch": uint32(1), "seq": f.seq, "time": f.TimeNS, "receive_time": int64(startMS), "class": "event",
			} {
				if row[name] != want {
					t.Fatalf("row %d, %s: %v, want %v", i, name, row[name], want)
				}
				delete(row, name)
			}
			delete(row, "flags")
			if raw := row["raw"]; raw != nil && raw != string(f.Raw) || raw == nil && len(f.Raw) > 0 {
				t.Fatalf("row %d: raw %v, want %q", i, raw, f.Raw)
			}
			delete(row, "raw")
			for _, field := range f.Fields {
				name := columnOf(field.Name, sentFrames)
				if !sameExported(row[name], field.Value) {
					t.Fatalf("row %d, %s: %v, want %v", i, name, row[name], textOf(field.Value))
				}
				delete(row, name)
			}
			if len(row) > 0 {
				t.Fatalf("row %d has what was not sent: %v", i, row)
			}
		}
	})
}

// TestArrowTypes holds the rule of types: the narrowest that holds every value exactly, text where none does.
func TestArrowTypes(t *testing.T) {
	const exact = 1 << 53
	for _, tt := range []struct {
		name   string
		values []frame.Value
		want   string
	}{
		{"floats", []frame.Value{frame.Float(1.5), frame.Float(math.NaN())}, "float64"},
		{"integers", []frame.Value{frame.Int(-1), frame.Int(math.MaxInt64)}, "int64"},
		{"large integers", []frame.Value{frame.Uint(math.MaxUint64), frame.Int(1)}, "uint64"},
		{"large and negative integers", []frame.Value{frame.Uint(math.MaxUint64), frame.Int(-1)}, "utf8"},
		{"a whole number now and then", []frame.Value{frame.Float(20.5), frame.Int(exact), frame.Int(-exact)}, "float64"},
		{"a whole number that no float has", []frame.Value{frame.Float(20.5), frame.Int(exact + 1)}, "utf8"},
		{"a large one beside floats", []frame.Value{frame.Float(20.5), frame.Uint(math.MaxUint64)}, "utf8"},
		{"truth", []frame.Value{frame.Bool(true), frame.Bool(false)}, "bool"},
		{"truth and numbers", []frame.Value{frame.Bool(true), frame.Int(1)}, "utf8"},
		{"texts", []frame.Value{frame.String("on"), frame.String("")}, "utf8"},
		{"texts and numbers", []frame.Value{frame.String("on"), frame.Float(1)}, "utf8"},
		{"bytes", []frame.Value{frame.Bytes([]byte{0, 255})}, "binary"},
		{"bytes and texts", []frame.Value{frame.Bytes([]byte{0, 255}), frame.String("x")}, "utf8"},
		{"nothing", nil, "float64"},
	} {
		for _, where := range []string{"head", "segment"} {
			s := newStore(ledger.Policy{})
			s.put(t, sent{tenant: "t", device: "d", stream: "0", seq: 100, Frame: frame.Frame{TimeNS: 1}})
			for n, v := range tt.values {
				one := frame.Frame{TimeNS: 1, Fields: []frame.Field{{Name: "x", Value: v}}}
				s.put(t, sent{tenant: "t", device: "d", stream: "0", seq: uint64(n), Frame: one})
			}
			if where == "segment" {
				s.seal()
				s.flush(t)
			}
			rows, schema := arrowRead(t, newServer(t, s, Options{}).export(t, "format=arrow&fields=x").body)
			if got := schema.Field(len(frameColumns)).Type.String(); got != tt.want {
				t.Errorf("%s in a %s: %s, want %s", tt.name, where, got, tt.want)
			}
			for n, v := range tt.values {
				if !sameExported(rows[n]["x"], v) {
					t.Errorf("%s in a %s: %v, want %s", tt.name, where, rows[n]["x"], textOf(v))
				}
			}
		}
	}
}

// TestArrowBatches has more rows than a batch takes, of many devices: dictionaries are of each batch, and the rows stay in order.
func TestArrowBatches(t *testing.T) {
	s := newStore(ledger.Policy{})
	const devices, each = 300, 70
	var want []string
	for d := range devices {
		frames := make([]sent, each)
		for n := range frames {
			frames[n] = measured(fmt.Sprintf("d%03d", d), uint64(n))
			want = append(want, fmt.Sprintf("d%03d %d", d, n))
		}
		if s.put(t, frames...); d%90 == 0 {
			s.seal()
			s.flush(t)
		}
	}
	x := newServer(t, s, Options{}).export(t, "format=arrow")
	var got []string
	rows, schema := arrowRead(t, x.body)
	for _, row := range rows {
		got = append(got, fmt.Sprint(row["device"], " ", row["seq"]))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	r, err := ipc.NewReader(bytes.NewReader(x.body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	batches := 0
	for r.Next() {
		batches++
		if n := r.RecordBatch().NumRows(); n > arrowRows {
			t.Errorf("a batch of %d rows", n)
		}
		dictionary := r.RecordBatch().Column(0).(*array.Dictionary).Dictionary().Len()
		if dictionary > arrowRows/each+2 {
			t.Errorf("a dictionary of %d devices", dictionary)
		}
	}
	if want := (devices*each + arrowRows - 1) / arrowRows; batches != want {
		t.Errorf("%d batches, want %d", batches, want)
	}
	meta := schema.Metadata()
	if asOf, ok := meta.GetValue("gapless.as_of"); !ok || !strings.Contains(asOf, `"index":`) {
		t.Errorf("metadata %v", meta)
	}
}
