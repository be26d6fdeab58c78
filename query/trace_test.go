package query

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// traceAnswer is what tests read of a trace.
type traceAnswer struct {
	Device, Stream, Result, Numbering string
	Seq                               uint64
	Epoch                             ledger.EpochInfo
	Head                              ledger.Head
	Tail                              ledger.Tail
	Said                              []ledger.Said
	Frame                             *answerFrame
	Commit                            *struct {
		History, Index, Ordinal uint64
		AppliedIndex            uint64 `json:"applied_index"`
	}
	Layer *traceLayer
	Seal  *struct {
		Ordinal *uint32
		Proof   json.RawMessage
		Error   *traceUnproven
	}
	Unverified    uint32
	Gap           *ledger.GapReport
	Claim         *ledger.Claim
	Before, After *traceBeside
	Ambiguous     bool
	Elsewhere     struct {
		Total int
		List  []traceElsewhere
	}
	DeadLetters  traceEvidence `json:"dead_letters"`
	Conflicts    traceEvidence
	AsOf         []answerAsOf `json:"as_of"`
	Completeness *answerCompleteness
	Stats        answerStats
}

type traceUnproven struct{ Code, Message, Hint string }

type traceLayer struct {
	Kind, Segment string
	FirstIndex    uint64 `json:"first_index"`
	LastIndex     uint64 `json:"last_index"`
	Block, Blocks int
	Offset, Bytes int64
	FirstSeq      uint64 `json:"first_seq"`
	LastSeq       uint64 `json:"last_seq"`
}

type traceBeside struct {
	Seq                      uint64
	Time, Received, Position string
	Flags                    []string
}

type traceElsewhere struct {
	traceBeside
	Epoch  ledger.EpochInfo
	Why    string
	Stored bool
	Wraps  []uint64
}

type traceEvidence struct {
	Device          string
	Found, Searched int
	Complete        bool
	Unsearched      [][2]uint64
	Limits          []string
	List            []traceLetter
}

type traceLetter struct {
	traceBeside
	Cause, Code string
	Size        int
	RawBytes    int `json:"raw_bytes"`
	Raw         []byte
}

// trace asks for a number, which must be answered.
func (s *server) trace(t tester, device string, epoch, seq any, pairs ...string) (a traceAnswer) {
	t.Helper()
	status, body := s.get("t1", fmt.Sprintf("/v1/trace/%s/%v/%v", device, epoch, seq), pairs...)
	if status != http.StatusOK {
		t.Fatalf("trace %s/%v/%v %v: %d %s", device, epoch, seq, pairs, status, body)
	}
	d := json.NewDecoder(strings.NewReader(body))
	if err := d.Decode(&a); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return a
}

// refuse stores what a door refused, as apply does: it explains the number, and a frame of _dlq keeps it.
func (s *store) refuse(t tester, device, stream, epoch string, seq uint64, cause frame.Cause, raw string) {
	t.Helper()
	var ordinal uint32
	var n uint64
	var ok bool
	s.change(func(l *ledger.Ledger) {
		id, err := l.Intern(frame.StreamKey{Tenant: "t1", Device: device, Stream: stream})
		if err != nil {
			t.Fatal(err)
		}
		ordinal, n, ok = l.Reject(&frame.Group{Stream: id, Epoch: epoch, Bits: 64}, seq, s.commitMS, s.commitMS, cause)
	})
	if ok {
		s.keep(t, deviceDeadLetter, device, stream, ordinal, n, raw, frame.Field{Name: "cause", Value: frame.String(cause.String())},
			frame.Field{Name: "code", Value: frame.String("unknown_key")})
	}
}

// keep stores a frame of a recorder.
func (s *store) keep(t tester, recorder, device, stream string, ordinal uint32, seq uint64, raw string, more ...frame.Field) {
	t.Helper()
	s.put(t, sent{tenant: "t1", device: recorder, stream: "0", group: frame.Group{Unseq: true}, Frame: frame.Frame{
		TimeNS: s.commitMS * ms, Raw: []byte(raw), Fields: append([]frame.Field{
			{Name: "device", Value: frame.String(device)}, {Name: "epoch", Value: frame.Int(int64(ordinal))},
			{Name: "seq", Value: frame.Int(int64(seq))}, {Name: "stream", Value: frame.String(stream)},
		}, more...),
	}})
}

// conflict stores the second frame of a number, as apply does: the first one stays.
func (s *store) conflict(t tester, f sent) {
	t.Helper()
	s.put(t, f)
	s.keep(t, deviceConflict, f.device, f.stream, 1, f.seq, "the other one", frame.Field{Name: "size", Value: frame.Int(13)})
}

