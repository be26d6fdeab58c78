package oracles

import (
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"
)

// Series without numbers. The server numbers their frames, so nothing is missing by number; what the times say is another question, with the
// cadence in it. The rule, of the README and of the cluster: two neighbouring times that are round(distance / cadence) steps apart, halves down,
// miss all steps but one. Gaps are told from the device's times, also where the cluster does not believe them (policy ledger.skew_limit_ms): nab
// and etth1 are older than that allows.

// pause is what a count found.
type pause struct{ gaps, missing, longest uint64 }

// pauses counts the plainest way: times in order, equal ones once.
func pauses(times []int64, step int64) (p pause) {
	times = slices.Clone(times)
	slices.Sort(times)
	for i := 1; i < len(times); i++ {
		steps := (2*(times[i]-times[i-1]) - 1 + step) / (2 * step)
		if steps > 1 {
			p.gaps++
			p.missing += uint64(steps - 1)
			p.longest = max(p.longest, uint64(steps-1))
		}
	}
	return p
}

// paused asks the cluster.
func (w *world) paused(t *testing.T, device string, cadence time.Duration) pause {
	t.Helper()
	var answer struct {
		Cadence struct {
			Count, Missing, Longest, Frames uint64
			Gaps                            []struct {
				After, Before time.Time
				Missing       uint64
			}
		}
	}
	w.ask(t, "/v1/devices/"+url.PathEscape(device)+"/gaps?cadence="+cadence.String(), &answer)
	c := answer.Cadence
	var listed uint64
	for _, g := range c.Gaps {
		listed += g.Missing
		if d := g.Before.Sub(g.After); uint64((d-1).Round(cadence)/cadence-1) != g.Missing {
			t.Errorf("%s: %s to %s misses %d at %s", device, g.After, g.Before, g.Missing, cadence)
		}
	}
	if c.Frames == 0 || uint64(len(c.Gaps)) != c.Count || listed != c.Missing {
		t.Errorf("%s: the list has %d gaps with %d missing, the sums say %+v", device, len(c.Gaps), listed, c)
	}
	return pause{c.Count, c.Missing, c.Longest}
}

// old is how recordings are sent whose times are not believed.
var old = []string{"--time-format", "datetime", "--allow-skew", "--device", "paced/{device}"}

// cadence replays series and asks for their gaps by time.
func (w *world) cadence(t *testing.T) {
	t.Run("skab", w.skab)
	t.Run("nab", w.nab)
	t.Run("etth1", w.etth1)
	t.Run("px4", w.px4)
}

// skab is 35 experiments at a water loop, each a device that sends once a second.
func (w *world) skab(t *testing.T) {
	w.replay(t, "skab_valve_testbed.csv.gz", "--time", "datetime", "--time-format", "datetime", "--device", "paced/{device}")
	r := w.recording(t, "skab_valve_testbed.csv.gz")
	var sum pause
	experiments := r.values("device")
	for _, device := range experiments {
		got, want := w.paused(t, "paced/"+device, time.Second), pauses(r.seconds(r.of("device", device), "datetime"), 1)
		if got != want {
			t.Errorf("%s: got %+v, counted %+v", device, got, want)
		}
		sum.gaps += got.gaps
		sum.missing += got.missing
	}
	if len(experiments) != 35 || sum.gaps != 2_549 || sum.missing != 3_223 {
		t.Errorf("%d experiments, %+v; want 35, 2549 gaps and 3223 missing", len(experiments), sum)
	}
}

