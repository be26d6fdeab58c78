package oracles

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// px4Args read a clock that began with the flight controller as one that began in 2026.
var px4Args = []string{"--time", "timestamp", "--time-format", "us", "--time-base", "2026-11-01T00:00:00Z"}

// table says how a recording is read back.
type table struct {
	file    string
	name    string // of the device, where no column has it
	device  string // column of the device
	only    string // the only device that is sent, "" for all
	seq     string // column
	time    string // column, read by instant
	instant func(string) (time.Time, error)
	raw     string   // column of the payload
	texts   []string // columns that were said to be text
	args    []string
}

// cells replays every recording and reads every cell of it back: numbers with all their digits and bits, texts, bytes, and what is missing.
func (w *world) cells(t *testing.T) {
	datetime := func(s string) (time.Time, error) { return time.Parse(time.DateTime, s) }
	ms := func(s string) (time.Time, error) {
		n, err := strconv.ParseInt(s, 10, 64)
		return time.UnixMilli(n), err
	}
	boot := func(s string) (time.Time, error) {
		n, err := strconv.ParseInt(s, 10, 64)
		return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Microsecond), err
	}
	for _, tt := range []table{
		{
			file: eynard, name: "text/", device: "device", only: "d1d1e80000000033", seq: "fcnt", time: "ts_ms", instant: ms, texts: []string{"payload_hex"},
			args: append(slices.Clone(eynardArgs), "--epoch", "one"),
		},
		{
			file: eynard, name: "raw/", device: "device", only: "d1d1e80000000033", seq: "fcnt", time: "ts_ms", instant: ms, raw: "payload_hex",
			args: append(slices.Clone(eynardArgs[:len(eynardArgs)-2]), "--epoch", "one", "--hex", "payload_hex", "--raw", "payload_hex"),
		},
		{
			file: perret, device: "devaddr", seq: "fcnt", time: "ts_ms", instant: ms, raw: "raw_packet_b64",
			args: append(slices.Clone(perretArgs), "--epoch", "one"),
		},
		{file: "skab_valve_testbed.csv.gz", device: "device", time: "datetime", instant: datetime, args: []string{"--time-format", "datetime"}},
		{file: "nab_real.csv.gz", device: "device", time: "timestamp", instant: datetime, args: old[:3]},
		{file: "etth1_transformer.csv.gz", name: "etth1", time: "date", instant: datetime, args: old[:3]},
		{file: "px4_sensor_combined.csv.gz", name: "sensor", time: "timestamp", instant: boot, args: px4Args},
		{file: "px4_actuator_outputs.csv.gz", name: "actuator", time: "timestamp", instant: boot, args: px4Args},
		{file: "px4_vehicle_status.csv.gz", name: "status", time: "timestamp", instant: boot, args: px4Args},
		{file: "raw_json_tour_perret.csv.gz", name: "json", seq: "arrival", raw: "json", args: []string{"--seq", "arrival", "--raw", "json"}},
	} {
		t.Run(tt.file+" "+tt.name, func(t *testing.T) { w.compare(t, &tt) })
	}
	t.Run("numbers at their ends", w.extremes)
}

// compare replays a recording and reads it back, device by device.
func (w *world) compare(t *testing.T, tt *table) {
	r := w.recording(t, tt.file)
	devices, args := []string{""}, append(slices.Clone(tt.args), "--device", "cells/"+tt.name)
	if tt.device != "" {
		devices, args = r.values(tt.device), append(slices.Clone(tt.args), "--device", "cells/"+tt.name+"{"+tt.device+"}")
	}
	if tt.only != "" {
		devices, args = []string{tt.only}, append(args, "--where", tt.device+"="+tt.only)
	}
	if tt.time != "" {
		args = append(args, "--time", tt.time)
	}
	sum := w.replay(t, tt.file, args...)
	var compared int64
	for _, device := range devices {
		rows := r.rows
		if tt.device != "" {
			rows = r.of(tt.device, device)
		}
		want, got := firstOfEach(r, rows, tt.seq), w.frames(t, "cells/"+tt.name+device, "")
		if len(got) != len(want) {
			t.Errorf("%s: %d frames, the file has %d", device, len(got), len(want))
			continue
		}
		for i := range got {
			if err := tt.equal(r, want[i], &got[i]); err != nil {
				t.Fatalf("%s, frame %d: %v", device, got[i].Seq, err)
			}
		}
		compared += int64(len(got))
	}
	if f := sum.Files[0]; compared != f.Accepted || compared == 0 {
		t.Errorf("%d frames compared, %d were accepted", compared, f.Accepted)
	}
}

