package ledger

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// script is a story of frames without epoch values, one word each, a second apart:
//
//	5        number 5, device time now        5..9   those in order
//	5*       with other content               5-60   device time 60 s ago
//	5?       no device time                   5*?    both
//	tick     all graces end
func (r *rig) script(s string) []Outcome {
	r.t.Helper()
	outs := []Outcome{}
	for _, word := range strings.Fields(s) {
		if word == "tick" {
			r.settle()
			continue
		}
		var first, last uint64
		if n, _ := fmt.Sscanf(word, "%d..%d", &first, &last); n == 2 {
			for n := first; n <= last; n++ {
				r.ms += 1000
				outs = append(outs, r.arrive(send{seq: n}))
			}
			continue
		}
		f, ago := send{}, int64(0)
		if _, err := fmt.Sscanf(word, "%d", &f.seq); err != nil {
			r.t.Fatalf("word %q: %v", word, err)
		}
		if i := strings.IndexByte(word, '-'); i > 0 {
			if _, err := fmt.Sscanf(word[i:], "-%d", &ago); err != nil {
				r.t.Fatalf("word %q: %v", word, err)
			}
		}
		if strings.Contains(word, "*") {
			f.fp = uint32(f.seq*77 + 5)
		}
		f.noTime = strings.Contains(word, "?")
		r.ms += 1000
		f.timeMS = r.ms - ago*1000
		outs = append(outs, r.arrive(f))
	}
	return outs
}

// shape is what the story made: an item an epoch, its expected numbers, what is missing, and its state.
func (r *rig) shape() []string {
	shapes := []string{}
	for _, rep := range r.reports() {
		s := "none"
		if rep.Head.First != nil && rep.Tail.Last != nil {
			s = fmt.Sprintf("%d..%d", *rep.Head.First, *rep.Tail.Last)
		}
		if missing := rep.Expected - rep.Stored; missing > 0 {
			s += fmt.Sprintf(" missing %d", missing)
		}
		if d := rep.Duplicates; d.Identical+d.Conflict+d.Unverified > 0 {
			s += fmt.Sprintf(" dup %d conflict %d unverified %d", d.Identical, d.Conflict, d.Unverified)
		}
		if rep.Epoch.Probation {
			s += " probation"
		}
		if slices.Contains(rep.Reasons, ReasonWrapAmbiguous) {
			s += " ambiguous"
		}
		shapes = append(shapes, s)
	}
	return shapes
}

