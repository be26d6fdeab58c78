package query

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// plain is a frame whose time follows its number.
func plain(device string, seq uint64, value int64) sent {
	return sent{tenant: "t1", device: device, stream: "0", epoch: "e", seq: seq, Frame: frame.Frame{
		TimeNS: startMS*ms + int64(seq)*second, Fields: []frame.Field{{Name: "v", Value: frame.Int(value)}},
	}}
}

// TestTraceEvidence finds what recorders have about exactly this number, wherever it lies, and nothing about others.
func TestTraceEvidence(t *testing.T) {
	s := newStore(ledger.Policy{})
	s.put(t, plain("d", 0, 1), plain("d", 1, 1), plain("d", 5, 1))
	s.refuse(t, "d", "0", "e", 3, frame.CauseRejectedSchema, `{"colour":1}`)
	s.refuse(t, "d", "0", "e", 4, frame.CauseRejectedOversize, "")
	s.seal()
	s.flush(t)
	s.put(t, plain("d2", 0, 1), plain("d2", 5, 1))
	s.refuse(t, "d2", "0", "e", 3, frame.CauseRejectedSchema, "of another device")
	s.conflict(t, plain("d", 1, 2))
	s.seal()
	s.commitMS += 3600_000
	s.refuse(t, "d", "0", "e", 3, frame.CauseRejectedSchema, strings.Repeat("x", 5000))
	s.put(t, sent{tenant: "t1", device: "d", stream: "b", epoch: "e", seq: 0, Frame: frame.Frame{TimeNS: 1}})
	s.refuse(t, "d", "b", "e", 3, frame.CauseRejectedSchema, "of another stream")
	s.conflict(t, plain("d", 1, 3))
	srv := newServer(t, s, Options{LockRows: 2})

	a := srv.trace(t, "d", 1, 3)
	if a.Result != "in_gap" || a.Gap.Cause != "rejected.schema" || a.DeadLetters.Found != 2 || a.Conflicts.Found != 0 ||
		!a.DeadLetters.Complete || !a.Conflicts.Complete {
		t.Fatalf("%+v", a)
	}
	if e := a.DeadLetters; e.Device != "_dlq" || e.Searched != 5 || e.Limits != nil || e.Unsearched != nil {
		t.Errorf("searched: %+v", e)
	}
	old, late := a.DeadLetters.List[0], a.DeadLetters.List[1] // that around the time of the number comes first
	if old.Seq != 1 || old.Cause != "rejected.schema" || old.Code != "unknown_key" || string(old.Raw) != `{"colour":1}` || old.RawBytes != 12 ||
		old.Position == "" {
		t.Errorf("%+v", old)
	}
	if late.Seq != 4 || len(late.Raw) != 4096 || late.RawBytes != 5000 || late.Received != "2026-11-21T11:00:00Z" {
		t.Errorf("%+v", late)
	}
	a = srv.trace(t, "d", 1, 1)
	if a.Result != "stored" || a.Conflicts.Found != 2 || a.DeadLetters.Found != 0 || a.Conflicts.Device != "_conflict" {
		t.Fatalf("%+v", a)
	}
	if c := a.Conflicts.List; c[0].Size != 13 || string(c[0].Raw) != "the other one" || c[0].Seq == c[1].Seq {
		t.Errorf("%+v", c)
	}
	if a := srv.trace(t, "d", 1, 2); a.Gap.Cause != "" || a.DeadLetters.Found+a.Conflicts.Found != 0 {
		t.Errorf("a number that nobody has anything about: %+v", a)
	}
	if a := srv.trace(t, "d", 1, 3, "stream", "b"); a.DeadLetters.Found != 1 || string(a.DeadLetters.List[0].Raw) != "of another stream" {
		t.Errorf("%+v", a.DeadLetters)
	}
}

// crowded has many dead letters: an hour of them before and after those that are about number 50 of the device d.
func crowded(t *testing.T) *store {
	s := newStore(ledger.Policy{})
	hour := func(from, to uint64) {
		for seq := from; seq < to; seq++ {
			s.commitMS += 3600_000 / 100
			s.keep(t, deviceDeadLetter, "noise", "0", 1, seq, "")
			if seq%40 == 0 {
				s.seal()
				s.flush(t)
			}
		}
	}
	hour(1, 100)
	at := func(seq uint64) sent {
		f := plain("d", seq, 0)
		f.TimeNS = s.commitMS * ms
		return f
	}
	s.put(t, at(49))
	s.put(t, at(51))
	for range 3 {
		s.refuse(t, "d", "0", "e", 50, frame.CauseRejectedSchema, "this one")
		s.seal()
		s.flush(t)
	}
	hour(100, 200)
	return s
}

