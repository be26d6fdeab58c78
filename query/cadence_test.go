package query

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// answerCadence is what tests read of a cadence.
type answerCadence struct {
	CadenceMS         int64 `json:"cadence_ms"`
	Source, Basis     string
	Confidence        string
	Tolerance         float64
	Expected, Stored  uint64
	Missing, Frames   uint64
	Duplicates        uint64 `json:"duplicates_of_time"`
	Backwards, Skewed uint64
	Count, Longest    uint64
	Edge              struct{ Before, After uint64 } `json:"edge_missing"`
	Ratio             *json.Number
	Gaps              []answerCadenceGap
	Device            string
	Devices           json.RawMessage // of a sum: how many
}

type answerCadenceGap struct {
	After, Before string
	Missing       uint64
}

// cadenceOf asks for the cadence of a device.
func cadenceOf(t tester, srv *server, device string, pairs ...string) *answerCadence {
	t.Helper()
	status, body := srv.get("t", "/v1/devices/"+device+"/gaps", pairs...)
	var a struct{ Cadence *answerCadence }
	if err := json.Unmarshal([]byte(body), &a); status != 200 || err != nil {
		t.Fatalf("%v: %d %s %v", pairs, status, body, err)
	}
	return a.Cadence
}

// TestSteps holds the rule at its edges: halves count, and nothing overflows.
func TestSteps(t *testing.T) {
	const least, most = -1 << 63, 1<<63 - 1
	for _, tt := range []struct {
		from, to int64
		step     time.Duration
		want     uint64
	}{
		{0, 0, 10, 0}, {0, 5, 10, 0}, {0, 6, 10, 1}, {0, 10, 10, 1}, {0, 15, 10, 1}, {0, 16, 10, 2}, {0, 25, 10, 2}, {0, 26, 10, 3},
		{0, 4, 9, 0}, {0, 5, 9, 1}, {0, 13, 9, 1}, {0, 14, 9, 2}, {-7, 3, 10, 1}, {0, 7, 1, 7},
		{least, most, 1, 1<<64 - 1}, {least, most, most, 2}, {least, 0, most, 1},
	} {
		if got := steps(tt.from, tt.to, tt.step); got != tt.want {
			t.Errorf("from %d to %d in steps of %d: %d, want %d", tt.from, tt.to, tt.step, got, tt.want)
		}
	}
}

// timesModel counts in the plainest way.
func timesModel(times []int64, step int64) *answerCadence {
	want := &answerCadence{
		CadenceMS: step, Source: "question", Basis: "cadence", Confidence: "inferred", Tolerance: 0.5, Gaps: []answerCadenceGap{},
	}
	times = slices.Clone(times)
	slices.Sort(times)
	want.Frames = uint64(len(times))
	times = slices.Compact(times)
	want.Stored = uint64(len(times))
	want.Duplicates = want.Frames - want.Stored
	for i := 1; i < len(times); i++ {
		missing := uint64(times[i]-times[i-1])/uint64(step) + 1 // steps that fit
		for 2*(times[i]-times[i-1]-int64(missing)*step) <= step && missing > 0 {
			missing--
		}
		if missing > 0 {
			want.Count++
			want.Missing += missing
			want.Longest = max(want.Longest, missing)
			want.Gaps = append(want.Gaps, answerCadenceGap{secondTextMS(times[i-1]), secondTextMS(times[i]), missing})
		}
	}
	return want
}

// edges walks from the ends of the range to the first and last time.
func (want *answerCadence) edges(times []int64, step, from, end int64) {
	if len(times) == 0 {
		for due := from + step; due <= end; due += step {
			want.Edge.Before++
		}
		return
	}
	for due := slices.Min(times) - step; due >= from; due -= step {
		want.Edge.Before++
	}
	for due := slices.Max(times) + step; 2*(end-due) > step; due += step {
		want.Edge.After++
	}
}

func secondTextMS(msec int64) string {
	return time.UnixMilli(startMS + msec).UTC().Format(time.RFC3339Nano)
}

// sentTimes is what a device sent: milliseconds since the start, by stream and epoch, and number.
type sentTimes map[string]map[uint64]int64

