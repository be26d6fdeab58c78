package census

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// TestLeavesSayWhatTheLedgerSays tells random histories and holds every leaf, as it is read back from its bytes, against the ledger's own report.
func TestLeavesSayWhatTheLedgerSays(t *testing.T) {
	grades := map[ledger.Grade]int{}
	rapid.Check(t, func(rt *rapid.T) {
		s := newStory(rt)
		s.tell(60)
		leaves := census(t, s.l)
		if len(leaves) != s.l.Len() || !slices.IsSortedFunc(leaves, func(a, b leaf) int { return compareKeys(a.Key, b.Key) }) {
			rt.Fatalf("%d leaves of %d streams, or they are out of order", len(leaves), s.l.Len())
		}
		totals := Totals{}
		for _, leaf := range leaves {
			totals.Add(leaf.Leaf)
			if err := sameAsReport(s.l, leaf); err != nil {
				rt.Fatal(err)
			}
			for i := range leaf.Epochs {
				g, _ := leaf.Epochs[i].Grade()
				grades[g]++
			}
		}
		b := s.l.TotalBalance()
		want := ledger.Balance{
			Expected: totals.Expected, Stored: totals.Stored, Open: totals.Open, Lost: totals.Lost,
			Declared: totals.Declared, Shed: totals.Shed, Rejected: totals.Rejected, Expired: totals.Expired,
		}
		if b != want || totals.Streams != uint64(s.l.Len()) {
			rt.Fatalf("totals %+v, the ledger's balance is %+v", totals, b)
		}
	})
	for g := ledger.Indeterminate; g <= ledger.Complete; g++ {
		if grades[g] == 0 && !testing.Short() {
			t.Errorf("no epoch of any history is %v: %v", g, grades)
		}
	}
}

// sameAsReport holds a leaf against the ledger's report of its stream.
func sameAsReport(l *ledger.Ledger, leaf leaf) error {
	reports, _ := l.Report(leaf.id, ledger.ReportOptions{GapLimit: 1 << 20})
	if diff := cmp.Diff(reports, reportsOf(leaf.Leaf, reports), cmpopts.EquateEmpty()); diff != "" {
		return fmt.Errorf("%v: the ledger reports (-), the leaf says (+):\n%s", leaf.Key, diff)
	}
	if g, ok := l.Grade(leaf.id); g != leaf.Grade() || ok != (len(leaf.Epochs) > 0) {
		return fmt.Errorf("%v: grade %v, the ledger says %v", leaf.Key, leaf.Grade(), g)
	}
	return nil
}

func compareKeys(a, b frame.StreamKey) int {
	for _, c := range []int{strings.Compare(a.Tenant, b.Tenant), strings.Compare(a.Device, b.Device), strings.Compare(a.Stream, b.Stream)} {
		if c != 0 {
			return c
		}
	}
	return 0
}

// reportsOf is the ledger's report of a stream, made again from the leaf. What no leaf has is taken from the report: counters of order and
// clocks, times, requests.
func reportsOf(l *Leaf, from []ledger.EpochReport) []ledger.EpochReport {
	if len(l.Epochs) != len(from) {
		return nil
	}
	out := slices.Clone(from)
	for i := range out {
		e, r := &l.Epochs[i], &out[i]
		r.Device, r.Stream, r.Numbering = l.Key.Device, l.Key.Stream, "device"
		if e.Unnumbered {
			r.Numbering = "server"
		}
		r.Epoch = ledger.EpochInfo{Ordinal: e.Ordinal, Raw: e.Value, Source: e.Source.String(), Probation: e.Probation, After: e.After}
		r.Epoch.Linked, r.Epoch.Offset = optional(e.Linked, e.LinkDelta), optional(e.Offset > 0, e.Offset)
		r.Head = ledger.Head{First: optional(e.Begun, e.Base), Basis: e.Head.String()}
		r.Tail = ledger.Tail{Last: optional(e.Next > e.Base, e.Next-1), Basis: e.Tail.String()}
		if e.Tail != TailLastSeen {
			r.Tail.DeclaredAt = time.UnixMilli(e.TailMS).UTC().Format("2006-01-02T15:04:05.000Z07:00")
		}
		b := e.Balance()
		r.Expected, r.Stored, r.Ledger.A = b.Expected, b.Stored, b
		r.Completeness = float64(b.Completeness()) / 1_000_000
		r.Verdict, r.Reasons = e.Grade()
		r.Duplicates = ledger.Duplicates{Identical: e.Identical, Conflict: e.Conflict, Unverified: e.Unverified, Suspected: e.Suspected}
		r.LateClosed, r.Contradictions, r.WrapAmbiguous = e.LateClosed, e.Contradictions, e.Ambiguities
		r.Wraps, r.Seal = nil, nil
		if e.Wraps[1] > 0 {
			r.Wraps = &e.Wraps
		}
		if e.Sealed {
			r.Seal = &ledger.SealInfo{Last: e.SealLast, Count: optional(e.Counted, e.SealCount), Mismatch: e.CountMismatch()}
		}
		r.Gaps = gapsOf(e, r.Gaps)
	}
	return out
}