// TestTraceTimes: a search begins where the number can have been on its way: made after the one before it was made, and received until the one
// after was.
func TestTraceTimes(t *testing.T) {
	row := func(made, received int64, flags segment.Flags) traced {
		return traced{found: true, rec: segment.Record{Row: segment.Row{TimeNS: made * second, ReceiveMS: received * 1000, Flags: flags}}}
	}
	const minute = 60
	for _, c := range []struct {
		what               string
		row, before, after traced
		from, to           int64 // seconds; 0: without an end
	}{
		{"nothing is stored", traced{}, traced{}, traced{}, 0, 0},
		{"the one before came late", traced{}, row(1000, 9000, 0), traced{}, 1000 - minute, 0},
		{"the clock of the one before ran ahead", traced{}, row(9000, 1000, 0), traced{}, 1000 - minute, 0},
		{"the clock of the one before means nothing", traced{}, row(5, 1000, segment.FlagSkew), traced{}, 1000 - minute, 0},
		{"the one after came late", traced{}, row(1000, 1000, 0), row(2000, 9000, 0), 1000 - minute, 9000 + minute},
		{"it is stored", row(1500, 1600, 0), row(1000, 1000, 0), row(9000, 9000, 0), 1500 - minute, 1600 + minute},
		{"at the ends of time", traced{}, row(math.MinInt64/second, 0, 0), row(math.MaxInt64/second, math.MaxInt64/1000, 0),
			math.MinInt64 / second, math.MaxInt64 / second},
	} {
		p := tracePage{row: c.row, before: c.before, after: c.after}
		from, to := p.times()
		wantFrom, wantTo := c.from*second, c.to*second
		if c.from == 0 || c.from == math.MinInt64/second {
			wantFrom = math.MinInt64
		}
		if c.to == 0 || c.to == math.MaxInt64/second {
			wantTo = math.MaxInt64
		}
		if from != wantFrom || to != wantTo {
			t.Errorf("%s: %d to %d, want %d to %d", c.what, from, to, wantFrom, wantTo)
		}
	}
}

// TestTraceLimits: what a limit keeps a search from is named, and what is around the time of the number is found all the same.
func TestTraceLimits(t *testing.T) {
	s := crowded(t)
	for _, c := range []struct {
		opt        Options
		found      int
		listed     int
		searched   int
		limits     []string
		unsearched int // frames
	}{
		{Options{}, 3, 3, 202, nil, 0},
		{Options{MaxTraceFrames: 202}, 3, 3, 202, nil, 0},
		{Options{MaxTraceFrames: 201}, 3, 3, 201, []string{"query.max_trace_frames"}, 1},
		{Options{MaxTraceFrames: 10}, 3, 3, 10, []string{"query.max_trace_frames"}, 192},
		{Options{MaxTraceFrames: 2}, 1, 1, 2, []string{"query.max_trace_frames"}, 200},
		{Options{MaxTraceEvidence: 2}, 3, 2, 202, []string{"query.max_trace_evidence"}, 0},
		{Options{MaxTraceFrames: 10, MaxTraceEvidence: 1, LockRows: 1}, 3, 1, 10, []string{"query.max_trace_frames", "query.max_trace_evidence"}, 192},
	} {
		a := newServer(t, s, c.opt).trace(t, "d", 1, 50)
		e, left := a.DeadLetters, uint64(0)
		for _, run := range e.Unsearched {
			left += run[1] - run[0] + 1
		}
		if !slices.IsSortedFunc(e.List, func(a, b traceLetter) int { return int(b.Seq) - int(a.Seq) }) {
			t.Errorf("%+v: not the newest first: %+v", c, e.List)
		}
		if e.Found != c.found || len(e.List) != c.listed || e.Searched != c.searched || !slices.Equal(e.Limits, c.limits) || int(left) != c.unsearched ||
			e.Complete != (c.unsearched == 0) {
			t.Errorf("%+v: %+v", c, e)
		}
	}
}

// TestTraceReadLimit: a search ends where a question may read no more, and the answer is given all the same.
func TestTraceReadLimit(t *testing.T) {
	s := crowded(t)
	s.seal()
	s.flush(t)
	whole := newServer(t, s, Options{}).trace(t, "d", 1, 50)
	cut := 0
	for blocks := whole.Stats.Blocks - 1; blocks > 3; blocks-- {
		srv := newServer(t, s, Options{MaxReadBlocks: blocks})
		status, body := srv.get("t1", "/v1/trace/d/1/50")
		if status != http.StatusOK {
			if !strings.Contains(body, "query.max_read_blocks") {
				t.Errorf("%d blocks: %d %s", blocks, status, body)
			}
			continue
		}
		if a := srv.trace(t, "d", 1, 50); !slices.Equal(a.DeadLetters.Limits, []string{"query.max_read_blocks"}) || a.Result != "in_gap" {
			t.Errorf("%d blocks: %+v", blocks, a.DeadLetters)
		} else if e := a.DeadLetters; !e.Complete {
			cut++
		} else if e.Searched != whole.DeadLetters.Searched || e.Found != 3 {
			t.Errorf("%d blocks: %+v is called complete", blocks, e)
		}
	}
	if cut == 0 {
		t.Error("no search was cut")
	}
}