func TestInferredEpochs(t *testing.T) {
	for _, c := range []struct {
		name   string
		policy Policy
		script string
		want   []string
	}{
		{"in order", Policy{}, "0..300", []string{"0..300"}},
		{"joined late", Policy{}, "5000..5100", []string{"5000..5100"}},
		{"reordered", Policy{}, "1..10 12 11-1 13", []string{"1..13"}},
		{"late head, near", Policy{}, "50..60 45-10", []string{"45..60 missing 4"}},
		{"lost", Policy{}, "0..10 20..30", []string{"0..30 missing 9"}},
		{"lost much: the counter says so", Policy{}, "0..10 5000..5010", []string{"0..5010 missing 4989"}},
		{"restart at 0", Policy{}, "0..300 0..20", []string{"0..300", "0..20"}},
		{"restart at 0, with a number lost", Policy{}, "0..300 0 3..20", []string{"0..300", "0..20 missing 2"}},
		{"restart, first two swapped", Policy{}, "0..300 1 0-1 2..20", []string{"0..300", "0..20"}},
		{"restart below a head that was never seen", Policy{}, "5000..5300 0..20", []string{"5000..5300", "0..20"}},
		{"restart below a head that was never seen, no time", Policy{}, "5000..5300 0? 1? 2?", []string{"5000..5300", "0..2"}},
		{"restart twice", Policy{}, "0..300 0..300 0..5", []string{"0..300", "0..300", "0..5"}},
		{"a single number far back proves nothing", Policy{}, "0..300 7 301..500", []string{"0..500", "7..7 probation"}},
		{"damaged number ahead is a claim of loss until the device is at it", Policy{}, "0..300 900 301..310", []string{"0..900 missing 589"}},
		{"implausible number ahead", Policy{}, "0..300 9000000000000 301..310", []string{"0..310", "9000000000000..9000000000000 probation ambiguous"}},
		{"implausible number ahead, confirmed", Policy{}, "0..300 9000000000000 9000000000001", []string{"0..300", "9000000000000..9000000000001 ambiguous"}},
		{"late into a hole far back", Policy{}, "0..10 12..400 tick 11-390", []string{"0..400"}},
		{"late into a hole far back, stamped anew", Policy{}, "0..10 12..400 tick 11", []string{"0..400"}},
		{"sent again far back, old time", Policy{}, "0..300 7-294 8-294 9-294 301", []string{"0..301 dup 0 conflict 0 unverified 3"}},
		{"sent again far back, no time", Policy{}, "0..300 7? 8? 9? 301", []string{"0..301 dup 0 conflict 0 unverified 3"}},
		{"sent again near", Policy{}, "0..300 299-2 299-3 301", []string{"0..301 dup 2 conflict 0 unverified 0"}},
		{"conflict near, same time", Policy{}, "0..300 299*-2 298*-4 297*-5 301", []string{"0..301 dup 0 conflict 3 unverified 0"}},
		{"conflict near, no time", Policy{}, "0..30 5*? 6*? 7*? 31", []string{"0..31 dup 0 conflict 3 unverified 0"}},
		{"conflict near, once with new time", Policy{}, "0..30 5* 31", []string{"0..31 dup 0 conflict 1 unverified 0"}},
		{"restart after few frames: the second conflict in a row that is newer than all", Policy{}, "0..30 0* 1* 2* 3*",
			[]string{"0..30 dup 0 conflict 1 unverified 0", "1..3"}},
		{"late frames of the life before", Policy{}, "0..300 305 0 1 2 301-9 302-9 3..5", []string{"0..305 missing 2", "0..5"}},
		{"frames of the life before without time", Policy{}, "0..300 0 1 2 301? 3..5", []string{"0..301", "0..5"}},
		{"probation lapses", Policy{MisorderWindow: 10}, "0..300 7 301..320 8", []string{"0..320", "7..7 probation", "8..8 probation"}},
		{"probation waits as long as the window", Policy{MisorderWindow: 10}, "0..300 7 301..305 8", []string{"0..305", "7..8"}},
		{"rule: below", Policy{RestartBelow: 10}, "0..58 0..5 3? 4?", []string{"0..58", "0..5", "3..4"}},
		{"rule: below, equal neighbour", Policy{RestartBelow: 10}, "0..5 5-1 5-2 6", []string{"0..6 dup 2 conflict 0 unverified 0"}},
		{"rule: drop", Policy{RestartDrop: 500}, "0..1000 499 500", []string{"0..1000", "499..500"}},
		{"rule: drop, not enough", Policy{RestartDrop: 500}, "0..1000 500 1001", []string{"0..1001 dup 0 conflict 0 unverified 1"}},
		{"rules replace inference", Policy{RestartBelow: 10}, "0..1000 400..410", []string{"0..1000 dup 0 conflict 0 unverified 11"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, c.policy)
			r.script(c.script)
			if got := r.shape(); !slices.Equal(got, c.want) {
				t.Errorf("%s\n got %q\nwant %q", c.script, got, c.want)
			}
			r.check()
		})
	}
}

// What a restart and its confirmation look like to the caller.
func TestProbationOutcomes(t *testing.T) {
	r := newRig(t, Policy{})
	r.script("0..300")
	first, second, third := r.script("0")[0], r.script("1")[0], r.script("2")[0]
	if !first.NewEpoch || !first.Probation || first.Epoch != 2 || first.Status != Stored || first.Seq != 0 {
		t.Errorf("first frame of the restart: %+v", first)
	}
	if second.NewEpoch || second.Probation || second.Epoch != 2 {
		t.Errorf("second: %+v", second)
	}
	if third.Probation || third.Epoch != 2 {
		t.Errorf("third: %+v", third)
	}
	if again := r.script("0-3")[0]; again.Status != Duplicate || again.Epoch != 2 {
		t.Errorf("sent again: %+v", again)
	}
}

