package ledger

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

func gapLines(rep EpochReport) []string {
	lines := []string{}
	for _, g := range rep.Gaps {
		lines = append(lines, fmt.Sprintf("%d-%d %s %d", g.From, g.To, g.State, g.Nacks))
	}
	return lines
}

// theExample is a device with a day with three gaps.
func theExample(t testing.TB) *rig {
	r := newRig(t, Policy{})
	for _, e := range []string{"15", "16"} {
		r.run(e, 0, 0)
	}
	r.heartbeat(Heartbeat{Subject: Subject{Epoch: "17"}, Next: 0, HasFirst: true})
	for n := range uint64(86_400) {
		r.ms += 1000
		switch {
		case n >= 5000 && n <= 5004:
		case n == 9100 || n == 9101:
		case n == 70_000 || n == 70_001:
			r.l.Reject(&frame.Group{Stream: r.id, Epoch: "17"}, n, r.ms, r.ms, frame.CauseRejectedCRC)
		default:
			if o := r.arrive(send{seq: n, epoch: "17"}); o.Status != Stored {
				t.Fatalf("%+v", o)
			}
			if n%2000 == 7 {
				r.arrive(send{seq: n, epoch: "17"})
			}
		}
		r.l.Tick(r.ms, false)
	}
	r.lost(DeclareLost{Subject: Subject{Epoch: "17"}, From: 9100, To: 9101, Reason: "edge_ring_overflow"})
	r.heartbeat(Heartbeat{Subject: Subject{Epoch: "17"}, Next: 86_400})
	r.settle()
	return r
}

// The JSON of a report, field for field.
func TestReportJSON(t *testing.T) {
	got, err := json.MarshalIndent(theExample(t).report(3), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "report.json")
	if os.Getenv("GAPLESS_UPDATE") != "" {
		if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got)+"\n" != string(want) {
		t.Errorf("the report changed:\n%s", got)
	}
}

func TestGrades(t *testing.T) {
	a := Subject{Epoch: "a"}
	seal := func(r *rig) { r.seal(Seal{Subject: a, Last: 9}) }
	for _, c := range []struct {
		name string
		do   func(r *rig) // epoch a has its first number declared: 0
		want Grade
		why  string
	}{
		{"first and seal", func(r *rig) { r.run("a", 0, 9); seal(r) }, Complete, "[]"},
		{"first and watermark", func(r *rig) { r.run("a", 0, 9); r.heartbeat(Heartbeat{Subject: a, Next: 10}) }, Complete, "[]"},
		{"first and successor", func(r *rig) {
			r.run("a", 0, 9)
			r.heartbeat(Heartbeat{Subject: Subject{Epoch: "b"}, HasFirst: true, HasPrev: true, PrevLast: 9})
		}, Complete, "[]"},
		{"overtaken watermark", func(r *rig) { r.run("a", 0, 8); r.heartbeat(Heartbeat{Subject: a, Next: 9}); r.run("a", 9, 9) },
			CompleteBetweenSeen, "[tail_not_declared]"},
		{"no seal", func(r *rig) { r.run("a", 0, 9) }, CompleteBetweenSeen, "[tail_not_declared]"},
		{"no first", func(r *rig) { r.run("b", 0, 9); r.seal(Seal{Subject: Subject{Epoch: "b"}, Last: 9}) }, CompleteBetweenSeen, "[head_not_declared]"},
		{"duplicates only", func(r *rig) { r.run("a", 0, 9); r.arrive(send{seq: 9, epoch: "a"}); seal(r) }, Complete, "[]"},
		{"conflict", func(r *rig) { r.run("a", 0, 9); r.arrive(send{seq: 9, epoch: "a", fp: 5}); seal(r) }, CompleteBetweenSeen, "[conflict]"},
		{"unverified", func(r *rig) {
			r.run("a", 0, 99)
			r.arrive(send{seq: 9, epoch: "a"})
			r.seal(Seal{Subject: a, Last: 99})
		}, CompleteBetweenSeen, "[unverified]"},
		{"other count", func(r *rig) { r.run("a", 0, 9); r.seal(Seal{Subject: a, Last: 9, HasCount: true, Count: 11}) },
			CompleteBetweenSeen, "[seal_count_mismatch]"},
		{"declared lost", func(r *rig) { r.run("a", 0, 5); seal(r); r.lost(DeclareLost{Subject: a, From: 6, To: 9}) }, Explained, "[missing]"},
		{"open", func(r *rig) { r.run("a", 0, 5); seal(r) }, Incomplete, "[missing open]"},
		{"lost", func(r *rig) { r.run("a", 0, 5); seal(r); r.settle() }, Incomplete, "[missing]"},
		{"some lost, some declared", func(r *rig) {
			r.run("a", 0, 5)
			seal(r)
			r.lost(DeclareLost{Subject: a, From: 7, To: 9})
			r.settle()
		}, Incomplete, "[missing]"},
		{"below the declared first", func(r *rig) {
			r.heartbeat(Heartbeat{Subject: Subject{Epoch: "b"}, Next: 5, HasFirst: true, First: 5})
			r.run("b", 4, 9)
			r.heartbeat(Heartbeat{Subject: Subject{Epoch: "b"}, Next: 10})
		}, CompleteBetweenSeen, "[head_not_declared]"},
		{"a first declared twice, differently", func(r *rig) {
			r.run("a", 0, 9)
			r.heartbeat(Heartbeat{Subject: a, Next: 10, HasFirst: true, First: 3})
		}, CompleteBetweenSeen, "[contradiction]"},
		{"without numbers", func(r *rig) {
			r.l.Arrive(&frame.Group{Stream: r.id, Epoch: "z", Unseq: true}, r.ms, r.ms, &frame.Item{})
		},
			Indeterminate, "[no sequence]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, Policy{})
			r.heartbeat(Heartbeat{Subject: a, HasFirst: true})
			c.do(r)
			rep := r.reports()[0]
			if all := r.reports(); len(all) == 2 && all[0].Expected == 0 {
				rep = all[1]
			}
			if rep.Verdict != c.want || fmt.Sprint(rep.Reasons) != c.why {
				t.Errorf("%v %v, want %v %s", rep.Verdict, rep.Reasons, c.want, c.why)
			}
			r.check()
		})
	}
}