func optional(has bool, n uint64) *uint64 {
	if !has {
		return nil
	}
	return &n
}

// gapsOf is the report's gaps with all but id, times and requests from the leaf: the gap that holds all of the report's.
func gapsOf(e *Epoch, from []ledger.GapReport) []ledger.GapReport {
	out := slices.Clone(from)
	for i := range out {
		r := &out[i]
		at := slices.IndexFunc(e.Gaps, func(g Gap) bool { return g.First <= r.From && r.To <= g.Last })
		if at < 0 {
			return nil
		}
		g := &e.Gaps[at]
		r.State, r.Reason, r.Confidence, r.Cause = g.State, g.Reason, g.Confidence(), ""
		if g.Cause != 0 {
			r.Cause = g.Cause.String()
		}
	}
	return out
}

// A ledger that was restored from its checkpoint has the same census, byte for byte; and so has one that walks a second time.
func TestRestoredLedgerHasTheSameCensus(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newStory(rt)
		s.tell(60)
		want := census(t, s.l)
		for _, l := range []*ledger.Ledger{s.l, restored(t, s.l)} {
			for i, leaf := range census(t, l) {
				if !bytes.Equal(leaf.bytes, want[i].bytes) {
					rt.Fatalf("%v: %x, want %x", leaf.Key, leaf.bytes, want[i].bytes)
				}
			}
		}
	})
}

// TestOrderOfArrivalLeavesNoTrace sends the same frames, with the same declarations, in two orders. Wherever the ledger's digests are equal, so
// are bounds, bases, runs and gaps; and if nothing came twice or too late, so is every byte.
func TestOrderOfArrivalLeavesNoTrace(t *testing.T) {
	compared := 0
	rapid.Check(t, func(rt *rapid.T) {
		number := rapid.Uint64Range(0, 120)
		sent := rapid.OneOf(rapid.SliceOfN(number, 1, 80), rapid.SliceOfNDistinct(number, 1, 80, rapid.ID[uint64])).Draw(rt, "sent")
		lost := rapid.Uint64Range(0, 110).Draw(rt, "declared lost")
		late := rapid.Bool().Draw(rt, "some come late")
		a := arriveAll(t, sent, lost, len(sent))
		cut := len(sent)
		if late {
			cut = rapid.IntRange(0, len(sent)).Draw(rt, "on time")
		}
		b := arriveAll(t, rapid.Permutation(sent).Draw(rt, "another order"), lost, cut)
		id, _ := a.ID(keys[0])
		digest, _ := a.Digest(id)
		other, _ := b.Digest(id)
		if digest != other {
			rt.Fatal("equal numbers have other digests: the test tells another story than it means to")
		}
		x, y := census(t, a)[0], census(t, b)[0]
		e, f := &x.Epochs[0], &y.Epochs[0]
		if !slices.Equal(e.Runs, f.Runs) || !slices.Equal(e.Gaps, f.Gaps) || e.Base != f.Base || e.Next != f.Next || e.Head != f.Head || e.Tail != f.Tail {
			rt.Fatalf("%+v\n%+v", e, f)
		}
		once := slices.Compact(slices.Sorted(slices.Values(sent)))
		if len(once) < len(sent) || cut < len(sent) {
			return
		}
		if compared++; !bytes.Equal(x.bytes, y.bytes) {
			rt.Fatalf("%x\n%x", x.bytes, y.bytes)
		}
	})
	if compared == 0 {
		t.Error("no story in which nothing came twice or too late")
	}
}

