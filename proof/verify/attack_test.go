package verify_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
	"github.com/gaplessdb/gapless/segment"
)

// stamp is a time in milliseconds as a scope has it.
func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano) }

// TestOldCensus: who has a node's key shows what was true before the loss, under the newest checkpoint, to somebody who kept the one before that.
func TestOldCensus(t *testing.T) {
	w := world.New(t, "plant")
	one := uint64(1)
	w.Send(world.Batch{Device: "d", Epoch: "e", First: &one, Seqs: world.Seqs(1, 10)})
	w.Heartbeat(lifeAt("d", "e", 11))
	w.Cut()
	before := w.Certify(devices("d")) // COMPLETE
	w.Send(world.Batch{Device: "d", Epoch: "e", Seqs: world.Seqs(20, 30)})
	w.Settle()
	w.Cut()
	kept := w.Note
	check := func(what string, since certificate.Request, last int64) {
		t.Helper()
		honest := w.Certify(since)
		in := input(w, honest)
		in.Since = [][]byte{kept}
		want(t, what+": the truth", run(t, in), verify.CodeIncomplete)
		old := *before
		old.Proof.Consistency = honest.Proof.Consistency
		w.Reprove(&old, 0, 1, last)
		w.Issue(&old, "n1")
		in = input(w, &old)
		in.Since = [][]byte{kept}
		got := run(t, in)
		want(t, what+": the old census", got, verify.CodeTampered)
		if text := got.Checks[len(got.Checks)-1].Text; !strings.Contains(text, "a newer census is in the log: it is record 3") {
			t.Errorf("%s: %s", what, text)
		}
	}
	since := devices("d")
	since.Since = []int64{4}
	check("the newest is the last record", since, 3)
	check("a KEY is behind it", since, w.RotateInLog("n3"))
	w.Uncounted = true
	w.Send(world.Batch{Device: "d", Epoch: "e", Seqs: world.Seqs(31, 40)})
	w.Cut()
	check("a SEAL without a census is behind it", since, 5)
}

// late is a forger's reading of the times: those of numbers above 2 are an hour later.
type late struct {
	*world.World
	begin int64
}

func (l late) Moments(key frame.StreamKey, e *census.Epoch, fn func(certificate.Moment) error) error {
	for i, seq := range []uint64{1, 2, 3, 5} {
		m := certificate.Moment{Seq: seq, NS: (l.begin + 10*int64(i)) * 1_000_000}
		if seq > 2 {
			m.NS += time.Hour.Nanoseconds()
		}
		if err := fn(m); err != nil {
			return err
		}
	}
	return nil
}

// TestHostileTimes: a segment from anywhere, sound and under its proper name, tells other times of the frames in scope. It is not asked.
func TestHostileTimes(t *testing.T) {
	for what, hostile := range map[string]func(row *segment.Record, late int64) bool{
		"rows of a later ordinal": func(row *segment.Record, late int64) bool {
			if row.Seq > 2 {
				row.Seal, row.TimeNS = 999, row.TimeNS+late
			}
			return row.Seq != 2
		},
		"rows of an ordinal that is not shown": func(row *segment.Record, late int64) bool {
			if row.Seq > 2 {
				row.Seal, row.TimeNS = 2, row.TimeNS+late
			}
			return row.Seq != 2
		},
	} {
		t.Run(what, func(t *testing.T) {
			w := world.New(t, "plant")
			one, begin := uint64(1), w.MS
			w.Send(world.Batch{Device: "d", Epoch: "e", First: &one, Seqs: []uint64{1, 2, 3, 5}})
			w.Settle()
			w.Cut()
			w.Send(world.Batch{Device: "other", Seqs: []uint64{1}})
			w.Cut()
			req := devices("d")
			req.Scope.Time = []string{stamp(begin - 1000), stamp(begin + 10_000)}
			honest := w.Certify(req)
			want(t, "before", run(t, input(w, honest)), verify.CodeIncomplete)
			w.Hostile(segmentOf(w, "d", 1), func(row *segment.Record, try int) bool { return hostile(row, time.Hour.Nanoseconds()+int64(try)) })
			want(t, "beside the hostile segment", run(t, input(w, honest)), verify.CodeIncomplete)
			lie, err := certificate.Build(t.Context(), late{w, begin}, req)
			if err != nil {
				t.Fatal(err)
			}
			if got := lie.Streams[0].Epochs[0].Seq; fmt.Sprint(got) != "[1 2]" || lie.Verdict == "INCOMPLETE" {
				t.Fatalf("the forger says %v, %s", got, lie.Verdict)
			}
			want(t, "the forger's numbers", run(t, input(w, lie)), verify.CodeTampered)
		})
	}
}