// TestTraceOfAStoredNumber follows one frame through head, sealed head and segment.
func TestTraceOfAStoredNumber(t *testing.T) {
	s := scenario(t)
	srv := newServer(t, s, Options{})
	look := func(layer string) traceAnswer {
		t.Helper()
		a := srv.trace(t, "mill-07", 1, 5)
		f := a.Frame
		if a.Result != "stored" || f == nil || f.Seq != 5 || fmt.Sprint(f.Fields["rpm"]) != "5.5" || a.Gap != nil || a.Layer.Kind != layer {
			t.Fatalf("in the %s: %+v, frame %+v, layer %+v", layer, a, f, a.Layer)
		}
		if *a.Commit != (struct {
			History, Index, Ordinal uint64
			AppliedIndex            uint64 `json:"applied_index"`
		}{1, 1, 3, a.AsOf[0].Index}) {
			t.Errorf("in the %s: %+v", layer, a.Commit)
		}
		if a.Before.Seq != 4 || a.After.Seq != 6 || a.Before.Flags[0] != "late" || a.After.Time != "2026-11-21T10:00:06Z" || a.After.Position == "" {
			t.Errorf("in the %s: beside it %+v and %+v", layer, a.Before, a.After)
		}
		if c := a.Completeness; c.Verdict != "COMPLETE" || c.Expected != 1 || c.Stored != 1 || *c.CompleteThrough.Seq != 5 {
			t.Errorf("in the %s: %+v", layer, c)
		}
		return a
	}
	if a := look("head"); a.Seal.Ordinal != nil || string(a.Seal.Proof) != "null" {
		t.Errorf("a frame in the head is sealed: %+v", a.Seal)
	}
	s.seal()
	look("sealed_head")
	s.flush(t)
	a := look("segment")
	info := s.view.Manifest.Segments()[0]
	if l := a.Layer; l.Segment != info.Name.String() || l.FirstIndex != info.FirstIndex || l.LastIndex != info.LastIndex || l.Block != 1 ||
		l.Blocks != 1 ||
		l.FirstSeq != 0 || l.LastSeq != 10 || l.Bytes == 0 {
		t.Errorf("%+v, the segment is %+v", l, info)
	}
	if *a.Seal.Ordinal != 1 || string(a.Seal.Proof) != "null" {
		t.Errorf("before the first seal: %+v", a.Seal)
	}
	if s.opened != 0 {
		t.Errorf("%d segments were not given back", s.opened)
	}
}

// TestTraceOfAnAbsentNumber has a number of each kind that is not there.
func TestTraceOfAnAbsentNumber(t *testing.T) {
	s := scenario(t)
	s.change(func(l *ledger.Ledger) {
		l.Reject(&frame.Group{Stream: s.id(t, "t1", "mill-07", "0"), Epoch: "17", Bits: 64}, 15, s.commitMS, s.commitMS, frame.CauseRejectedCRC)
		beat := ledger.Heartbeat{Subject: ledger.Subject{Key: frame.StreamKey{Tenant: "t1", Device: "quiet", Stream: "0"}}, Next: 7}
		if _, err := l.Heartbeat(s.commitMS, &beat); err != nil {
			t.Fatal(err)
		}
	})
	srv := newServer(t, s, Options{})
	for range 3 { // in the head, sealed, in a segment
		for _, c := range []struct {
			device, stream string
			seq            uint64
			result, gap    string // id, state, cause, confidence, reason
			before, after  int    // -1: none
			verdict        string
		}{
			{"mill-07", "0", 3, "in_gap", "g-1-3 FINAL never_arrived inferred ", 2, 4, "INCOMPLETE"},
			{"mill-07", "0", 7, "in_gap", "g-1-7 FINAL declared_lost exact ring overflow", 6, 10, "EXPLAINED"},
			{"mill-07", "0", 8, "in_gap", "g-1-7 FINAL declared_lost exact ring overflow", 6, 10, "EXPLAINED"},
			{"mill-07", "0", 9, "in_gap", "g-1-9 FINAL rejected.schema exact ", 6, 10, "EXPLAINED"},
			{"mill-07", "0", 12, "in_gap", "g-1-11 OPEN   ", 10, -1, "INCOMPLETE"},
			{"mill-07", "0", 13, "beyond_last", "", 10, -1, "INDETERMINATE"},
			{"mill-07", "0", 15, "beyond_last", "", 10, -1, "INDETERMINATE"},
			{"hall%2F3%20%3C%C3%BC%3E", "main", 5, "below_first", "", -1, 1 << 53, "INDETERMINATE"},
			{"quiet", "0", 0, "nothing_expected", "", -1, -1, "INDETERMINATE"},
			{"quiet", "0", 9, "nothing_expected", "", -1, -1, "INDETERMINATE"},
			{"scale", "0", 2, "beyond_last", "", 1, -1, "INDETERMINATE"},
		} {
			a, gap := srv.trace(t, c.device, 1, c.seq, "stream", c.stream), ""
			if g := a.Gap; g != nil {
				gap = strings.Join([]string{g.ID, string(g.State), g.Cause, g.Confidence, g.Reason}, " ")
				if g.From > c.seq || g.To < c.seq || (g.Since != "") != (g.State == ledger.StateOpen) {
					t.Errorf("%s %d is in a gap from %d to %d since %q", c.device, c.seq, g.From, g.To, g.Since)
				}
			}
			if a.Result != c.result || gap != c.gap || seqOf(a.Before) != c.before || seqOf(a.After) != c.after || a.Frame != nil ||
				a.Commit != nil || a.Layer != nil {
				t.Errorf("%s %d: %s, gap %q, beside it %d and %d: %+v", c.device, c.seq, a.Result, gap, seqOf(a.Before), seqOf(a.After), a)
			}
			if a.Completeness.Verdict != c.verdict || a.Completeness.Stored != 0 {
				t.Errorf("%s %d: %+v", c.device, c.seq, a.Completeness)
			}
			if got, want := a.Claim != nil, c.seq == 15; got != want || want && (a.Claim.Cause != "rejected.crc" ||
				a.Claim.Confidence != "header_unprotected") {
				t.Errorf("%s %d: claim %+v", c.device, c.seq, a.Claim)
			}
		}
		if len(s.view.Sealed) == 0 {
			s.seal()
		} else {
			s.flush(t)
		}
	}
	a := srv.trace(t, "mill-07", 1, 13)
	if a.Tail.Basis != "watermark" || *a.Tail.Last != 12 || a.Head.Basis != "declared" || len(a.Said) != 2 || *a.Said[1].Next != 13 ||
		a.Said[1].At != "2026-11-21T10:00:10.000Z" {
		t.Errorf("how the ends are known: %+v %+v %+v", a.Head, a.Tail, a.Said)
	}
	if g := srv.trace(t, "mill-07", 1, 9).Gap; g.Between == nil || *g.Between != [2]string{"2026-11-21T10:00:06Z", "2026-11-21T10:00:10Z"} {
		t.Errorf("between %v", g.Between)
	}
	if a := srv.trace(t, "scale", 1, 2); a.Numbering != "server" {
		t.Errorf("the numbers of a source without numbers: %s", a.Numbering)
	}
}

