package query

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"pgregory.net/rapid"
)

// story is what a device did, as somebody saw who stood beside it: for every number of every one of its lives.
type story struct {
	lives []life
}

// life is one epoch, declared by the device.
type life struct {
	epoch               string
	stored              map[uint64]int64 // the value that was stored first
	rejected, conflicts map[uint64]int   // how often
	declared            map[uint64]bool
	refusedFirst        map[uint64]bool // refused before anything else was said of the number
	first, last         uint64          // expected, known once begun
	begun               bool
	mark                uint64 // greatest next_seq that was news; 0: none
}

const storyNumbers = 24 // of each life

func (l *life) expect(from, to uint64) {
	if !l.begun {
		l.begun, l.first, l.last = true, from, to
		return
	}
	l.first, l.last = min(l.first, from), max(l.last, to)
}

// tell draws one event and lets it happen, in the world and in the store.
func (y *story) tell(t *rapid.T, s *store) {
	s.commitMS += rapid.Int64Range(0, 3000).Draw(t, "ms")
	l := &y.lives[rapid.IntRange(0, len(y.lives)-1).Draw(t, "life")]
	seq := rapid.Uint64Range(0, storyNumbers-1).Draw(t, "seq")
	value := rapid.Int64Range(0, 1).Draw(t, "value")
	switch rapid.IntRange(0, 9).Draw(t, "event") {
	case 0:
		s.refuse(t, "d", "0", l.epoch, seq, frame.CauseRejectedSchema, "refused "+strconv.FormatUint(seq, 10))
		if l.rejected[seq]++; !l.declared[seq] {
			l.refusedFirst[seq] = true
		}
		l.expect(seq, seq)
	case 1:
		if !l.begun {
			return // the ledger would open an epoch for it whose ends are the loss
		}
		to := min(seq+rapid.Uint64Range(0, 3).Draw(t, "more"), l.last)
		if seq < l.first || seq > to {
			return
		}
		s.change(func(led *ledger.Ledger) {
			lost := ledger.DeclareLost{Subject: ledger.Subject{ID: s.id(t, "t1", "d", "0"), Epoch: l.epoch}, From: seq, To: to, Reason: "ring"}
			if _, err := led.DeclareLost(s.commitMS, &lost); err != nil {
				t.Fatal(err)
			}
		})
		if to == l.last { // who speaks of the last number says that it exists
			l.mark = to + 1
		}
		for n := seq; n <= to; n++ {
			if _, has := l.stored[n]; !has && !l.refusedFirst[n] {
				l.declared[n] = true
			}
		}
	case 2:
		if !l.begun || seq <= l.last {
			return
		}
		s.change(func(led *ledger.Ledger) {
			beat := ledger.Heartbeat{Subject: ledger.Subject{ID: s.id(t, "t1", "d", "0"), Epoch: l.epoch}, Next: seq + 1}
			if _, err := led.Heartbeat(s.commitMS, &beat); err != nil {
				t.Fatal(err)
			}
		})
		l.mark = seq + 1
		l.expect(seq, seq)
	case 3:
		s.settle()
	default:
		f := plain("d", seq, value)
		f.epoch = l.epoch
		before, has := l.stored[seq]
		if s.put(t, f); has && before != value {
			s.keep(t, deviceConflict, "d", "0", s.ordinal(t, l.epoch), seq, "second", frame.Field{Name: "size", Value: frame.Int(6)})
			l.conflicts[seq]++
		}
		if !has {
			l.stored[seq] = value
			delete(l.declared, seq)
			delete(l.refusedFirst, seq)
		}
		l.expect(seq, seq)
	}
}

// ordinal is the server's number of an epoch of the device.
func (s *store) ordinal(t tester, epoch string) uint32 {
	t.Helper()
	reports, _ := s.view.Ledger.Report(s.id(t, "t1", "d", "0"), ledger.ReportOptions{GapLimit: 1})
	for i := range reports {
		if reports[i].Epoch.Raw == epoch {
			return reports[i].Epoch.Ordinal
		}
	}
	t.Fatalf("no epoch %q", epoch)
	return 0
}