// The verdict on a stream is that of its worst epoch.
func TestGradeOfAStream(t *testing.T) {
	r := newRig(t, Policy{})
	if _, ok := r.l.Grade(r.id); ok {
		t.Error("a stream of which nothing was said has a verdict")
	}
	r.run("a", 0, 5)
	if g, _ := r.l.Grade(r.id); g != CompleteBetweenSeen {
		t.Error(g)
	}
	r.run("b", 0, 5)
	r.run("b", 8, 9)
	if g, _ := r.l.Grade(r.id); g != Incomplete {
		t.Error(g)
	}
	if _, ok := r.l.Grade(99); ok {
		t.Error("an unknown stream has a verdict")
	}
	if b, err := json.Marshal(map[string]any{"verdict": Explained, "none": Grade(77)}); err != nil || string(b) != `{"none":"unknown","verdict":"EXPLAINED"}` {
		t.Errorf("%s, %v", b, err)
	}
}

func TestSummary(t *testing.T) {
	r := newRig(t, Policy{})
	if s, ok := r.l.Summary(r.id); !ok || s.Epochs != 0 || s.HasLast || s.HasTime || s.Whole {
		t.Errorf("%+v, %v", s, ok)
	}
	r.run("a", 0, 5)
	r.run("b", 3, 8)
	r.run("b", 10, 11)
	s, ok := r.l.Summary(r.id)
	if !ok || s.Epochs != 2 || s.Current != 2 || s.LastSeq != 11 || s.LastTimeNS != r.ms*1_000_000 || !s.Whole || s.Through.Seq != 8 {
		t.Errorf("%+v", s)
	}
	if s.Totals.Expected != 15 || s.Totals.Stored != 14 || s.Totals.Missing() != 1 || s.Totals.Completeness() != 933_333 || s.Verdict != Incomplete {
		t.Errorf("%+v", s.Totals)
	}
	if v, ok := r.l.EpochValue(r.id, 2); v != "b" || !ok {
		t.Error(v, ok)
	}
	if _, ok := r.l.Summary(77); ok {
		t.Error("an unknown stream has a summary")
	}
}

// One missing frame in ten million is not rounded to completeness 1.
func TestCompletenessIsRoundedDown(t *testing.T) {
	for _, c := range []struct{ part, whole, want uint64 }{
		{0, 0, 1_000_000}, {9_999_999, 10_000_000, 999_999}, {MaxSeq - 1, MaxSeq, 999_999}, {MaxSeq, MaxSeq, 1_000_000}, {86_391, 86_400, 999_895}, {0, 5, 0},
	} {
		if got := ratio(c.part, c.whole); got != c.want {
			t.Errorf("%d of %d: %d, want %d", c.part, c.whole, got, c.want)
		}
	}
}