// The first frame of a restart sent twice is one frame, not a neighbour of itself.
func TestSameFrameTwiceConfirmsNothing(t *testing.T) {
	r := newRig(t, Policy{})
	r.script("0..300 7")
	if o := r.arrive(send{seq: 7}); o.Status != Duplicate || !o.Probation {
		t.Errorf("sent again: %+v", o)
	}
	if want := []string{"0..300", "7..7 dup 1 conflict 0 unverified 0 probation"}; !slices.Equal(r.shape(), want) {
		t.Errorf("got %q, want %q", r.shape(), want)
	}
}

// A device without clock and epochs begins again: what it sends cannot be told from frames sent again until the proposer has compared one. From then
// on its frames go to an epoch of their own.
func TestRestartProvenByVerdict(t *testing.T) {
	r := newRig(t, Policy{})
	for n := range uint64(301) {
		r.ms += 1000
		r.arrive(send{seq: n, noTime: true})
	}
	for n := range uint64(3) {
		if o := r.arrive(send{seq: n, noTime: true, fp: 99}); o.Status != Unverified {
			t.Fatalf("frame %d: %+v", n, o)
		}
	}
	c := Verdict{Subject: Subject{ID: r.id}, Ordinal: 1, From: 0, To: 2}
	if res, err := r.l.Verdict(r.ms, &c); err != nil || res.Settled != 3 || res.Unverified != 0 {
		t.Fatalf("%+v, %v", res, err)
	}
	if o := r.arrive(send{seq: 4, noTime: true, fp: 99}); !o.NewEpoch || !o.Probation || o.Seq != 4 {
		t.Fatalf("frame after the proof: %+v", o)
	}
	if o := r.arrive(send{seq: 5, noTime: true, fp: 99}); o.Epoch != 2 || o.Probation {
		t.Fatalf("the one after: %+v", o)
	}
	if want := []string{"0..300 dup 0 conflict 3 unverified 0", "4..5"}; !slices.Equal(r.shape(), want) {
		t.Errorf("got %q, want %q", r.shape(), want)
	}
	// The same story where the proposer finds equal bytes.
	r = newRig(t, Policy{})
	for n := range uint64(301) {
		r.arrive(send{seq: n, noTime: true})
	}
	r.arrive(send{seq: 0, noTime: true})
	c.To, c.Identical, c.ID = 0, true, r.id
	if _, err := r.l.Verdict(r.ms, &c); err != nil {
		t.Fatal(err)
	}
	if o := r.arrive(send{seq: 1, noTime: true}); o.Status != Unverified || o.Epoch != 1 {
		t.Fatalf("frame after the identical one: %+v", o)
	}
}

// A seal ends an epoch for frames that carry no epoch value.
func TestFrameAfterSeal(t *testing.T) {
	r := newRig(t, Policy{})
	r.script("0..10")
	r.seal(Seal{Last: 10})
	if o := r.script("11")[0]; !o.NewEpoch || o.Probation || o.Epoch != 2 {
		t.Errorf("frame after the seal: %+v", o)
	}
	r = newRig(t, Policy{})
	r.run("a", 0, 10)
	r.seal(Seal{Subject: Subject{Epoch: "a"}, Last: 10})
	if o := r.arrive(send{seq: 11, epoch: "a"}); o.NewEpoch || o.Epoch != 1 {
		t.Errorf("frame after the seal that insists on its epoch: %+v", o)
	}
	if rep := r.report(1); rep.Contradictions != 1 || rep.Tail.Basis != BasisLastSeen {
		t.Errorf("%d contradictions, tail %s", rep.Contradictions, rep.Tail.Basis)
	}
}
