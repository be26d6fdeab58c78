package oracles

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// byTheDefaultRule replays both files with nothing said about restarts. Where a counter never fell (33 and 07000048) the answer is the README's.
// The others differ, and this is why.
//
// Device 32 restarted nine times. The first time it fell from 37,836 to 0, which is far: two neighbours prove the restart, and nothing is lost.
// The eight lives behind it have 6 to 59 numbers, all inside the misorder window (100), where a low number is late or a duplicate until proven
// otherwise: the first one that is stored already is a conflict, and only the second in a row with a newer device time opens the epoch. So of each
// life (life 3 begins at epoch 2's number 0)
//
//   - what the epoch before does not have is stored there, as late: life 4's 0 in epoch 3, which began with life 3's 1; life 5's 0 and 1 in epoch
//     4; ...
//   - one frame is in conflict: the lives 3, 4, 5, 6, 7, 8 and 10 cost seven frames, beside the README's one duplicate: 19,512 stored instead of
//     19,519.
//   - Life 9 (0 to 5) fits whole below epoch 8, which began at 6: nine epochs instead of ten.
//
// What is missing is the same 17,314 numbers in 6,494 runs, because each frame in conflict is one expected number less as well.
//
// 00000048 never restarted: 9764 -> 3369 is where the second file of the source begins, and its first 6,300 rows are the last 6,300 of the first
// file, delivery times and all. The README's rule takes them for a new life and counts them, and the gaps in them, twice. The default rule
// compares: each is an identical duplicate, as long as nothing contradicts. Then a transmission that was delivered twice (same number, other
// receive time) is a conflict at the end of a request, and the next number, 7196, opens an epoch. Which conflict that is depends on where requests
// end: the test fixes 1,000 frames.
func (w *world) byTheDefaultRule(t *testing.T) {
	in := func(args []string, name string) []string {
		return append(slices.Clone(args), "--device", name, "--batch", "1000")
	}
	w.replay(t, eynard, in(eynardArgs, "default/{device}")...)
	w.replay(t, perret, in(perretArgs, "default/{devaddr}")...)
	r := w.recording(t, eynard)
	w.same(t, "default/d1d1e80000000033", numbersOf(r, "device", "d1d1e80000000033"), never)
	reports := w.reports(t, "default/d1d1e80000000032")
	if diff := cmp.Diff([]life{
		{1143, 37836, 19_384, 1}, {0, 7, 8, 1}, {0, 58, 56, 1}, {0, 13, 14, 1}, {0, 14, 15, 1}, {0, 9, 10, 1}, {0, 9, 9, 1}, {0, 9, 10, 1}, {1, 6, 6, 0},
	}, lives(reports)); diff != "" {
		t.Errorf("device 32: epochs (-want +reported)\n%s", diff)
	}
	want := oracle{19_520, 9, 19_512, 8, 17_314, 6_494, 3_648}
	if got := w.account(t, "default/d1d1e80000000032", reports); got != want {
		t.Errorf("device 32: got %v, want %v", got, want)
	}

	r = w.recording(t, perret)
	w.same(t, "default/07000048", numbersOf(r, "devaddr", "07000048"), never)
	numbers := numbersOf(r, "devaddr", "00000048")
	second := slices.Index(numbers, 9764) + 1
	for numbers[second] != 3369 {
		second++
	}
	begins := second + slices.Index(numbers[second:], 7196) // in the second file
	seen := 0
	w.same(t, "default/00000048", numbers, func(uint64, uint64) bool { seen++; return seen == begins })
	var again struct{ identical, conflict uint64 }
	for _, rep := range w.reports(t, "default/00000048") {
		again.identical += rep.Duplicates.Identical
		again.conflict += rep.Duplicates.Conflict
	}
	if again.identical != 3_716 || again.conflict != 1_865 {
		t.Errorf("00000048: %+v, want 3716 and 1865", again)
	}
}

// withTheEpochNamed says what the others guess: the session (devaddr) is the epoch. Then the overlap of the two files is 6,271 identical
// duplicates and 29 of the 1,865 deliveries of one transmission, and the truth is 213 missing numbers in 41 runs, in one life. Without the columns
// of the delivery, and without times, the default rule finds the same by itself: nothing in the overlap contradicts.
//
// Without device times the default rule has less to go by, and where times are not believed (ledger.skew_limit_ms) it is the same: device 32's
// lives 3 to 10, all inside the misorder window, are then duplicates of life 2, 79 of them with another content.
func (w *world) withTheEpochNamed(t *testing.T) {
	w.replay(t, perret, append(slices.Clone(perretArgs), "--device", "named/{devaddr}", "--epoch", "{devaddr}")...)
	w.replay(t, perret, append(slices.Clone(sentArgs), "--device", "timeless/{devaddr}")...)
	numbers := numbersOf(w.recording(t, perret), "devaddr", "00000048")
	for _, device := range []string{"named/00000048", "timeless/00000048"} {
		reports := w.same(t, device, numbers, never)
		want := oracle{31_613, 1, 23_477, 8_136, 213, 41, 56}
		if got := w.account(t, device, reports); got != want {
			t.Errorf("%s: got %v, want %v", device, got, want)
		}
	}
	if d := w.reports(t, "named/00000048")[0].Duplicates; d.Identical != 6_271 || d.Conflict != 1_865 {
		t.Errorf("named: %+v, want 6271 identical and 1865 in conflict", d)
	}
	if d := w.reports(t, "timeless/00000048")[0].Duplicates; d.Identical != 8_136 {
		t.Errorf("timeless: %+v, want 8136 identical", d)
	}

	w.replay(t, eynard, "--seq", "fcnt", "--no-seq", "skip", "--strings", "payload_hex", "--device", "timeless/{device}")
	want := []life{{1143, 37836, 19_384, 1}, {0, 58, 56, 79}}
	if diff := cmp.Diff(want, lives(w.reports(t, "timeless/d1d1e80000000032"))); diff != "" {
		t.Errorf("device 32 without times: epochs (-want +reported)\n%s", diff)
	}
}
