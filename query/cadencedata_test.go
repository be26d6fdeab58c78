package query

import (
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/tests/recordings"
)

// recordingTimes reads the times of each device of a recording, in order of the file. The README.md beside the recordings has their
// origin, and the counts that serve as oracles here.
func recordingTimes(t *testing.T, file, column string, parse func(string) (int64, error)) map[string][]int64 {
	t.Helper()
	head, rows := recordings.Read(t, file)
	device, at := slices.Index(head, "device"), slices.Index(head, column)
	times := map[string][]int64{}
	for _, row := range rows {
		name := file
		if device >= 0 {
			name = row[device]
		}
		ns, err := parse(row[at])
		if err != nil {
			t.Fatal(err)
		}
		times[name] = append(times[name], ns)
	}
	return times
}

func wallClock(text string) (int64, error) {
	at, err := time.Parse(time.DateTime, text)
	return at.UnixNano(), err
}

func microseconds(text string) (int64, error) {
	us, err := strconv.ParseInt(text, 10, 64)
	return us * 1000, err
}

// recorded stores the times as devices that do not number their frames: some in sealed heads, most in segments. They are years old, so that
// the store takes them for implausible.
func recorded(t *testing.T, times map[string][]int64) *store {
	s := newStore(ledger.Policy{})
	for _, device := range slices.Sorted(maps.Keys(times)) {
		for part := range slices.Chunk(times[device], 5000) {
			frames := make([]sent, len(part))
			for i, ns := range part {
				frames[i] = sent{tenant: "t", device: device, stream: "0", group: frame.Group{Unseq: true}, Frame: frame.Frame{TimeNS: ns}}
			}
			s.put(t, frames...)
			s.seal()
			if len(part) == 5000 {
				s.flush(t)
			}
		}
	}
	return s
}

// TestRealCadence finds in recordings what was counted there by other means.
func TestRealCadence(t *testing.T) {
	for _, tt := range []struct {
		file, column                string
		parse                       func(string) (int64, error)
		device, cadence             string // "": all devices together
		gaps, missing               uint64
		duplicates, backwards, long uint64
	}{
		{"skab_valve_testbed.csv.gz", "datetime", wallClock, "", "1s", 2549, 3223, 0, 0, 0},
		{"nab_real.csv.gz", "timestamp", wallClock, "ambient_temperature_system_failure", "1h", 10, 621, 0, 0, 173}, // 7.25 days
		{"nab_real.csv.gz", "timestamp", wallClock, "ec2_request_latency_system_failure", "5m", 2, 13, 11, 0, 12},
		{"nab_real.csv.gz", "timestamp", wallClock, "ec2_disk_write_bytes_1ef3de", "5m", 1, 11, 11, 0, 11},
		{"nab_real.csv.gz", "timestamp", wallClock, "ec2_network_in_257a54", "5m", 2, 2, 0, 0, 1},
		{"nab_real.csv.gz", "timestamp", wallClock, "elb_request_count_8c0756", "5m", 8, 8, 0, 0, 1},
		// It goes back by an hour once: then twelve times come twice.
		{"nab_real.csv.gz", "timestamp", wallClock, "machine_temperature_system_failure", "5m", 0, 0, 12, 1, 0},
		// Irregular: what is missing is a judgement.
		{"nab_real.csv.gz", "timestamp", wallClock, "TravelTime_451", "10m", 735, 5219, 0, 0, 0}, // 5,226 with halves to the even number
		{"nab_real.csv.gz", "timestamp", wallClock, "occupancy_6005", "5m", 570, 2263, 0, 0, 1008},
		{"nab_real.csv.gz", "timestamp", wallClock, "speed_7578", "5m", 381, 1498, 0, 0, 83},
		{"etth1_transformer.csv.gz", "date", wallClock, "etth1_transformer.csv.gz", "1h", 0, 0, 0, 0, 0},
		// Eight intervals above 6 ms of 12.0 to 64.8 ms miss 2+2+5+5+7+7+8+15 samples of 4 ms. The recorder declared four dropouts of 119 ms in all.
		{"px4_sensor_combined.csv.gz", "timestamp", microseconds, "px4_sensor_combined.csv.gz", "4ms", 8, 51, 0, 0, 15},
	} {
		t.Run(tt.file+" "+tt.device, func(t *testing.T) {
			times := recordingTimes(t, tt.file, tt.column, tt.parse)
			srv := newServer(t, recorded(t, times), Options{})
			var sum cadenceSum
			for device := range times {
				if tt.device != "" && tt.device != device {
					continue
				}
				c := cadenceOf(t, srv, device, "cadence", tt.cadence)
				sum.add(&cadenceSum{
					frames: c.Frames, stored: c.Stored, missing: c.Missing, gaps: c.Count, backwards: c.Backwards, longest: c.Longest,
				})
				if c.Frames != uint64(len(times[device])) || c.Expected != c.Stored+c.Missing {
					t.Errorf("%s does not balance: %+v", device, c)
				}
			}
			if tt.long == 0 {
				sum.longest = 0
			}
			got := []uint64{sum.gaps, sum.missing, sum.frames - sum.stored, sum.backwards, sum.longest}
			if want := []uint64{tt.gaps, tt.missing, tt.duplicates, tt.backwards, tt.long}; !slices.Equal(got, want) {
				t.Errorf("gaps, missing, duplicates, backwards, longest are %d, want %d", got, want)
			}
		})
	}
}
