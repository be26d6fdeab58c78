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

// TestFellSilent: a counter that begins in the time is not complete behind one of which nobody knows whether it went on until then.
func TestFellSilent(t *testing.T) {
	to := modelTime(9)
	in := Counted{GapReport: GapReport{Counter: Counter{"a", "0", "2"}, Known: true, First: 1, Last: 5, Verdict: "COMPLETE"}, Whole: []uint64{1, 5}}
	cut := in
	cut.First = 2
	none := Counted{GapReport: GapReport{Counter: Counter{"a", "0", "1"}, TailBasis: "last_seen", Verdict: "INDETERMINATE"}, Whole: []uint64{1, 9}}
	old, sealed, told, empty, other := none, none, none, none, none
	old.TailBasis, old.DeclaredAt = "watermark", modelTime(8)
	told.TailBasis, told.DeclaredAt = "watermark", to
	sealed.TailBasis, empty.Whole, other.Counter.Stream = "seal", nil, "1"
	for name, tt := range map[string]struct {
		counted []Counted
		fell    bool
	}{
		"alone": {[]Counted{in}, false}, "never named": {[]Counted{none, in}, true}, "named before": {[]Counted{old, in}, true}, "named later": {[]Counted{told, in}, false},
		"closed": {[]Counted{sealed, in}, false}, "it began before": {[]Counted{none, cut}, false}, "an empty one between": {[]Counted{none, empty, in}, true},
		"of another stream": {[]Counted{other, in}, false}, "behind one with numbers": {[]Counted{none, cut, in}, false},
	} {
		c := &Certificate{Asked: Asked{Time: []string{modelTime(1).Format(time.RFC3339Nano), to.Format(time.RFC3339Nano)}}, Counted: tt.counted}
		if c.fell(len(tt.counted)-1) != tt.fell {
			t.Errorf("%s: fell silent: %t", name, !tt.fell)
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