// arriveAll sends frames in an order; the grace of what is missing ends behind so many of them, and at the end. The device declares first and
// next number, and a loss.
func arriveAll(t *testing.T, sent []uint64, lost uint64, onTime int) *ledger.Ledger {
	t.Helper()
	l := ledger.New(ledger.Policy{})
	l.Tick(t0, false)
	id, err := l.Intern(keys[0])
	if err != nil {
		t.Fatal(err)
	}
	g := frame.Group{Stream: id, Epoch: "boot-1", Bits: 64, HasFirst: true}
	say := ledger.DeclareLost{Subject: ledger.Subject{ID: id, Epoch: "boot-1"}, From: lost, To: lost + 4, Reason: "ring overflow"}
	if _, err := l.DeclareLost(t0, &say); err != nil {
		t.Fatal(err)
	}
	for i, n := range sent {
		if i == onTime {
			l.Tick(t0+60_000, false)
		}
		l.Arrive(&g, t0, t0, &frame.Item{Seq: n, TimeNS: t0 * 1_000_000, Fingerprint: uint32(n)})
	}
	l.Tick(t0+120_000, false)
	if _, err := l.Heartbeat(t0+120_000, &ledger.Heartbeat{Subject: ledger.Subject{ID: id, Epoch: "boot-1"}, Next: 130}); err != nil {
		t.Fatal(err)
	}
	l.Tick(t0+180_000, false)
	return l
}

// Walk hands an error on and calls nobody after it. What it makes is the callee's only until it returns, and a leaf of many epochs is whole
// nevertheless.
func TestWalkStopsAtAnError(t *testing.T) {
	l := ledger.New(ledger.Policy{})
	for _, key := range keys {
		if _, err := l.Intern(key); err != nil {
			t.Fatal(err)
		}
	}
	full, calls := errors.New("disk full"), 0
	err := Walk(l, func(*Leaf) error {
		if calls++; calls == 2 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) || calls != 2 {
		t.Errorf("%d calls, %v", calls, err)
	}
	if all := census(t, l); len(all) != len(keys) || all[0].Grade() != 0 || all[0].Key != keys[2] {
		t.Errorf("streams without an epoch: %+v", all)
	}
}

// The planted fault of a ledger that forgets the tail of its gaps must not become a leaf: runs and gaps do not fill the epoch then.
func TestLeafThatDoesNotBalanceIsRefused(t *testing.T) {
	e := &Epoch{
		Ordinal: 1, Source: ledger.SourceDeclared, Begun: true, Base: 4, Next: 9, Head: HeadDeclared, Tail: TailLastSeen,
		Runs: []ledger.Run{{First: 4, Last: 5}, {First: 8, Last: 8}},
		Gaps: []Gap{{First: 6, Last: 7, State: ledger.StateFinal, Cause: frame.CauseNeverArrived}},
	}
	if err := e.checkTiles(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		bend func(e *Epoch)
		want string
	}{
		{"a gap less", func(e *Epoch) { e.Gaps = nil }, "number 6 is neither"},
		{"a run less at the end", func(e *Epoch) { e.Runs = e.Runs[:1] }, "nothing is said of numbers 8 to 8"},
		{"a run less at the start", func(e *Epoch) { e.Runs = e.Runs[1:] }, "number 4 is neither"},
		{"a number twice", func(e *Epoch) { e.Gaps[0].First = 5 }, "number 6 is neither"},
		{"a shorter gap", func(e *Epoch) { e.Gaps[0].Last = 6 }, "number 7 is neither"},
		{"a run that goes on", func(e *Epoch) { e.Runs[1].Last = 9 }, "numbers 8 to 9 in 4 to 9"},
		{"a run that is turned round", func(e *Epoch) { e.Runs[0].Last = 3 }, "numbers 4 to 3"},
		{"two runs that touch", func(e *Epoch) { e.Runs, e.Gaps = []ledger.Run{{First: 4, Last: 5}, {First: 6, Last: 8}}, nil }, "the next begins at 6"},
		{"two gaps that are one", func(e *Epoch) {
			e.Gaps[0].Last = 6
			e.Gaps = append(e.Gaps, e.Gaps[0])
			e.Gaps[1].First, e.Gaps[1].Last = 7, 7
		}, "the next at 7 is the same"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bent := *e
			bent.Runs, bent.Gaps = slices.Clone(e.Runs), slices.Clone(e.Gaps)
			tt.bend(&bent)
			if err := bent.checkTiles(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// A field that somebody adds to the ledger's account, and forgets here, shows here: a leaf has them all but the private one and the counters,
// which it recounts.
func TestLeafKnowsEveryField(t *testing.T) {
	if account, epoch := reflect.TypeFor[ledger.Account]().NumField(), reflect.TypeFor[Epoch]().NumField(); account-2 != epoch-2 || epoch != 30 {
		t.Errorf("an account has %d fields, a leaf's epoch %d", account, epoch)
	}
}
