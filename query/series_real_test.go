package query

import (
	"context"
	"maps"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/tests/recordings"
)

// recordedRow is a line of a recording: its number and time, and what its cells say. A line that is dropped has a number and was never sent.
type recordedRow struct {
	seq     uint64
	ns      int64
	fields  []frame.Field
	dropped bool
}

// recording reads a file of real telemetry by devices; the README.md beside it says where it comes from. Cells that are no numbers are left out.
func recording(t *testing.T, file, device, clock string, fields ...string) map[string][]recordedRow {
	t.Helper()
	head, rows := recordings.Read(t, file)
	out := map[string][]recordedRow{}
	for n, line := range rows {
		name := file
		if device != "" {
			name = line[slices.Index(head, device)]
		}
		row := recordedRow{seq: uint64(len(out[name])), dropped: n%97 == 13 || n%1000 < 7}
		at, err := time.Parse(time.DateTime, line[slices.Index(head, clock)])
		if err != nil {
			t.Fatal(err)
		}
		row.ns = at.UnixNano()
		for _, field := range fields {
			if x, err := strconv.ParseFloat(line[slices.Index(head, field)], 64); err == nil {
				row.fields = append(row.fields, frame.Field{Name: field, Value: frame.Float(x)})
			}
		}
		slices.SortFunc(row.fields, func(a, b frame.Field) int { return slices.Compare([]string{a.Name}, []string{b.Name}) })
		out[name] = append(out[name], row)
	}
	return out
}

// recordingStore takes recordings of 2013 to 2024 for plausible.
func recordingStore(policy ledger.Policy) *store {
	policy.SkewLimitMS = 10 * 365 * 86_400_000
	s := newStore(policy)
	s.commitMS = time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	return s
}

// replay stores a recording as numbered frames: most in segments, the last in sealed heads and in the newest.
func replay(t *testing.T, rows map[string][]recordedRow) *store {
	s := recordingStore(ledger.Policy{})
	longest := 0
	for _, list := range rows {
		longest = max(longest, len(list))
	}
	const atOnce = 1500
	for from := 0; from < longest; from += atOnce {
		for _, device := range slices.Sorted(maps.Keys(rows)) {
			list := rows[device]
			var frames []sent
			for _, row := range list[min(from, len(list)):min(from+atOnce, len(list))] {
				if !row.dropped {
					f := sent{tenant: "t", device: device, stream: "0", epoch: "1", seq: row.seq}
					f.TimeNS, f.Fields = row.ns, row.fields
					frames = append(frames, f)
				}
			}
			if len(frames) > 0 {
				s.put(t, frames...)
			}
		}
		if from+2*atOnce < longest {
			s.seal()
			s.flush(t)
		} else if from+atOnce < longest {
			s.seal()
		}
	}
	s.settle()
	return s
}