// TestTraceIsOfOneState: what comes while it is answered is not in it.
func TestTraceIsOfOneState(t *testing.T) {
	s := newStore(ledger.Policy{})
	s.put(t, plain("d", 0, 1), plain("d", 2, 1))
	s.refuse(t, "d", "0", "e", 1, frame.CauseRejectedSchema, "before")
	srv := newServer(t, s, Options{})
	moved := false
	s.between = func() {
		if !moved {
			moved = true
			s.refuse(t, "d", "0", "e", 1, frame.CauseRejectedSchema, "while")
			s.put(t, plain("d", 1, 1))
			s.seal()
			s.flush(t)
		}
	}
	a := srv.trace(t, "d", 1, 1)
	if a.Result != "in_gap" || a.DeadLetters.Found != 1 || string(a.DeadLetters.List[0].Raw) != "before" || a.DeadLetters.Searched != 1 ||
		a.AsOf[0].Index != 3 {
		t.Errorf("%+v", a)
	}
	if a := srv.trace(t, "d", 1, 1); a.Result != "stored" || a.DeadLetters.Found != 2 {
		t.Errorf("asked again: %+v", a)
	}
	restored := false
	s.between = func() {
		if !restored {
			restored = true
			s.change(func(*ledger.Ledger) { s.view.AsOf.History++ })
		}
	}
	if status, body := srv.get("t1", "/v1/trace/d/1/1"); status != http.StatusConflict || !strings.Contains(body, "cursor_expired") {
		t.Errorf("a restore in the middle: %d %s", status, body)
	}
}

// TestTraceRefuses what is not right, and what nothing is known of.
func TestTraceRefuses(t *testing.T) {
	s := scenario(t)
	s.register(t, "t1", `{"device":"never"}`)
	s.change(func(l *ledger.Ledger) {
		if _, err := l.Intern(frame.StreamKey{Tenant: "t1", Device: "only-refused", Stream: "0"}); err != nil {
			t.Error(err)
		}
	})
	srv := newServer(t, s, Options{})
	for _, c := range []struct {
		tenant, path, query, code string
		status                    int
	}{
		{"t1", "mill-07/0/1", "", "bad_parameter", 400},
		{"t1", "mill-07/x/1", "", "bad_parameter", 400},
		{"t1", "mill-07/-1/1", "", "bad_parameter", 400},
		{"t1", "mill-07/4294967296/1", "", "bad_parameter", 400},
		{"t1", "mill-07/1/x", "", "bad_parameter", 400},
		{"t1", "mill-07/1/-1", "", "bad_parameter", 400},
		{"t1", "mill-07/1/9223372036854775808", "", "bad_parameter", 400},
		{"t1", "mill-07/1/1", "stream=", "bad_parameter", 400},
		{"t1", "mill-07/1/1", "consistency=perhaps", "bad_parameter", 400},
		{"t1", "mill-07/1/1", "epoch=1", "unknown_parameter", 400},
		{"t1", "nobody/1/1", "", "unknown_device", 404},
		{"t1", "never/1/1", "", "unknown_stream", 404},
		{"t1", "mill-07/1/1", "stream=b", "unknown_stream", 404},
		{"t1", "mill-07/2/1", "", "unknown_epoch", 404},
		{"t1", "only-refused/current/1", "", "unknown_epoch", 404},
		{"t1", "only-refused/1/1", "", "unknown_epoch", 404},
		{"t2", "scale/1/1", "", "unknown_device", 404},
		{"t1", "mill-07/1/3", "require=complete", "incomplete", 409},
		{"t1", "mill-07/1/99", "require=complete_between_seen", "incomplete", 409},
		{"t1", "mill-07/1/5", "require=complete", "", 200},
		{"t1", "mill-07/1/9223372036854775807", "", "", 200},
		{"t1", "_audit/1/1", "", "", 200},
	} {
		status, _, body := srv.do(c.tenant, "/v1/trace/"+c.path, c.query, "")
		if status != c.status || c.code != "" && !strings.Contains(body, `"code":"`+c.code+`"`) {
			t.Errorf("%s %s?%s: %d %s, want %d %s", c.tenant, c.path, c.query, status, body, c.status, c.code)
		}
	}
	s.failing = errors.New("the disk is gone")
	s.seal()
	s.flush(t)
	if status, body := srv.get("t1", "/v1/trace/mill-07/1/5"); status != http.StatusServiceUnavailable {
		t.Errorf("of a segment that cannot be read: %d %s", status, body)
	}
	for _, bad := range []Options{{MaxTraceFrames: -1}, {MaxTraceEvidence: -1}} {
		if _, err := New(s, s, bad); err == nil || !strings.Contains(err.Error(), "query.max_trace_") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
