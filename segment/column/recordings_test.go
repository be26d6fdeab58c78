package column

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// testdata is the folder of real recordings, see its README.md for their origin.
func testdata(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("GAPLESS_TESTDATA")
	if dir == "" {
		t.Skip("SKIP(testdata): GAPLESS_TESTDATA is not set: real recordings are not checked")
	}
	return dir
}

// recording says how a file of recordings is to be read.
type recording struct {
	set, file string
	device    string // column that splits rows into devices, "" for one device
	stamp     string // column of the device time: milliseconds or microseconds by its name, else a date
	skip      []string
}

var recordings = []recording{
	{"skab", "skab_valve_testbed.csv.gz", "device", "datetime", nil},
	{"nab", "nab_real.csv.gz", "device", "timestamp", nil},
	{"etth1", "etth1_transformer.csv.gz", "", "date", nil},
	{"px4", "px4_sensor_combined.csv.gz", "", "timestamp", nil},
	{"px4", "px4_actuator_outputs.csv.gz", "", "timestamp", nil},
	{"px4", "px4_vehicle_status.csv.gz", "", "timestamp", nil},
	{"lora_se", "lorawan_saint_eynard.csv.gz", "device", "ts_ms", []string{"best_gateway", "adr", "payload_hex", "object_json"}},
	{"lora_tp", "lorawan_tour_perret.csv.gz", "devaddr", "ts_ms", []string{"device", "spreading", "payload_b64", "raw_packet_b64"}},
}

// realColumn is one column of one block. Exactly one of its slices is set.
type realColumn struct {
	name    string
	present []bool // nil when every row has a value
	ints    []int64
	floats  []Float
}

// block is what a segment would keep of up to MaxValues frames of one device.
type block struct {
	rows    int
	columns []realColumn // the first is the time
}

func (b *block) values() int {
	n := 0
	for _, c := range b.columns[1:] {
		n += len(c.ints) + len(c.floats)
	}
	return n
}

// table is a recording by device and column, as text.
type table struct {
	head []string
	rows map[string][][]string
	devs []string
}

func readTable(t testing.TB, r recording) table {
	t.Helper()
	f, err := os.Open(filepath.Join(testdata(t), r.file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	in := csv.NewReader(z)
	head, err := in.Read()
	if err != nil {
		t.Fatal(err)
	}
	tab := table{head: head, rows: map[string][][]string{}}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return tab
		}
		if err != nil {
			t.Fatal(err)
		}
		dev := ""
		for i, h := range head {
			if h == r.device {
				dev = row[i]
			}
		}
		if tab.rows[dev] == nil {
			tab.devs = append(tab.devs, dev)
		}
		tab.rows[dev] = append(tab.rows[dev], row)
	}
}

// blocks reads a recording as a flush would see it.
func (r recording) blocks(t testing.TB) []block {
	t.Helper()
	tab := readTable(t, r)
	var out []block
	for _, dev := range tab.devs {
		rows := tab.rows[dev]
		for len(rows) > 0 {
			n := min(MaxValues, len(rows))
			out = append(out, r.block(t, tab.head, rows[:n]))
			rows = rows[n:]
		}
	}
	return out
}

func (r recording) block(t testing.TB, head []string, rows [][]string) block {
	b := block{rows: len(rows), columns: []realColumn{{name: r.stamp}}}
	for i, h := range head {
		texts := make([]string, len(rows))
		for j, row := range rows {
			texts[j] = row[i]
		}
		switch {
		case h == r.stamp:
			for _, s := range texts {
				b.columns[0].ints = append(b.columns[0].ints, stampNS(t, h, s))
			}
		case h == r.device:
		case slices.Contains(r.skip, h):
		default:
			if c, ok := numberColumn(h, texts); ok {
				b.columns = append(b.columns, c)
			}
		}
	}
	return b
}

func stampNS(t testing.TB, column, s string) int64 {
	t.Helper()
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if strings.HasSuffix(column, "_ms") {
			return n * 1e6
		}
		return n * 1e3
	}
	at, err := time.Parse(time.DateTime, s)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixNano()
}

// numberColumn reads texts as integers if all are, else as floats with the decimal hint that a parser finds. False when there is no number.
func numberColumn(name string, texts []string) (realColumn, bool) {
	c := realColumn{name: name, present: make([]bool, len(texts))}
	present := 0
	allInt := true
	for i, s := range texts {
		c.present[i] = s != ""
		if s == "" {
			continue
		}
		present++
		n, err := strconv.ParseInt(s, 10, 64)
		allInt = allInt && err == nil
		c.ints = append(c.ints, n)
		c.floats = append(c.floats, parseFloat(s))
	}
	if present == len(texts) {
		c.present = nil
	}
	if allInt {
		c.floats = nil
	} else {
		c.ints = nil
	}
	return c, present > 0
}

// parseFloat reads a number with its digits as the hint where a float64 holds them.
func parseFloat(s string) Float {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	f := Float{Bits: math.Float64bits(x)}
	digits, exponent, _ := strings.Cut(s, "e")
	e, _ := strconv.Atoi(exponent)
	whole, part, _ := strings.Cut(digits, ".")
	m, err := strconv.ParseInt(whole+part, 10, 64)
	scale := len(part) - e
	for ; scale < 0 && m < maxMantissa/10; scale++ {
		m *= 10
	}
	if err == nil && max(m, -m) < maxMantissa && scale >= 0 && scale <= maxScale && x != 0 {
		f.Mantissa, f.Scale, f.Decimal = m, uint8(scale), true
	}
	return f
}

// withoutHints is the block as a client sends it that writes binary floats.
func (b block) withoutHints() block {
	out := block{rows: b.rows}
	for _, c := range b.columns {
		bare := make([]Float, len(c.floats))
		for i := range bare {
			bare[i].Bits = c.floats[i].Bits
		}
		if c.floats != nil {
			c.floats = bare
		}
		out.columns = append(out.columns, c)
	}
	return out
}