// TestSeriesOfRecordings compares aggregates of real telemetry, in buckets of all kinds, with brute force over the files, and so their
// completeness: some lines were left out.
func TestSeriesOfRecordings(t *testing.T) {
	for _, tt := range []struct {
		file, device, clock string
		fields              []string
		step, zone          string
		next                func(time.Time) time.Time // the beginning of the next bucket
	}{
		{"skab_valve_testbed.csv.gz", "device", "datetime", []string{"pressure", "flow_rms", "anomaly"}, "1m", "",
			func(at time.Time) time.Time { return at.Truncate(time.Minute).Add(time.Minute) }},
		{"nab_real.csv.gz", "device", "timestamp", []string{"value"}, "P1W", "America/New_York", func(at time.Time) time.Time {
			y, m, d := at.Date()
			return time.Date(y, m, d+7-(int(at.Weekday())+6)%7, 0, 0, 0, 0, at.Location())
		}},
		{"nab_real.csv.gz", "device", "timestamp", []string{"value"}, "6h", "",
			func(at time.Time) time.Time { return at.Truncate(6 * time.Hour).Add(6 * time.Hour) }},
		{"etth1_transformer.csv.gz", "", "date", []string{"HUFL", "MULL", "OT"}, "P1M", "Europe/Paris", func(at time.Time) time.Time {
			return time.Date(at.Year(), at.Month()+1, 1, 0, 0, 0, 0, at.Location())
		}},
		{"etth1_transformer.csv.gz", "", "date", []string{"LUFL", "OT"}, "P1D", "Europe/Paris", func(at time.Time) time.Time {
			return time.Date(at.Year(), at.Month(), at.Day()+1, 0, 0, 0, 0, at.Location())
		}},
	} {
		t.Run(tt.file+" "+tt.step, func(t *testing.T) {
			rows := recording(t, tt.file, tt.device, tt.clock, tt.fields...)
			s := replay(t, rows)
			zone, err := time.LoadLocation(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			api := newAPI(t, s, Options{})
			for _, aggs := range [][]string{{"count", "sum", "avg", "min", "max", "first", "last", "delta"}, {"stddev", "p95", "rate"}} {
				for device, list := range rows {
					next := func(ns int64) int64 { return tt.next(time.Unix(0, ns).In(zone)).UnixNano() }
					checkRecording(t, api, device, list, aggs, tt.fields, tt.step, tt.zone, next)
				}
			}
		})
	}
}

// checkRecording compares the answers about one device.
func checkRecording(t *testing.T, api *API, device string, list []recordedRow, aggs, fields []string, step, zone string, next func(int64) int64) {
	t.Helper()
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for _, r := range list {
		first, last = min(first, r.ns), max(last, r.ns)
	}
	q := &modelQuestion{SeriesQuery: SeriesQuery{
		Tenant: "t", Devices: []string{device}, Fields: fields, Aggregates: aggs, Step: step, Zone: zone, From: timeOf(first), To: timeOf(last + 1),
	}}
	got, err := api.Query(context.Background(), q.SeriesQuery)
	if err != nil {
		t.Fatal(err)
	}
	starts := []int64{first}
	for at := next(first); at <= last; at = next(at) {
		starts = append(starts, at)
	}
	points := map[string]map[int64]*modelBucket{}
	for _, field := range fields {
		points[field] = map[int64]*modelBucket{}
		var before *modelPoint
		for _, r := range list {
			k := slices.IndexFunc(r.fields, func(f frame.Field) bool { return f.Name == field })
			if r.dropped || k < 0 {
				continue
			}
			i, exact := slices.BinarySearch(starts, r.ns)
			if !exact {
				i--
			}
			b := points[field][starts[i]]
			if b == nil {
				b = &modelBucket{streams: map[string][]modelPoint{}}
				points[field][starts[i]] = b
			}
			p := modelPoint{Value: r.fields[k].Value, ns: r.ns, before: before}
			before = &p
			b.streams[""] = append(b.streams[""], p)
		}
	}
	one := &got.Series[0]
	for i := range one.Fields {
		checkField(t, q, device, one, &one.Fields[i], points[one.Fields[i].Name])
	}
	listed := 0
	for i, start := range starts {
		end := last
		if i+1 < len(starts) {
			end = starts[i+1] - 1
		}
		want := recordedCompleteness(list, start, end)
		at, found := slices.BinarySearch(one.StartNS, start)
		if !found {
			if want.Expected > 0 {
				t.Fatalf("%s: no bucket at %s, want %+v", device, timeOf(start), want)
			}
			continue
		}
		listed++
		c := one.Buckets[at]
		if c.Expected != want.Expected || c.Stored != want.Stored || (c.Verdict == ledger.Incomplete) != (want.Missing() > 0) {
			t.Fatalf("%s: the bucket at %s is %+v, want %+v", device, timeOf(start), c, want)
		}
	}
	maps.DeleteFunc(points, func(_ string, b map[int64]*modelBucket) bool { return len(b) == 0 })
	if listed != len(one.StartNS) || len(one.Fields) != len(points) {
		t.Fatalf("%s: %d buckets of %d are known, %d fields of %d", device, listed, len(one.StartNS), len(one.Fields), len(points))
	}
}

// recordedCompleteness counts the lines that can lie in a bucket: from behind the last one before it to before the first one behind it.
func recordedCompleteness(list []recordedRow, first, last int64) (c Completeness) {
	low, high := -1, len(list) // the stored lines around the bucket
	for i, r := range list {
		if !r.dropped && r.ns >= first {
			for low = i - 1; low >= 0 && list[low].dropped; low-- {
			}
			break
		}
	}
	for i, r := range slices.Backward(list) {
		if !r.dropped && r.ns <= last {
			for high = i + 1; high < len(list) && list[high].dropped; high++ {
			}
			break
		}
	}
	base, end := 0, len(list)-1 // what is expected begins and ends with a stored line
	for list[base].dropped {
		base++
	}
	for list[end].dropped {
		end--
	}
	for i := max(low+1, base); i < high && i <= end; i++ {
		c.Expected++
		if !list[i].dropped {
			c.Stored++
		}
	}
	return c
}