// firstOfEach is the rows that a store keeps, in the order in which it shows them: by number the first of each, without numbers all.
func firstOfEach(r *recording, rows [][]string, seq string) [][]string {
	if seq == "" {
		return rows
	}
	first := map[uint64][]string{}
	var numbers []uint64
	for _, row := range rows {
		if row[r.column[seq]] == "" {
			continue
		}
		n := r.number(row, seq)
		if first[n] == nil {
			first[n] = row
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	var list [][]string
	for _, n := range numbers {
		list = append(list, first[n])
	}
	return list
}

// equal compares a row with a frame, cell by cell.
func (tt *table) equal(r *recording, row []string, f *stored) error {
	fields := 0
	for i, name := range r.names {
		token, there := f.Fields[name]
		switch cell := row[i]; {
		case name == tt.device || name == tt.seq || name == tt.time || name == tt.raw:
			if there {
				return fmt.Errorf("%s is a field", name)
			}
		case cell == "":
			if there {
				return fmt.Errorf("%s is empty in the file, and stored as %s", name, token)
			}
		case !there:
			return fmt.Errorf("%s is %q in the file, and not stored", name, cell)
		default:
			fields++
			if err := tt.sameValue(name, cell, token); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if fields != len(f.Fields) {
		return fmt.Errorf("%d fields, the file has %d", len(f.Fields), fields)
	}
	return tt.sameHead(r, row, f)
}

// sameHead compares number, time and payload.
func (tt *table) sameHead(r *recording, row []string, f *stored) error {
	if tt.seq != "" && strconv.FormatUint(f.Seq, 10) != row[r.column[tt.seq]] {
		return fmt.Errorf("number %d, the file has %s", f.Seq, row[r.column[tt.seq]])
	}
	if tt.time != "" {
		want, err := tt.instant(row[r.column[tt.time]])
		if got, bad := time.Parse(time.RFC3339Nano, f.Time); err != nil || bad != nil || !got.Equal(want) {
			return fmt.Errorf("time %s, the file has %s (%v, %v)", f.Time, want, err, bad)
		}
	}
	if tt.raw == "" {
		return nil
	}
	want := row[r.column[tt.raw]]
	got, err := base64.StdEncoding.DecodeString(f.Raw)
	switch tt.raw {
	case "payload_hex":
		if hex.EncodeToString(got) != want {
			return fmt.Errorf("payload %x, the file has %s (%v)", got, want, err)
		}
	case "raw_packet_b64":
		if f.Raw != want {
			return fmt.Errorf("payload %s, the file has %s", f.Raw, want)
		}
	default:
		if string(got) != want {
			return fmt.Errorf("payload %q, the file has %q (%v)", got, want, err)
		}
	}
	return nil
}

// sameValue compares a cell with the JSON of a field: an integer by its digits, a float by its bits, anything else by its text.
func (tt *table) sameValue(name, cell string, token json.RawMessage) error {
	switch {
	case token[0] == '"':
		var text string
		if err := json.Unmarshal(token, &text); err != nil || text != cell {
			return fmt.Errorf("%s, the file has %q", token, cell)
		}
		if number.MatchString(cell) && !slices.Contains(tt.texts, name) {
			return fmt.Errorf("the number %s is stored as text", cell)
		}
		return nil
	case token[0] == 't' || token[0] == 'f':
		if cell != string(token) {
			return fmt.Errorf("%s, the file has %q", token, cell)
		}
		return nil
	}
	return sameNumber(cell, string(token))
}

// number is what RFC 8259 calls one.
var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

func sameNumber(cell, token string) error {
	if !strings.ContainsAny(cell, ".eE") {
		if cell != token {
			return fmt.Errorf("%s, the file has the integer %s", token, cell)
		}
		return nil
	}
	want, err := strconv.ParseFloat(cell, 64)
	got, bad := strconv.ParseFloat(token, 64)
	if err != nil || bad != nil || math.Float64bits(got) != math.Float64bits(want) || !strings.ContainsAny(token, ".e") {
		return fmt.Errorf("%s, the file has the float %s (%v, %v)", token, cell, bad, err)
	}
	return nil
}