// nab is twelve series of servers and roads. Nine are regular: the README's table, and those that it leaves out have no gap. machine_temperature
// goes back once, by 55 minutes, so that twelve of its times come twice; latency and disk_write have eleven such times. What is not at its step is
// rounded to the next: the pause of 3,840 s in request_latency is 12.8 steps of 5 minutes, which is 12 missing rows (a count of whole steps would
// say 11).
//
// The three series of roads have no cadence: a sensor reports when there was traffic. With the median distance as one, the answers are the
// README's, but for the 5,226 of TravelTime: seven of its distances lie halfway between two steps and were rounded up there, because its count
// rounds halves to even: 5,219. They say how irregular the series are, not what was lost.
func (w *world) nab(t *testing.T) {
	w.replay(t, "nab_real.csv.gz", slices.Concat([]string{"--time", "timestamp"}, old)...)
	r := w.recording(t, "nab_real.csv.gz")
	for _, tt := range []struct {
		device  string
		cadence time.Duration
		want    pause
		judged  bool // the figures say how irregular it is
	}{
		{"ambient_temperature_system_failure", time.Hour, pause{10, 621, 173}, false},
		{"ec2_request_latency_system_failure", 5 * time.Minute, pause{2, 13, 12}, false},
		{"ec2_disk_write_bytes_1ef3de", 5 * time.Minute, pause{1, 11, 11}, false},
		{"ec2_network_in_257a54", 5 * time.Minute, pause{2, 2, 1}, false},
		{"elb_request_count_8c0756", 5 * time.Minute, pause{8, 8, 1}, false},
		{"machine_temperature_system_failure", 5 * time.Minute, pause{}, false},
		{"cpu_utilization_asg_misconfiguration", 5 * time.Minute, pause{}, false},
		{"ec2_cpu_utilization_24ae8d", 5 * time.Minute, pause{}, false},
		{"rds_cpu_utilization_e47b3b", 5 * time.Minute, pause{}, false},
		{"TravelTime_451", 10 * time.Minute, pause{735, 5_219, 162}, true},
		{"occupancy_6005", 5 * time.Minute, pause{570, 2_263, 1_008}, true},
		{"speed_7578", 5 * time.Minute, pause{381, 1_498, 83}, true},
	} {
		times := r.seconds(r.of("device", tt.device), "timestamp")
		got, counted := w.paused(t, "paced/"+tt.device, tt.cadence), pauses(times, int64(tt.cadence.Seconds()))
		if got != counted || got != tt.want {
			t.Errorf("%s: got %+v, counted %+v, the README has %+v", tt.device, got, counted, tt.want)
		}
		if tt.judged {
			t.Logf("%s at %s, a judgement: %d of %d distances are pauses, %d rows would be missing, %d in the longest",
				tt.device, tt.cadence, got.gaps, len(times)-1, got.missing, got.longest)
		}
	}
}

// etth1 is the negative control: two years, an hour apart, none missing.
func (w *world) etth1(t *testing.T) {
	w.replay(t, "etth1_transformer.csv.gz", slices.Concat([]string{"--time", "date"}, old, []string{"--device", "paced/etth1"})...)
	if got := w.paused(t, "paced/etth1", time.Hour); got != (pause{}) {
		t.Errorf("got %+v, want no gap", got)
	}
}

// px4 is a flight controller's sensors at 250 Hz, on a clock in microseconds that jitters by a few of them. Eight distances are more than 6 ms,
// one and a half steps: 36.0, 64.793, 32.794, 32.0, 24.801, 12.0, 24.8 and 12.0 ms. In steps of 4 ms that is 9, 16.2, 8.2, 8, 6.2, 3, 6.2 and 3;
// each misses all but one of the rounded number: 8 + 15 + 7 + 7 + 5 + 2 + 5 + 2 = 51. So 51 is exact for a sensor that keeps its step, and the
// README's "about" is that nobody saw the samples: the odd 0.2 of a step are the jitter.
func (w *world) px4(t *testing.T) {
	w.replay(t, "px4_sensor_combined.csv.gz", append(slices.Clone(px4Args), "--device", "paced/px4")...)
	r := w.recording(t, "px4_sensor_combined.csv.gz")
	var times []int64
	for _, row := range r.rows {
		us, err := strconv.ParseInt(row[r.column["timestamp"]], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, us)
	}
	want := pause{8, 51, 15}
	if got, counted := w.paused(t, "paced/px4", 4*time.Millisecond), pauses(times, 4000); got != want || counted != want {
		t.Errorf("got %+v, counted %+v, want %+v", got, counted, want)
	}
}