func seqOf(b *traceBeside) int {
	if b == nil {
		return -1
	}
	return int(b.Seq)
}

// TestTraceElsewhere: the same number in other epochs, and the current epoch.
func TestTraceElsewhere(t *testing.T) {
	s := newStore(ledger.Policy{})
	for i, epoch := range []string{"a", "b", "c"} {
		for _, seq := range []uint64{0, uint64(i) + 1, 9} {
			s.put(t, sent{tenant: "t1", device: "d", stream: "0", epoch: epoch, seq: seq, Frame: frame.Frame{TimeNS: startMS*ms + int64(i)*second}})
		}
		if i == 0 {
			s.seal()
			s.flush(t)
		}
	}
	srv := newServer(t, s, Options{MaxTraceEvidence: 1})
	a := srv.trace(t, "d", "current", 1)
	if a.Epoch.Ordinal != 3 || a.Epoch.Raw != "c" || a.Result != "in_gap" || a.Elsewhere.Total != 1 || len(a.Elsewhere.List) != 1 || a.Ambiguous {
		t.Fatalf("%+v", a)
	}
	if x := a.Elsewhere.List[0]; x.Epoch.Raw != "a" || x.Why != ledger.WhySameNumber || !x.Stored || x.Seq != 1 ||
		x.Time != "2026-11-21T10:00:00Z" || x.Position == "" {
		t.Errorf("%+v", x)
	}
	if a := srv.trace(t, "d", 1, 9); a.Elsewhere.Total != 2 || len(a.Elsewhere.List) != 1 || a.Elsewhere.List[0].Epoch.Raw != "c" ||
		a.Elsewhere.List[0].Time == "" {
		t.Errorf("more than are listed: %+v", a.Elsewhere)
	}
}

// TestTraceAmbiguous: behind a silence in which a narrow counter wrapped an unknown number of times, a number may be in the next epoch.
func TestTraceAmbiguous(t *testing.T) {
	s := newStore(ledger.Policy{})
	at := func(n uint64, seconds int64) {
		s.put(t, sent{tenant: "t1", device: "d", stream: "0", seq: n & 255, group: frame.Group{Bits: 8},
			Frame: frame.Frame{TimeNS: startMS*ms + seconds*second}})
		s.commitMS = max(s.commitMS, startMS+seconds*1000)
	}
	for n := range uint64(100) {
		at(n, int64(n)*int64(n%7+1)) // at no steady rate
	}
	at(120, 1_000_000)
	srv := newServer(t, s, Options{})
	a := srv.trace(t, "d", 1, 110)
	if a.Result != "beyond_last" || !a.Ambiguous || len(a.Elsewhere.List) != 1 || a.Elsewhere.List[0].Why != ledger.WhyAmbiguous ||
		len(a.Elsewhere.List[0].Wraps) != 2 {
		t.Errorf("%+v", a)
	}
	if a := srv.trace(t, "d", 1, 50); a.Ambiguous || a.Elsewhere.Total != 0 {
		t.Errorf("a number that is certain: %+v", a)
	}
	if a := srv.trace(t, "d", "current", 1); a.Epoch.Ordinal != 1 {
		t.Errorf("an epoch in probation is current: %+v", a.Epoch)
	}
}
