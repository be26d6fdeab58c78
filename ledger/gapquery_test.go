package ledger

import (
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/google/go-cmp/cmp"
)

// someFleet has gaps of every kind: two tenants, devices with two streams, several epochs.
func someFleet(t testing.TB) *Ledger {
	l := New(Policy{})
	rng := rand.New(rand.NewSource(3))
	ms := t0
	for i := range 12 {
		key := frame.StreamKey{Tenant: []string{"t", "u"}[i%2], Device: fmt.Sprint("d-", rng.Intn(6)), Stream: fmt.Sprint("s", i)}
		id, err := l.Intern(key)
		if err != nil {
			t.Fatal(err)
		}
		for _, epoch := range []string{"1", "2", "3"}[:1+rng.Intn(3)] {
			g := frame.Group{Stream: id, Epoch: epoch}
			for n := range uint64(200) {
				ms += 100
				switch rng.Intn(12) {
				case 0:
				case 1:
					l.Reject(&g, n, ms, ms, frame.CauseRejectedSchema)
				case 2:
					l.Reject(&g, n, ms, ms, frame.CauseErased)
				default:
					l.Arrive(&g, ms, ms, &frame.Item{Seq: n, TimeNS: ms * 1_000_000})
				}
			}
			if _, err := l.DeclareLost(ms, &DeclareLost{Subject: Subject{ID: id, Epoch: epoch}, From: 190, To: 205, Reason: "ring"}); err != nil {
				t.Fatal(err)
			}
			for n := range uint64(20) {
				l.Request(id, 1, n*10, n*10+4, ms)
			}
		}
		l.Tick(ms, false)
	}
	return l
}

// everyGap is the oracle: all gaps of all reports, in order, filtered the slow way.
func everyGap(l *Ledger, q GapQuery) (rows []GapRow, t GapTotals, streams int) {
	rows = []GapRow{}
	l.Streams(q.Tenant, "", "", func(id frame.StreamID, key frame.StreamKey) bool {
		if q.Device != "" && key.Device != q.Device || len(key.Device) < len(q.Prefix) || key.Device[:len(q.Prefix)] != q.Prefix || q.Stream != "" && q.Stream != key.Stream {
			return true
		}
		streams++
		reports, _ := l.Report(id, ReportOptions{Epoch: q.Epoch, GapLimit: 1 << 20})
		for _, rep := range reports {
			a := rep.Ledger.A
			t.Expected += a.Expected
			t.Stored += a.Stored
			t.Missing += a.Expected - a.Stored
			t.Open += a.Open
			t.Lost += a.Lost
			t.Declared += a.Declared
			t.Shed += a.Shed
			t.Rejected += a.Rejected
			t.Expired += a.Expired
			for _, g := range rep.Gaps {
				if len(q.States) > 0 && !slices.Contains(q.States, g.State) || q.Cause != 0 && q.Cause.String() != g.Cause ||
					g.Count < q.Min || g.To < q.First || q.Last > 0 && g.From > q.Last {
					continue
				}
				rows = append(rows, GapRow{key.Device, key.Stream, rep.Epoch.Ordinal, g})
			}
		}
		return true
	})
	t.Gaps = uint64(len(rows))
	return rows, t, streams
}

func TestGapsAgainstReports(t *testing.T) {
	l := someFleet(t)
	for i, q := range []GapQuery{
		{Tenant: "t"}, {Tenant: "u"}, {Tenant: "none"},
		{Tenant: "t", Device: "d-1"}, {Tenant: "t", Prefix: "d"}, {Tenant: "t", Prefix: "d-4"}, {Tenant: "t", Device: "d-"}, {Tenant: "t", Stream: "s4"},
		{Tenant: "t", Epoch: 2}, {Tenant: "t", Min: 2}, {Tenant: "t", Min: 3, Epoch: 1},
		{Tenant: "t", States: []State{StateOpen}}, {Tenant: "t", States: []State{StateRequested, StateExpired}}, {Tenant: "t", States: []State{StateFinal}},
		{Tenant: "t", States: []State{StateClosed}}, {Tenant: "t", Cause: frame.CauseNeverArrived}, {Tenant: "t", Cause: frame.CauseRejectedSchema},
		{Tenant: "t", Cause: frame.CauseDeclaredLost}, {Tenant: "t", First: 100}, {Tenant: "t", First: 50, Last: 53}, {Tenant: "t", Last: 10},
	} {
		want, totals, streams := everyGap(l, q)
		if i < 2 && len(want) < 20 {
			t.Fatalf("the fleet has only %d gaps", len(want))
		}
		for _, limit := range []int{0, 1, 3, 7} {
			q.Limit, q.Cursor = limit, ""
			got := []GapRow{}
			for page := 0; ; page++ {
				p, err := l.Gaps(q)
				if err != nil {
					t.Fatal(err)
				}
				if p.Totals != totals || p.Streams != streams {
					t.Fatalf("%+v: totals %+v of %d, want %+v of %d", q, p.Totals, p.Streams, totals, streams)
				}
				if limit > 0 && len(p.Gaps) > limit || p.Next != "" && limit > 0 && len(p.Gaps) < limit {
					t.Fatalf("%+v: page of %d", q, len(p.Gaps))
				}
				got = append(got, p.Gaps...)
				if q.Cursor = p.Next; q.Cursor == "" {
					break
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%+v, limit %d: %s", q, limit, diff)
			}
		}
	}
}

func TestGapsWithoutTotals(t *testing.T) {
	l := someFleet(t)
	p, err := l.Gaps(GapQuery{Tenant: "t", NoTotal: true})
	if err != nil || p.Totals != (GapTotals{}) || len(p.Gaps) == 0 {
		t.Errorf("%+v, %v", p.Totals, err)
	}
}

func TestGapsRefusesForeignCursors(t *testing.T) {
	l := someFleet(t)
	p, err := l.Gaps(GapQuery{Tenant: "t", Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{"x", "!", p.Next + "A", p.Next[1:], "AAAA", "AAAAAAA"} {
		var ce *CommandError
		if _, err := l.Gaps(GapQuery{Tenant: "t", Cursor: c}); !errors.As(err, &ce) || ce.Code != CodeBadCursor {
			t.Errorf("cursor %q: %v", c, err)
		}
	}
}

func TestCoveragePages(t *testing.T) {
	r := newRig(t, Policy{})
	want := []Run{}
	for n := uint64(10); n < 100; n += 10 {
		r.run("", n, n+4)
		want = append(want, Run{n, n + 4})
	}
	got := []Run{}
	for from := uint64(0); ; {
		c, ok := r.l.Coverage(r.id, 1, from, 2)
		if !ok || *c.Head.First != 10 || *c.Tail.Last != 94 {
			t.Fatalf("%+v", c)
		}
		got = append(got, c.Runs...)
		if !c.More {
			break
		}
		from = c.Next
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if c, _ := r.l.Coverage(r.id, 1, 22, 1); !slices.Equal(c.Runs, []Run{{20, 24}}) {
		t.Errorf("from the middle of a run: %v", c.Runs)
	}
	if _, ok := r.l.Coverage(r.id, 2, 0, 1); ok {
		t.Error("an unknown epoch has coverage")
	}
	if !r.l.Contains(r.id, 1, 14) || r.l.Contains(r.id, 1, 15) || r.l.Contains(9, 1, 15) {
		t.Error("Contains is wrong")
	}
	if b, err := (Run{1, 1 << 62}).MarshalJSON(); err != nil || string(b) != "[1,4611686018427387904]" {
		t.Errorf("%s, %v", b, err)
	}
}
