package census

import (
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// TestWithinAgainstEachNumber tells random histories and holds statements about ranges against a count of their numbers one by one.
func TestWithinAgainstEachNumber(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newStory(rt)
		s.tell(40)
		for _, leaf := range census(t, s.l) {
			for i := range leaf.Epochs {
				e := &leaf.Epochs[i]
				wholeRangesSayWhatTheEpochSays(rt, e)
				partsAddUp(rt, e)
				low := e.Base - min(e.Base, 3)
				first := rapid.Uint64Range(low, min(e.Next+3, low+400)).Draw(rt, "first")
				countOneByOne(rt, e, Range{first, rapid.Uint64Range(first, first+400).Draw(rt, "last")})
			}
		}
	})
}

func wholeRangesSayWhatTheEpochSays(t *rapid.T, e *Epoch) {
	grade, reasons := e.Grade()
	b := e.Balance()
	want := Statement{
		Expected: b.Expected, Stored: b.Stored, Open: b.Open, Causes: map[string]uint64{}, Gaps: e.Gaps, Grade: grade, Reasons: reasons,
		TailOpen: e.Tail == TailLastSeen,
	}
	for _, g := range e.Gaps {
		if g.Cause != 0 {
			want.Causes[g.Cause.String()] += g.Count()
		}
	}
	ranges := []Range{{0, ledger.MaxSeq}}
	if e.Next > e.Base {
		want.Range = Range{e.Base, e.Next - 1}
		ranges = append(ranges, want.Range, Range{e.Base - min(e.Base, 1), e.Next})
	}
	for _, r := range ranges {
		if diff := cmp.Diff(want, e.Within(r), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%d to %d of %d to %d: the epoch (-), the range (+):\n%s", r.First, r.Last, e.Base, e.Next, diff)
		}
	}
	if diff := cmp.Diff(want, e.Statement(), cmpopts.EquateEmpty()); diff != "" {
		t.Fatal(diff)
	}
}

// partsAddUp cuts an epoch into ranges: their numbers add up to the epoch's, their gaps are its gaps, and the worst of their grades is its grade.
func partsAddUp(t *rapid.T, e *Epoch) {
	if e.Next == e.Base {
		return
	}
	cuts := rapid.SliceOfN(rapid.Uint64Range(e.Base, e.Next-1), 0, 6).Draw(t, "cuts")
	cuts = slices.Compact(slices.Sorted(slices.Values(append(cuts, e.Next-1))))
	sum, worst, at := Statement{Causes: map[string]uint64{}}, ledger.Grade(0), e.Base
	for _, last := range cuts {
		part := e.Within(Range{at, last})
		if part.Expected != last-at+1 || part.Range != (Range{at, last}) || part.HeadCut != (at > e.Base) || part.TailCut != (last+1 < e.Next) {
			t.Fatalf("%d to %d of %d to %d: %+v", at, last, e.Base, e.Next, part)
		}
		sum.Expected, sum.Stored, sum.Open = sum.Expected+part.Expected, sum.Stored+part.Stored, sum.Open+part.Open
		for cause, n := range part.Causes {
			sum.Causes[cause] += n
		}
		for _, g := range part.Gaps {
			if end := len(sum.Gaps) - 1; end >= 0 && g.First == at && sum.Gaps[end].Last+1 == at && sum.Gaps[end].sameAs(&g) {
				sum.Gaps[end].Last = g.Last
				continue
			}
			sum.Gaps = append(sum.Gaps, g)
		}
		if worst == 0 || part.Grade < worst {
			worst = part.Grade
		}
		at = last + 1
	}
	whole := e.Statement()
	sum.Range, sum.Grade, sum.Reasons, sum.TailOpen = whole.Range, worst, whole.Reasons, whole.TailOpen
	if diff := cmp.Diff(whole, sum, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("the epoch (-), the sum of its parts (+):\n%s", diff)
	}
}

