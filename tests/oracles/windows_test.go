package oracles

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// windows asks for random ranges of numbers and of times and holds frames and completeness against the file.
func (w *world) windows(t *testing.T) {
	t.Run("of numbers", w.ofNumbers)
	t.Run("of times", w.ofTimes)
}

// manyWindows is how many of each kind are asked for.
const manyWindows = 150

// judged is what a page says of its range.
type judged struct {
	Expected, Stored, Missing uint64
	Verdict                   string
	CompleteThrough           *struct{ Seq uint64 } `json:"complete_through"`
}

// ofNumbers: the mast's counter never restarted. A range inside of what was seen proves itself by its own numbers.
func (w *world) ofNumbers(t *testing.T) {
	const device = "d1d1e80000000033"
	w.replay(t, eynard, append(slices.Clone(eynardArgs), "--where", "device="+device, "--device", "windows/{device}")...)
	numbers := numbersOf(w.recording(t, eynard), "device", device)
	first, last := slices.Min(numbers), slices.Max(numbers)
	rng := rand.New(rand.NewPCG(1, 2))
	for range manyWindows {
		from := first + rng.Uint64N(last-first)
		to := min(from+rng.Uint64N(600), last)
		var want judged
		var list []uint64
		for n := from; n <= to; n++ {
			if slices.Contains(numbers, n) {
				list = append(list, n)
			}
		}
		want.Expected, want.Stored = to-from+1, uint64(len(list))
		want.Missing = want.Expected - want.Stored
		if want.Verdict = "COMPLETE"; want.Missing > 0 {
			want.Verdict = "INCOMPLETE"
		}
		if through := from + uint64(unbroken(list, from)); through > from {
			want.CompleteThrough = &struct{ Seq uint64 }{through - 1}
		}
		var got struct {
			Frames       []struct{ Seq uint64 }
			Completeness judged
		}
		w.ask(t, fmt.Sprintf("/v1/frames?device=windows/%s&from_seq=%d&to_seq=%d", device, from, to), &got)
		var seqs []uint64
		for _, f := range got.Frames {
			seqs = append(seqs, f.Seq)
		}
		if diff := cmp.Diff(list, seqs) + cmp.Diff(want, got.Completeness); diff != "" {
			t.Fatalf("%d to %d (-counted +answered)\n%s", from, to, diff)
		}
	}
}

// unbroken is how many numbers a list has in a row from its beginning.
func unbroken(list []uint64, from uint64) int {
	for i, n := range list {
		if n != from+uint64(i) {
			return i
		}
	}
	return len(list)
}

// ofTimes: nab is ten years younger here, so that its times are believed (policy ledger.skew_limit_ms reaches no further). Whatever the times are,
// equal, backwards or with pauses, a range has the frames whose time lies in it, both ends included.
func (w *world) ofTimes(t *testing.T) {
	w.replay(t, "nab_real.csv.gz", "--time", "timestamp", "--time-format", "datetime", "--time-shift", "87600h", "--device", "windows/{device}")
	r := w.recording(t, "nab_real.csv.gz")
	rng := rand.New(rand.NewPCG(3, 4))
	shift := int64(87600 * time.Hour / time.Second)
	for _, device := range []string{"machine_temperature_system_failure", "ec2_disk_write_bytes_1ef3de", "TravelTime_451"} {
		times := r.seconds(r.of("device", device), "timestamp")
		for range manyWindows / 3 {
			from := times[rng.IntN(len(times))] + shift + rng.Int64N(3) - 1
			to := from + rng.Int64N(3*24*3600)
			var want, got []uint64
			for i, at := range times {
				if at+shift >= from && at+shift <= to {
					want = append(want, uint64(i+1)) // the server counts from 1
				}
			}
			q := url.Values{"from": {rfc(from)}, "to": {rfc(to)}}
			for _, f := range w.frames(t, "windows/"+device, "&"+q.Encode()) {
				got = append(got, f.Seq)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s, %s to %s (-counted +answered)\n%s", device, rfc(from), rfc(to), diff)
			}
		}
	}
}

func rfc(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }
