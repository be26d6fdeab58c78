package fleet

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// small is a fleet that runs in a moment and still has every mishap.
func small() Options {
	return Options{Devices: 7, Frames: 3000, Duration: -1, Start: time.Unix(1_790_000_000, 0)}
}

// ran is a fleet that ran against a fake cluster.
type ran struct {
	fake    *fake
	servers []string
	truth   []byte
}

// runFleet runs a fleet against a fake cluster that has a fault.
func runFleet(t *testing.T, o Options, fault fault, flaky bool) *ran {
	t.Helper()
	f, servers := start(t, fault, flaky)
	fl, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var truth bytes.Buffer
	if err := fl.Run(ctx, servers, &truth); err != nil {
		t.Fatal(err)
	}
	if p := fl.Progress(); p.Acked != p.Frames {
		t.Errorf("acknowledged %d of %d frames", p.Acked, p.Frames)
	}
	return &ran{f, servers, truth.Bytes()}
}

func (r *ran) compare(t *testing.T) *Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	res, err := Compare(ctx, r.servers, bytes.NewReader(r.truth))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestExact(t *testing.T) {
	for _, flaky := range []bool{false, true} {
		t.Run(fmt.Sprint("flaky=", flaky), func(t *testing.T) {
			res := runFleet(t, small(), faultNone, flaky).compare(t)
			var out strings.Builder
			res.Print(&out)
			if !res.Exact() || !strings.Contains(out.String(), "EXACT: ") {
				t.Fatalf("not exact:\n%s", out.String())
			}
			if res.Missing != res.Lost+res.Declared || res.Stored != res.Acked || flaky != (res.Retried > 0) {
				t.Errorf("counts: %+v", res)
			}
		})
	}
}

// TestFaultsAreFound plants one defect after the other in the cluster: the comparison must name each.
func TestFaultsAreFound(t *testing.T) {
	sound := runFleet(t, small(), faultNone, false)
	for _, tc := range []struct {
		fault fault
		want  []string // beginnings of lines that must be among the differences
	}{
		{faultDrop, []string{"lost: device demo/wind-01", "gap: device demo/wind-01", "coverage: device demo/wind-01", "count: device demo/wind-01", "totals"}},
		{faultDropOnOne, []string{"lost: device demo/wind-01 stream 0 epoch \"2\" seq"}},
		{faultTwice, []string{"twice: device demo/wind-01 stream 0 epoch \"2\" seq"}},
		{faultBytes, []string{"changed: device demo/wind-01"}},
		{faultTime, []string{"changed: device demo/wind-01"}},
		{faultKind, []string{"changed: device demo/wind-01"}},
		{faultInvent, []string{"invented: device demo/wind-01 stream 0 epoch \"2\" seq 1099511627776"}},
		{faultTail, []string{"bounds: device demo/wind-01", "gap: device demo/wind-01"}},
		{faultHead, []string{"bounds: device demo/wind-01", "gap: device demo/wind-01"}},
		{faultGap, []string{"gap: device demo/wind-01"}},
		{faultPhantom, []string{"gap: device demo/wind-01"}},
		{faultCause, []string{"cause: device demo/wind-01"}},
		{faultConflict, []string{"count: device demo/wind-01"}},
		{faultRepeat, []string{"count: device demo/wind-01"}},
		{faultCoverage, []string{"coverage: device demo/wind-01"}},
		{faultTotals, []string{"totals"}},
		{faultDigest, []string{"ledger: nodes differ"}},
		{faultBalance, []string{"ledger at http"}},
		{faultDevice, []string{"device: device demo/ghost"}},
		{faultEpochOrder, []string{"invented: device demo/wind-01", "lost: device demo/wind-01"}},
		{faultAnswer, []string{"answer: device demo/wind-01"}},
	} {
		t.Run(string(tc.fault), func(t *testing.T) {
			r := sound
			if tc.fault.whileWriting() {
				r = runFleet(t, small(), tc.fault, false)
			}
			r.fake.fault = tc.fault // nobody writes or reads now
			expectDifferences(t, r.compare(t), tc.want)
		})
	}
}

// TestLiesAreFound lets the simulator lie: the comparison must name the place.
func TestLiesAreFound(t *testing.T) {
	for lie, want := range map[Break][]string{
		BreakDrop:   {"lost: device demo/mill-02", "gap: device demo/mill-02"},
		BreakInvent: {"invented: device demo/mill-02", "gap: device demo/mill-02"},
		BreakTail:   {"bounds: device demo/", "gap: device demo/"},
	} {
		t.Run(string(lie), func(t *testing.T) {
			o := small()
			o.Break = lie
			expectDifferences(t, runFleet(t, o, faultNone, false).compare(t), want)
		})
	}
}

func expectDifferences(t *testing.T, res *Result, want []string) {
	t.Helper()
	if res.Exact() {
		t.Fatal("the comparison found nothing")
	}
	var out strings.Builder
	res.Print(&out)
	if !strings.Contains(out.String(), "MISMATCH") {
		t.Errorf("no verdict:\n%s", out.String())
	}
	for _, w := range want {
		found := false
		for _, d := range res.Differences() {
			found = found || strings.HasPrefix(d.String(), w)
		}
		if !found {
			t.Errorf("no difference %q in:\n%s", w, out.String())
		}
	}
	for _, d := range res.Differences() {
		if strings.Contains(d.String(), "demo/") && !strings.Contains(d.String(), strings.Fields(want[0])[min(2, len(strings.Fields(want[0]))-1)]) {
			t.Errorf("difference elsewhere: %s", d)
		}
	}
}
