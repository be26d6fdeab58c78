package check

import (
	"testing"
	"time"
)

// spoilTimed makes one about the time of all its frames, and changes which numbers of a counter lie in it.
func spoilTimed(change func(k *Counted)) func(*planting, *Run) bool {
	return spoilCertificate(later, func(p *planting, c *Certificate) {
		c.Asked.Time = []string{modelTime(0).Format(time.RFC3339), modelTime(1 << 40).Format(time.RFC3339)}
		c.Scope.Time = c.Asked.Time
		for i := range c.Counted {
			c.Counted[i].Part = len(c.Counted[i].Whole) > 0
		}
		change(pick(p, c.Counted, func(k *Counted) bool { return k.Part && !k.Server && k.Last > k.First }))
		for i := range c.Counted {
			if k := &c.Counted[i]; k.Part && !k.Server {
				k.GapReport.settle()
			}
		}
		c.settle()
	})
}

// TestReachesIntoATime: a stream is not complete in a time beside a counter of which nobody knows whether it was there, too.
func TestReachesIntoATime(t *testing.T) {
	to := modelTime(9)
	in := Counted{GapReport: GapReport{Counter: Counter{"a", "0", "2"}, Known: true, First: 1, Last: 5, Verdict: "COMPLETE"}, Whole: []uint64{1, 5}}
	late, early := in, in
	late.First, early.Last = 2, 4
	none := Counted{GapReport: GapReport{Counter: Counter{"a", "0", "1"}, HeadBasis: "declared", TailBasis: "seal", Verdict: "INDETERMINATE"}, Whole: []uint64{1, 9}}
	empty := none
	empty.Whole = nil
	endless, old, told, headless, empties, other := none, none, none, none, empty, none
	endless.TailBasis, headless.HeadBasis, empties.HeadBasis = "last_seen", "first_seen", "first_seen"
	old.TailBasis, old.DeclaredAt, told.TailBasis, told.DeclaredAt = "watermark", modelTime(8), "watermark", to
	other.Counter.Stream, other.TailBasis = "1", "last_seen"
	emptyOld := old
	emptyOld.Whole = nil
	for name, tt := range map[string]struct {
		counted []Counted
		reaches bool
	}{
		"alone": {[]Counted{in}, false}, "never named": {[]Counted{endless, in}, true}, "named before": {[]Counted{old, in}, true}, "named later": {[]Counted{told, in}, false},
		"closed": {[]Counted{none, in}, false}, "it began before": {[]Counted{endless, late}, false}, "an empty one between": {[]Counted{endless, empty, in}, true},
		"of another stream": {[]Counted{other, in}, false}, "behind one with numbers": {[]Counted{endless, late, in}, false},
		"an unknown first number before": {[]Counted{headless, in}, false}, "and behind": {[]Counted{in, headless}, true},
		"behind, no last number": {[]Counted{in, endless}, false}, "behind, all known": {[]Counted{in, none, headless}, false},
		"it went on behind the time": {[]Counted{early, headless, emptyOld}, false}, "behind an empty one": {[]Counted{in, empty, headless}, true},
		"empty before, without a beginning": {[]Counted{empties, in}, true}, "empty before, without an end": {[]Counted{emptyOld, in}, true},
		"empty behind, without a beginning": {[]Counted{in, empties}, true}, "empty behind, without an end": {[]Counted{in, emptyOld}, true},
		"empty behind another one": {[]Counted{in, none, emptyOld}, false}, "empty, both known": {[]Counted{in, empty, in}, false},
	} {
		c := &Certificate{Asked: Asked{Time: []string{modelTime(1).Format(time.RFC3339Nano), to.Format(time.RFC3339Nano)}}, Counted: tt.counted}
		want := "COMPLETE"
		if tt.reaches {
			want = "COMPLETE_BETWEEN_SEEN"
		}
		if name == "of another stream" {
			want = "INDETERMINATE"
		}
		if got := c.worst(); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestWorstOfATime: what has no number in the time that was asked for has no verdict, but a stream has one.
func TestWorstOfATime(t *testing.T) {
	in := func(epoch, verdict string) Counted {
		return Counted{GapReport: GapReport{Counter: Counter{"a", "0", epoch}, Known: true, Verdict: verdict}}
	}
	none := Counted{GapReport: GapReport{Counter: Counter{"a", "0", "2"}, Verdict: "INDETERMINATE"}}
	other := none
	other.Counter.Stream = "1"
	for want, counted := range map[string][]Counted{
		"EXPLAINED": {in("1", "EXPLAINED"), none}, "INCOMPLETE": {in("1", "INCOMPLETE"), none, in("3", "COMPLETE")},
		"INDETERMINATE": {in("1", "COMPLETE"), other},
	} {
		c := &Certificate{Asked: Asked{Time: []string{"", ""}}, Counted: counted}
		if got := c.worst(); got != want {
			t.Errorf("%+v: %s, want %s", counted, got, want)
		}
	}
}