// countOneByOne judges a range by the definition on docs/format/census.md, number by number.
func countOneByOne(t *rapid.T, e *Epoch, r Range) {
	s := e.Within(r)
	if e.Next-e.Base > 4000 {
		return
	}
	expected, stored, open, below, above := uint64(0), uint64(0), uint64(0), false, false
	causes := map[string]uint64{}
	for n := e.Base; n < e.Next; n++ {
		below, above = below || n < r.First, above || n > r.Last
		if n < r.First || n > r.Last {
			continue
		}
		expected++
		at := slices.IndexFunc(e.Gaps, func(g Gap) bool { return g.First <= n && n <= g.Last })
		switch {
		case at < 0:
			stored++
		case e.Gaps[at].Cause == 0:
			open++
		default:
			causes[e.Gaps[at].Cause.String()]++
		}
	}
	got := Statement{Expected: s.Expected, Stored: s.Stored, Open: s.Open, Causes: s.Causes, HeadCut: s.HeadCut, TailCut: s.TailCut}
	want := Statement{Expected: expected, Stored: stored, Open: open, Causes: causes, HeadCut: below, TailCut: above}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%d to %d of %d to %d: one by one (-), Within (+):\n%s", r.First, r.Last, e.Base, e.Next, diff)
	}
	head, tail := below || e.Head == HeadDeclared, above || e.Tail > TailLastSeen
	if r.First > e.Base && r.First >= e.Next && e.Tail == TailWatermark {
		tail = false
	}
	grade := ledger.Complete
	switch {
	case e.Unnumbered || e.Ambiguous || e.Probation:
		grade = ledger.Indeterminate
	case open > 0 || causes["never_arrived"] > 0:
		grade = ledger.Incomplete
	case stored < expected:
		grade = ledger.Explained
	case !head || !tail || e.Conflict > 0 || e.Unverified > 0 || e.Contradictions > 0 || e.Counted && e.SealCount != e.Next-e.Base:
		grade = ledger.CompleteBetweenSeen
	}
	if s.Grade != grade || (len(s.Reasons) == 0) != (grade == ledger.Complete) {
		t.Fatalf("%d to %d of %+v: %v %v, want %v", r.First, r.Last, e, s.Grade, s.Reasons, grade)
	}
}

func TestWithinByExample(t *testing.T) {
	lost := Gap{First: 20, Last: 29, State: ledger.StateFinal, Cause: frame.CauseNeverArrived}
	shed := Gap{First: 50, Last: 54, State: ledger.StateFinal, Cause: frame.CauseShedDisk}
	open := Gap{First: 55, Last: 59, State: ledger.StateOpen}
	seen := Epoch{ // numbers 10..99, ends as they were seen
		Ordinal: 1, Source: ledger.SourceInferred, Begun: true, Base: 10, Next: 100, Head: HeadFirstSeen, Tail: TailLastSeen,
		Runs: []ledger.Run{{First: 10, Last: 19}, {First: 30, Last: 49}, {First: 60, Last: 99}}, Gaps: []Gap{lost, shed, open},
	}
	if err := seen.checkTiles(); err != nil {
		t.Fatal(err)
	}
	with := func(bend func(e *Epoch)) Epoch { e := seen; bend(&e); return e }
	declared := with(func(e *Epoch) { e.Head = HeadDeclared })
	watermark := with(func(e *Epoch) { e.Tail = TailWatermark })
	sealed := with(func(e *Epoch) { e.Tail, e.Sealed, e.SealLast = TailSeal, true, 99 })
	counted := with(func(e *Epoch) { e.Tail, e.Sealed, e.SealLast, e.Counted, e.SealCount = TailSeal, true, 99, true, 100 })
	conflict := with(func(e *Epoch) { e.Conflict = 1 })
	nothing := Epoch{Ordinal: 1, Source: ledger.SourceInferred, Begun: true, Base: 5, Next: 5, Head: HeadDeclared, Tail: TailWatermark}
	for _, tt := range []struct {
		name    string
		e       Epoch
		r       Range
		want    ledger.Grade
		reasons []string
	}{
		{"both ends cut, all there", seen, Range{30, 49}, ledger.Complete, nil},
		{"one number", seen, Range{99, 99}, ledger.CompleteBetweenSeen, []string{"tail_not_declared"}},
		{"one number inside", seen, Range{98, 98}, ledger.Complete, nil},
		{"up to the highest seen", seen, Range{60, 99}, ledger.CompleteBetweenSeen, []string{"tail_not_declared"}},
		{"beyond the highest seen", seen, Range{60, 200}, ledger.CompleteBetweenSeen, []string{"tail_not_declared"}},
		{"from the lowest seen", seen, Range{10, 19}, ledger.CompleteBetweenSeen, []string{"head_not_declared"}},
		{"from below the lowest seen", seen, Range{0, 19}, ledger.CompleteBetweenSeen, []string{"head_not_declared"}},
		{"from the declared first", declared, Range{0, 19}, ledger.Complete, nil},
		{"up to the watermark", watermark, Range{60, 99}, ledger.Complete, nil},
		{"a part of a loss", seen, Range{29, 49}, ledger.Incomplete, []string{"missing"}},
		{"a loss and nothing else", seen, Range{21, 22}, ledger.Incomplete, []string{"missing"}},
		{"with a cause", seen, Range{40, 52}, ledger.Explained, []string{"missing"}},
		{"may still come", seen, Range{52, 55}, ledger.Incomplete, []string{"missing", "open"}},
		{"a conflict somewhere", conflict, Range{30, 49}, ledger.CompleteBetweenSeen, []string{"conflict"}},
		{"a count that differs somewhere", counted, Range{30, 49}, ledger.CompleteBetweenSeen, []string{"seal_count_mismatch"}},
		{"all behind the highest seen", seen, Range{100, 200}, ledger.CompleteBetweenSeen, []string{"tail_not_declared"}},
		{"all behind the watermark", watermark, Range{100, 200}, ledger.CompleteBetweenSeen, []string{"tail_not_declared"}},
		{"all behind the seal", sealed, Range{100, 200}, ledger.Complete, nil},
		{"all below the lowest seen", seen, Range{0, 9}, ledger.CompleteBetweenSeen, []string{"head_not_declared"}},
		{"all below the declared first", declared, Range{0, 9}, ledger.Complete, nil},
		{"nothing is expected yet", nothing, Range{0, 100}, ledger.Complete, nil},
		{"nothing is expected there", nothing, Range{6, 100}, ledger.CompleteBetweenSeen, []string{"tail_not_declared"}},
		{"turned round", seen, Range{40, 39}, ledger.Indeterminate, []string{ReasonEmptyRange}},
		{"probation", with(func(e *Epoch) { e.Probation = true }), Range{30, 49}, ledger.Indeterminate, []string{"probation"}},
		{"no numbers of its own", with(func(e *Epoch) { e.Unnumbered = true }), Range{30, 49}, ledger.Indeterminate, []string{"no sequence"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.e.Within(tt.r)
			if s.Grade != tt.want || !slices.Equal(s.Reasons, tt.reasons) {
				t.Errorf("%d to %d: %v %v, want %v %v", tt.r.First, tt.r.Last, s.Grade, s.Reasons, tt.want, tt.reasons)
			}
		})
	}
	s := seen.Within(Range{25, 56})
	cutLoss, cutOpen := lost, open
	cutLoss.First, cutOpen.Last = 25, 56
	want := Statement{
		Range: Range{25, 56}, HeadCut: true, TailCut: true, Expected: 32, Stored: 20, Open: 2,
		Causes: map[string]uint64{"never_arrived": 5, "shed.disk": 5}, Gaps: []Gap{cutLoss, shed, cutOpen},
		Grade: ledger.Incomplete, Reasons: []string{"missing", "open"},
	}
	if diff := cmp.Diff(want, s); diff != "" || seen.Gaps[0] != lost || seen.Gaps[2] != open {
		t.Errorf("(-want +got), and the epoch's own gaps are %+v:\n%s", seen.Gaps, diff)
	}
}