// check holds the trace of a number against what happened.
func (y *story) check(t *rapid.T, srv *server, l *life, seq uint64) {
	s := srv.store
	ordinal := s.ordinal(t, l.epoch)
	a := srv.trace(t, "d", ordinal, seq)
	fail := func(what string, got, want any) {
		t.Helper()
		t.Fatalf("number %d of epoch %q: %s is %v, the story has %v: %+v", seq, l.epoch, what, got, want, a)
	}
	value, stored := l.stored[seq]
	want := "in_gap"
	switch {
	case stored:
		want = "stored"
	case seq < l.first:
		want = "below_first"
	case seq > l.last:
		want = "beyond_last"
	}
	if a.Result != want || a.Epoch.Raw != l.epoch || a.Ambiguous {
		fail("result", a.Result, want)
	}
	if got, want := a.DeadLetters.Found, l.rejected[seq]; got != want || !a.DeadLetters.Complete {
		fail("dead letters", got, want)
	}
	if got, want := a.Conflicts.Found, l.conflicts[seq]; got != want || !a.Conflicts.Complete {
		fail("conflicts", got, want)
	}
	if stored && (a.Frame == nil || fmt.Sprint(a.Frame.Fields["v"]) != fmt.Sprint(value) || a.Frame.Epoch != ordinal || a.Layer == nil ||
		a.Commit == nil) {
		fail("frame", a.Frame, value)
	}
	if cause := l.cause(seq); a.Gap != nil && (cause == "" && a.Gap.Cause != "" && a.Gap.Cause != "never_arrived" || cause != "" &&
		a.Gap.Cause != cause) {
		fail("cause", a.Gap.Cause, cause)
	}
	if a.Gap != nil && (a.Gap.From > seq || a.Gap.To < seq) {
		fail("gap", a.Gap, seq)
	}
	basis := "last_seen"
	if l.mark == l.last+1 {
		basis = "watermark"
	}
	if a.Tail.Basis != basis || a.Tail.Last == nil || *a.Tail.Last != l.last || *a.Head.First != l.first {
		fail("ends", fmt.Sprint(*a.Head.First, *a.Tail.Last, a.Tail.Basis), fmt.Sprint(l.first, l.last, basis))
	}
	y.checkBeside(t, s, &a, l, seq, fail)
	y.checkElsewhere(&a, l, seq, fail)
	y.checkCompleteness(t, srv, &a, ordinal, fail)
}

// cause is what the first who knew said of a missing number, "" when nobody did.
func (l *life) cause(seq uint64) string {
	switch {
	case l.declared[seq]:
		return "declared_lost"
	case l.refusedFirst[seq]:
		return "rejected.schema"
	}
	return ""
}

func (y *story) checkBeside(t *rapid.T, s *store, a *traceAnswer, l *life, seq uint64, fail func(string, any, any)) {
	before, after := -1, -1
	for n := range l.stored {
		if n < seq {
			before = max(before, int(n))
		}
		if n > seq && (after < 0 || int(n) < after) {
			after = int(n)
		}
	}
	if got := seqOf(a.Before); got != before {
		fail("the number before", got, before)
	}
	if got := seqOf(a.After); got != after {
		fail("the number after", got, after)
	}
}

// checkElsewhere: the same number in the other lives.
func (y *story) checkElsewhere(a *traceAnswer, l *life, seq uint64, fail func(string, any, any)) {
	var want, got []string
	for i := range y.lives {
		if o := &y.lives[i]; o.epoch != l.epoch {
			if _, has := o.stored[seq]; has {
				want = append(want, o.epoch)
			}
		}
	}
	for _, x := range a.Elsewhere.List {
		got = append(got, x.Epoch.Raw)
		if x.Why != ledger.WhySameNumber || x.Time == "" {
			fail("elsewhere", x, "the same number of another life")
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || a.Elsewhere.Total != len(want) {
		fail("elsewhere", got, want)
	}
}

// checkCompleteness: it is what GET /v1/frames says of the one number.
func (y *story) checkCompleteness(t *rapid.T, srv *server, a *traceAnswer, ordinal uint32, fail func(string, any, any)) {
	seq := strconv.FormatUint(a.Seq, 10)
	frames := srv.ok(t, "t1", "/v1/frames", "device", "d", "stream", "0", "epoch", fmt.Sprint(ordinal), "from_seq", seq, "to_seq", seq)
	got, want := *a.Completeness, *frames.Completeness
	got.CompleteThrough, want.CompleteThrough = nil, nil
	if got != want || (a.Frame != nil) != (len(frames.Frames) == 1) {
		fail("completeness", got, want)
	}
}

// TestTraceAgreesWithTheStory: whatever a device does, and wherever its frames lie, the trace of every number says what happened to it.
func TestTraceAgreesWithTheStory(t *testing.T) {
	srv := newServer(t, newStore(ledger.Policy{}), Options{})
	rapid.Check(t, func(t *rapid.T) {
		s := newStore(ledger.Policy{})
		srv.use(s, Options{LockRows: rapid.IntRange(1, 50).Draw(t, "lock rows")})
		y := &story{}
		for i := range rapid.IntRange(1, 3).Draw(t, "lives") {
			y.lives = append(y.lives, life{epoch: string(rune('a' + i)), stored: map[uint64]int64{}, rejected: map[uint64]int{},
				conflicts: map[uint64]int{}, declared: map[uint64]bool{}, refusedFirst: map[uint64]bool{}})
		}
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			y.tell(t, s)
			drawMove(t)(t, s)
		}
		for i := range y.lives {
			if l := &y.lives[i]; l.begun {
				for seq := range uint64(storyNumbers + 2) {
					y.check(t, srv, l, seq)
				}
			}
		}
		if s.opened != 0 {
			t.Fatalf("%d segments were not given back", s.opened)
		}
	})
}
