package column

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// size is what columns came to.
type size struct{ bytes, values int }

func (s *size) add(bytes, values int) { s.bytes += bytes; s.values += values }

func (s size) each() float64 { return float64(s.bytes) / float64(s.values) }

// encodeBlock encodes every column of a block, decodes it again, and returns the bytes of all.
func encodeBlock(t testing.TB, e *Encoder, d *Decoder, b *block, columns map[string]*size) (total int) {
	for _, c := range b.columns {
		var v any = c.ints
		if c.floats != nil {
			v = c.floats
		}
		out, chunk := encodeAny(e, nil, v)
		checkAny(t, d, v, chunk, out)
		if c.present != nil {
			valid, chunk := e.Validity(nil, c.present)
			checkAny(t, d, c.present, chunk, valid)
			out = append(out, valid...)
		}
		if columns[c.name] == nil {
			columns[c.name] = &size{}
		}
		columns[c.name].add(len(out), len(c.ints)+len(c.floats))
		total += len(out)
	}
	return total
}

// TestRealSizes encodes recordings and compares bytes per value, times and validity included, with the table in docs/format/column.md.
// With -v it prints the lines of that table and what each column takes.
func TestRealSizes(t *testing.T) {
	sets, blocks := realBlocks(t)
	doc := documentedSizes(t)
	var e Encoder
	var d Decoder
	for _, set := range sets {
		var hinted, bare size
		columns := map[string]*size{}
		for _, b := range blocks[set] {
			hinted.add(encodeBlock(t, &e, &d, &b, columns), b.values())
			without := b.withoutHints()
			bare.add(encodeBlock(t, &e, &d, &without, map[string]*size{}), b.values())
		}
		for _, name := range sortedKeys(columns) {
			t.Logf("%-8s %-32s %7d bytes, %.3f a value", set, name, columns[name].bytes, columns[name].each())
		}
		t.Logf("| %s | %.3f | %.3f |", set, hinted.each(), bare.each())
		for i, got := range []float64{hinted.each(), bare.each()} {
			if len(doc[set]) < 2 || math.Abs(got-doc[set][i]) > 0.002 {
				t.Errorf("%s takes %.3f bytes a value, the document says %v", set, got, doc[set])
			}
		}
	}
}

func sortedKeys[V any](m map[string]V) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// documentedSizes reads the first columns of the table of sizes.
func documentedSizes(t *testing.T) map[string][]float64 {
	t.Helper()
	sizes := map[string][]float64{}
	for line := range strings.Lines(document(t)) {
		var set string
		var hinted, bare float64
		if n, _ := fmt.Sscanf(line, "| %s | **%f** | %f |", &set, &hinted, &bare); n == 3 {
			sizes[set] = []float64{hinted, bare}
		}
	}
	return sizes
}

// TestRealTexts does the same for payloads, messages and names: bytes per row.
func TestRealTexts(t *testing.T) {
	tests := []struct {
		file, column string
		most         float64
		binary       bool // the column is hexadecimal
	}{
		{"lorawan_saint_eynard.csv.gz", "payload_hex", 12, true},
		{"lorawan_saint_eynard.csv.gz", "object_json", 10, false},
		{"lorawan_saint_eynard.csv.gz", "best_gateway", 0.6, false},
		{"lorawan_tour_perret.csv.gz", "spreading", 0.2, false},
		{"raw_json_tour_perret.csv.gz", "json", 250, false},
	}
	var e Encoder
	var d Decoder
	for _, tt := range tests {
		tab := readTable(t, recording{file: tt.file})
		rows := tab.rows[""]
		at := slices.Index(tab.head, tt.column)
		var raw, out size
		for len(rows) > 0 {
			n := min(MaxValues, len(rows))
			var v [][]byte
			for _, row := range rows[:n] {
				text := []byte(row[at])
				if tt.binary {
					text, _ = hex.DecodeString(row[at])
				}
				v = append(v, text)
				raw.add(len(text), 1)
			}
			b, c := e.Bytes(nil, v)
			checkAny(t, &d, v, c, b)
			out.add(len(b), n)
			rows = rows[n:]
		}
		t.Logf("%-28s %-12s %8.2f bytes a row become %.3f", tt.file, tt.column, raw.each(), out.each())
		if out.each() > tt.most {
			t.Errorf("%s: %.3f bytes a row, at most %.3f were expected", tt.column, out.each(), tt.most)
		}
	}
}