// TestUntil: of a time that went on behind a device's last word, nobody knows the end. Where the range cuts the tail, or the epoch has one, it is known.
func TestUntil(t *testing.T) {
	e := Epoch{ // numbers 10..99, all there
		Ordinal: 1, Begun: true, Base: 10, Next: 100, Head: HeadDeclared, Tail: TailWatermark, TailMS: 5000, Runs: []ledger.Run{{First: 10, Last: 99}},
	}
	with := func(tail Tail, ms int64) Epoch { e := e; e.Tail, e.TailMS = tail, ms; return e }
	for name, tt := range map[string]struct {
		e    Epoch
		r    Range
		toMS int64
		want ledger.Grade
		open bool
	}{
		"heard when it was over":   {e, Range{50, 99}, 5000, ledger.Complete, false},
		"heard before":             {e, Range{50, 99}, 5001, ledger.CompleteBetweenSeen, true},
		"heard later":              {e, Range{50, 99}, -1, ledger.Complete, false},
		"heard before, and cut":    {e, Range{50, 98}, 9000, ledger.Complete, false},
		"sealed before":            {with(TailSeal, 1), Range{50, 99}, 5000, ledger.Complete, false},
		"followed before":          {with(TailSuccessor, 1), Range{50, 99}, 5000, ledger.Complete, false},
		"never heard":              {with(TailLastSeen, 0), Range{50, 99}, -1, ledger.CompleteBetweenSeen, true},
		"none, and heard before":   {e, Range{1, 0}, 5001, ledger.Indeterminate, true},
		"none, and heard later":    {e, Range{1, 0}, 5000, ledger.Indeterminate, false},
		"none, and followed early": {with(TailSuccessor, 1), Range{1, 0}, 5000, ledger.Indeterminate, false},
	} {
		if s := tt.e.Until(tt.toMS, tt.r); s.Grade != tt.want || s.TailOpen != tt.open {
			t.Errorf("%s: %v %v, tail open: %t", name, s.Grade, s.Reasons, s.TailOpen)
		}
	}
}