// TestTwoTimes: one frame, two times, both in ordinals that are shown.
func TestTwoTimes(t *testing.T) {
	w := world.New(t, "plant")
	w.Send(world.Batch{Device: "d", Seqs: world.Seqs(1, 5)})
	w.Cut()
	req := devices("d")
	req.Scope.Time = []string{stamp(0), stamp(w.MS)}
	in := input(w, w.Certify(req))
	w.Hostile(segmentOf(w, "d", 1), func(row *segment.Record, try int) bool {
		row.TimeNS += int64(try) + 1
		return true
	})
	want(t, "two times", run(t, in), verify.CodeTampered)
}

// TestMomentsConflict: whoever reads times, the issuer, too, takes no part in it when two segments disagree.
func TestMomentsConflict(t *testing.T) {
	for what, tt := range map[string]struct {
		noTime bool
		edit   func(row *segment.Record)
		differ bool
	}{
		"the same":                       {false, func(*segment.Record) {}, false},
		"another time":                   {false, func(row *segment.Record) { row.TimeNS++ }, true},
		"no time":                        {false, func(row *segment.Record) { row.Flags |= segment.FlagNoTime }, true},
		"received at another time, both": {true, func(row *segment.Record) { row.TimeNS++ }, false},
	} {
		w := world.New(t, "plant")
		w.Send(world.Batch{Device: "d", NoTime: tt.noTime, Seqs: world.Seqs(1, 5)})
		w.Cut()
		w.Hostile(segmentOf(w, "d", 1), func(row *segment.Record, try int) bool {
			tt.edit(row)
			row.ReceiveMS += int64(try) // for another name
			return true
		})
		key := frame.StreamKey{Tenant: "default", Device: "d", Stream: "0"}
		seen := 0
		moments, err := certificate.NewMoments(t.Context(), w.Readers())
		if err != nil {
			t.Fatal(err)
		}
		epoch := census.Epoch{Ordinal: 1, Runs: []ledger.Run{{First: 1, Last: 5}}}
		err = moments.Of(key, &epoch, func(certificate.Moment) error { seen++; return nil })
		var conflict *segment.ConflictError
		if errors.As(err, &conflict) != tt.differ || !tt.differ && (err != nil || seen != map[bool]int{false: 5}[tt.noTime]) {
			t.Errorf("%s: %d moments, %v", what, seen, err)
		}
	}
}

// TestMoment: a certificate speaks of the moment of the cut, however late the nodes agreed on it.
func TestMoment(t *testing.T) {
	w := world.New(t, "plant")
	one, begin := uint64(1), w.MS
	w.Send(world.Batch{Device: "d", Epoch: "e", First: &one, Seqs: world.Seqs(1, 10)})
	w.Settle()
	w.DelayMS = 3 * time.Hour.Milliseconds()
	w.Cut()
	c := w.Certify(devices("d"))
	if c.AsOf.Time != "2026-09-21T14:13:30.100Z" || c.AsOf.Time != stampOf(w.MS) {
		t.Errorf("as of %s, the cut was at %s", c.AsOf.Time, stampOf(w.MS))
	}
	in := input(w, c)
	in.Frame = "d/1/5"
	if got := run(t, in); got.Frame == nil || got.Frame.Time != c.AsOf.Time {
		t.Errorf("a frame was sealed at %+v", got.Frame)
	}
	req := devices("d")
	req.Scope.Time = []string{stamp(begin - 1), c.AsOf.Time}
	good := w.Certify(req)
	want(t, "a time that ends with it", run(t, input(w, good)), verify.CodeCompleteBetweenSeen)
	good.Scope.Time[1] = stamp(w.MS + 1)
	w.Issue(good, "n1")
	want(t, "a time that ends a millisecond behind it", run(t, input(w, good)), verify.CodeTampered)
	c.AsOf.Time = stampOf(w.MS + w.DelayMS)
	w.Issue(c, "n1")
	want(t, "as of when they agreed", run(t, input(w, c)), verify.CodeTampered)
}