// sendTimes sends frames of two streams and two epochs at any times, some of them implausible, while rows move from layer to layer.
func sendTimes(t *rapid.T, s *store) sentTimes {
	stored, at := sentTimes{}, int64(0)
	for range rapid.IntRange(0, 60).Draw(t, "frames") {
		f := sent{
			tenant: "t", device: "d", stream: rapid.SampledFrom([]string{"0", "b"}).Draw(t, "stream"),
			epoch: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "epoch"), seq: rapid.Uint64Range(0, 40).Draw(t, "seq"),
		}
		at += rapid.SampledFrom([]int64{0, 100, 100, 100, 90, 110, 149, 150, 151, 250, 1000, -100, -700}).Draw(t, "later")
		f.TimeNS = (startMS + at) * ms
		if rapid.IntRange(0, 9).Draw(t, "skewed") == 0 {
			f.TimeNS -= 100 * 86_400 * second
		}
		s.put(t, f)
		epoch := f.stream + f.epoch
		if stored[epoch] == nil {
			stored[epoch] = map[uint64]int64{}
		}
		if _, twice := stored[epoch][f.seq]; !twice {
			stored[epoch][f.seq] = f.TimeNS/ms - startMS
		}
		drawMove(t)(t, s)
	}
	return stored
}

// within is the times in a range, of stream 0 alone or of both, how many go back, and how many are implausible: those were received at 0,
// and are in no range that has ends.
func (stored sentTimes) within(from, to int64, one bool) (times []int64, backwards, skewed uint64) {
	for epoch, rows := range stored {
		if one && epoch[:1] != "0" {
			continue
		}
		last := int64(math.MinInt64)
		for seq := range uint64(41) {
			at, ok := rows[seq]
			far := at < -86_400_000
			if ok && far && from <= 0 && to >= 0 {
				skewed++
			}
			if !ok || at < from || at > to || far && from > math.MinInt64 {
				continue
			}
			times = append(times, at)
			if at < last {
				backwards++
			}
			last = at
		}
	}
	return times, backwards, skewed
}

// TestCadenceAgainstCounting sends frames of two streams and two epochs at any times, while rows move from layer to layer, and counts what a
// cadence misses in the plainest way. Few times are held at once, so that they are found in rounds.
func TestCadenceAgainstCounting(t *testing.T) {
	srv := newServer(t, newStore(ledger.Policy{}), Options{})
	rapid.Check(t, func(t *rapid.T) {
		s := newStore(ledger.Policy{})
		srv.use(s, Options{LockRows: rapid.IntRange(1, 30).Draw(t, "lock rows")})
		srv.api.cadenceStamps = rapid.IntRange(1, 40).Draw(t, "stamps")
		stored := sendTimes(t, s)
		if len(stored) == 0 {
			s.register(t, "t", `{"device":"d"}`)
		}
		s.commitMS = startMS + rapid.Int64Range(0, 5000).Draw(t, "now")
		s.settle()
		from := rapid.Int64Range(-1000, 2000).Draw(t, "from")
		to := from + rapid.Int64Range(0, 4000).Draw(t, "length")
		pairs := []string{"cadence", "100ms"}
		ranged := rapid.Bool().Draw(t, "ranged")
		if ranged {
			pairs = append(pairs, "from", secondTextMS(from), "to", secondTextMS(to))
		}
		one := len(stored["0x"]) > 0 && rapid.Bool().Draw(t, "one stream")
		if one {
			pairs = append(pairs, "stream", "0")
		}
		if !ranged {
			from, to = math.MinInt64, math.MaxInt64
		}
		times, backwards, skewed := stored.within(from, to, one)
		want := timesModel(times, 100)
		if ranged {
			want.edges(times, 100, from, min(to, s.commitMS-startMS))
		}
		want.Backwards, want.Skewed = backwards, skewed
		want.Expected = want.Stored + want.Missing + want.Edge.Before + want.Edge.After
		got := cadenceOf(t, srv, "d", pairs...)
		got.Ratio = nil
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%v of %v: %s", pairs, times, d)
		}
	})
}