// stampOf is a time in milliseconds as records have it.
func stampOf(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

// TestNumbersOfAnOrdinal: what an ordinal that is shown has beside the numbers in scope is nobody's business, and nothing can be hidden there.
func TestNumbersOfAnOrdinal(t *testing.T) {
	w := plant(t)
	req := devices("late", "waits")
	req.Scope.Seq = []uint64{77, 77} // of late in ordinal 3, where waits has 1 to 30
	in := input(w, w.Certify(req))
	want(t, "beside other frames of the ordinal", run(t, in), verify.CodeCompleteBetweenSeen)
	if n := len(w.Certify(req).Proof.Seals[0].Ranges[0].Leaves); n != 1 {
		t.Errorf("%d strips are shown", n)
	}
	rewrite(w, "waits", 5, value)
	want(t, "which were changed", run(t, in), verify.CodeCompleteBetweenSeen)
	rewrite(w, "waits", 5, func(rows []segment.Record) []segment.Record {
		last := rows[len(rows)-1]
		last.Seq, last.Ordinal = 77, 9999
		return append(rows, last)
	})
	want(t, "with a number in scope", run(t, in), verify.CodeTampered)
}

// TestWordOfOne: without segments, the numbers in a time are one node's word, and the answer says whose.
func TestWordOfOne(t *testing.T) {
	w := plant(t)
	req := devices("late")
	req.Scope.Time = []string{stamp(0), stampOf(w.MS)}
	w.Heartbeat(lifeAt("late", "b", 91)) // the device's last word on that time
	w.Cut()
	in := input(w, w.Certify(req))
	if got := run(t, in); got.WordOf != "" || got.Code != verify.CodeComplete {
		t.Errorf("with segments: %+v", got)
	}
	in.Files = nil
	got := run(t, in)
	if got.WordOf != "n1" || got.Code != verify.CodeComplete || !notChecked(got, "time", "the word of the issuing node alone") {
		t.Errorf("without: %+v", got)
	}
	in.Certificate = w.Encode(w.Certify(devices("late")))
	if got := run(t, in); got.WordOf != "" {
		t.Errorf("without a time: %+v", got)
	}
}

func notChecked(r verify.Report, name, text string) bool {
	return slices.ContainsFunc(r.CannotCheck, func(l verify.Line) bool { return l.Name == name && strings.Contains(l.Text, text) })
}

// TestNotChecked looks for the lines about what this input could not show.
func TestNotChecked(t *testing.T) {
	w := plant(t)
	policy := strings.Replace(string(w.Policy()), "quorum nodes", "quorum none", 1)
	all := func(k leaves.Key) bool { return true }
	if n := len(w.Show(1, all).Ranges); n != 1 {
		t.Fatalf("%d ranges of all leaves", n)
	}
	for what, tt := range map[string]struct {
		req        certificate.Request
		edit       func(in *verify.Input)
		name, text string
		there      bool
	}{
		"a policy that asks for nobody": {devices("late"), func(in *verify.Input) { in.Policy = []byte(policy) }, "cosignatures", "quorum none", true},
		"one that asks for somebody":    {devices("late"), func(*verify.Input) {}, "cosignatures", "", false},
		"no files":                      {devices("late"), func(*verify.Input) {}, "frames", "no segments were given", true},
		"a bundle without files":        {devices("late"), func(in *verify.Input) { in.Bundled = true }, "frames", "the certificate lists 3 segments, the bundle has none", true},
		"counts only":                   {counts("late"), func(*verify.Input) {}, "frames", "this certificate has counts only", true},
		"counts only, of later":         {counts("late"), func(*verify.Input) {}, "frames", "can be checked later", false},
	} {
		in := input(w, w.Certify(tt.req))
		in.Files = nil
		tt.edit(&in)
		got := run(t, in)
		want(t, what, got, verify.CodeComplete)
		if notChecked(got, tt.name, tt.text) != tt.there {
			t.Errorf("%s: %+v", what, got.CannotCheck)
		}
	}
}