// TestSilentReporter is a reporter of every 60 s that says nothing for five minutes, in the middle and at both ends.
func TestSilentReporter(t *testing.T) {
	s := newStore(ledger.Policy{})
	s.register(t, "t", `{"device":"d","cadence_ms":60000}`, `{"device":"never","cadence_ms":60000}`)
	for minute := range int64(21) {
		if minute >= 8 && minute < 13 {
			continue
		}
		s.put(t, unnumberedAt("d", startMS*ms+minute*60*second))
	}
	s.commitMS = startMS + 60*60_000
	s.settle()
	srv := newServer(t, s, Options{})
	minute := func(n int64) string { return secondTextMS(n * 60_000) }
	for _, tt := range []struct {
		name, from, to         string
		missing, before, after uint64
	}{
		{"in the middle", "", "", 5, 0, 0},
		{"before", minute(-5), minute(7), 0, 5, 0},
		{"after", minute(14), minute(25), 0, 0, 4}, // the one due at the end may be late
		{"after, half a step later", minute(14), secondTextMS(25*60_000 + 30_000), 0, 0, 4},
		{"after, a moment later", minute(14), secondTextMS(25*60_000 + 30_001), 0, 0, 5},
		{"altogether", minute(30), minute(35), 0, 5, 0},
		{"in the future", minute(70), minute(80), 0, 0, 0},
	} {
		pairs := []string{}
		if tt.from != "" {
			pairs = append(pairs, "from", tt.from, "to", tt.to)
		}
		c := cadenceOf(t, srv, "d", pairs...)
		if c.Missing != tt.missing || c.Edge.Before != tt.before || c.Edge.After != tt.after || c.Source != "registered" {
			t.Errorf("%s: %+v", tt.name, c)
		}
		if c.Expected != c.Stored+c.Missing+c.Edge.Before+c.Edge.After || c.Frames != c.Stored+c.Duplicates {
			t.Errorf("%s does not balance: %+v", tt.name, c)
		}
	}
	if c := cadenceOf(t, srv, "never", "from", minute(0), "to", minute(10)); c.Edge.Before != 10 || c.Expected != 10 || c.Stored != 0 {
		t.Errorf("a device that never spoke: %+v", c)
	}
	if c := cadenceOf(t, srv, "d", "cadence", "none"); c != nil {
		t.Errorf("cadence=none: %+v", c)
	}
}

func unnumberedAt(device string, timeNS int64) sent {
	return sent{tenant: "t", device: device, stream: "0", group: frame.Group{Unseq: true}, Frame: frame.Frame{
		TimeNS: timeNS, Fields: []frame.Field{{Name: "value", Value: frame.Int(timeNS)}},
	}}
}

// TestCadenceOfManyTimes has more times than are held at once, in an order that makes every round read everything; those of the second
// device are implausible, so that no round can skip blocks by them.
func TestCadenceOfManyTimes(t *testing.T) {
	s := newStore(ledger.Policy{})
	const frames = 20_000
	for at := 0; at < frames; at += 1000 {
		for device, daysAgo := range map[string]int64{"d": 0, "old": 4000} {
			batch := make([]sent, 1000)
			for i := range batch {
				n := int64((at + i) * 7919 % frames) // every time once
				batch[i] = sent{tenant: "t", device: device, stream: "0", seq: uint64(at + i),
					Frame: frame.Frame{TimeNS: startMS*ms + n*second - daysAgo*86_400*second}}
			}
			s.put(t, batch...)
		}
		if at%4000 == 0 {
			s.seal()
			s.flush(t)
		}
	}
	srv := newServer(t, s, Options{})
	srv.api.cadenceStamps = 1500
	for device, skewed := range map[string]uint64{"d": 0, "old": frames} {
		c := cadenceOf(t, srv, device, "cadence", "1s")
		if c.Frames != frames || c.Stored != frames || c.Missing != 0 || c.Backwards == 0 || c.Skewed != skewed {
			t.Errorf("%s: %+v", device, c)
		}
	}
	srv.api.opt.MaxReadBlocks = 3
	status, body := srv.get("t", "/v1/devices/d/gaps", "cadence", "1s")
	if e := decode(t, body).Error; status != 400 || e.Code != "limit_exceeded" {
		t.Errorf("a limit of reads: %d %s", status, body)
	}
}
