package query

import (
	"strconv"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"pgregory.net/rapid"
)

// expectation is what an oracle says of the completeness of some letters (see plant).
func expectation(letters string, from, to int) (verdict string, expected, stored uint64, through int) {
	to = min(to, len(letters)-1)
	if from > to {
		return "INDETERMINATE", 0, 0, -1
	}
	part := letters[from : to+1]
	expected, stored = uint64(len(part)), uint64(strings.Count(part, "S"))
	through = from + len(part) - len(strings.TrimLeft(part, "S")) - 1
	if through < from {
		through = -1
	}
	switch {
	case strings.ContainsAny(part, "-o"):
		verdict = "INCOMPLETE"
	case stored < expected:
		verdict = "EXPLAINED"
	default:
		verdict = "COMPLETE"
	}
	return verdict, expected, stored, through
}

func checkCompleteness(t tester, c *answerCompleteness, verdict string, expected, stored uint64, through int) {
	t.Helper()
	if c.Verdict != verdict || c.Expected != expected || c.Stored != stored || c.Missing != expected-stored {
		t.Fatalf("%+v, want %s, %d of %d", c, verdict, stored, expected)
	}
	switch {
	case through < 0 && c.CompleteThrough != nil:
		t.Fatalf("complete through %+v, want nothing", c.CompleteThrough)
	case through >= 0 && (c.CompleteThrough == nil || *c.CompleteThrough.Seq != uint64(through) || *c.CompleteThrough.Epoch != 1 ||
		c.CompleteThrough.Time != secondText(int64(through))):
		t.Fatalf("complete through %+v, want %d", c.CompleteThrough, through)
	}
}

// TestCompletenessOfRanges compares ranges of numbers and of times with counting letters. Of a time range everything counts that can
// have been inside: from the stored frame before it to the one behind.
func TestCompletenessOfRanges(t *testing.T) {
	srv := newServer(t, newStore(ledger.Policy{}), Options{})
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlant(t)
		srv.use(p.build(t), Options{})
		letters := p["a"]
		from := rapid.IntRange(0, len(letters)+2).Draw(t, "from")
		to := from + rapid.IntRange(0, len(letters)).Draw(t, "length")
		c := srv.ok(t, "t", "/v1/frames", "device", "a", "from_seq", strconv.Itoa(from), "to_seq", strconv.Itoa(to)).Completeness
		verdict, expected, stored, through := expectation(letters, from, to)
		checkCompleteness(t, c, verdict, expected, stored, through)

		first := strings.LastIndexByte(letters[:min(from, len(letters))], 'S') + 1
		last := len(letters) - 1
		if to+1 < len(letters) {
			if i := strings.IndexByte(letters[to+1:], 'S'); i >= 0 {
				last = to + i
			}
		}
		c = srv.ok(t, "t", "/v1/frames", "device", "a", "from", secondText(int64(from)), "to", secondText(int64(to))).Completeness
		verdict, expected, stored, through = expectation(letters, first, last)
		checkCompleteness(t, c, verdict, expected, stored, through)

		c = srv.ok(t, "t", "/v1/devices/a/coverage").Completeness
		verdict, expected, stored, through = expectation(letters, 0, len(letters)-1)
		checkCompleteness(t, c, verdict, expected, stored, through)
	})
}

// TestRangeOfAnUndeclaredEpoch asks for ranges of an epoch whose ends nobody declared: 5 to 9 arrived. A range that its own numbers
// prove is complete; one that reaches beyond what was seen is not.
func TestRangeOfAnUndeclaredEpoch(t *testing.T) {
	s := newStore(ledger.Policy{})
	put := func(seq uint64) {
		s.put(t, sent{tenant: "t", device: "d", stream: "0", seq: seq, Frame: frame.Frame{TimeNS: int64(seq)}})
	}
	for seq := uint64(5); seq < 10; seq++ {
		put(seq)
	}
	srv := newServer(t, s, Options{})
	for _, tt := range []struct{ from, to, want string }{
		{"", "", "COMPLETE_BETWEEN_SEEN"},
		{"5", "9", "COMPLETE"},
		{"6", "8", "COMPLETE"},
		{"4", "8", "COMPLETE_BETWEEN_SEEN"},
		{"6", "10", "COMPLETE_BETWEEN_SEEN"},
		{"6", "", "COMPLETE_BETWEEN_SEEN"},
		{"10", "20", "INDETERMINATE"},
	} {
		args := []string{"device", "d"}
		if tt.from != "" {
			args = append(args, "from_seq", tt.from)
		}
		if tt.to != "" {
			args = append(args, "to_seq", tt.to)
		}
		if got := srv.ok(t, "t", "/v1/frames", args...).Completeness.Verdict; got != tt.want {
			t.Errorf("%s..%s: %s, want %s", tt.from, tt.to, got, tt.want)
		}
		for word, least := range map[string]ledger.Grade{"complete": ledger.Complete, "complete_between_seen": ledger.CompleteBetweenSeen} {
			status, body := srv.get("t", "/v1/frames", append(args, "require", word)...)
			if (status == 200) != (tt.want == ledger.Complete.String() || tt.want == least.String()) {
				t.Errorf("%s..%s with require=%s: %d %s", tt.from, tt.to, word, status, body)
			}
		}
	}
	s.change(func(l *ledger.Ledger) { // a conflict: the same number with other bytes
		g := frame.Group{Stream: s.id(t, "t", "d", "0"), Bits: 64}
		l.Arrive(&g, 0, s.commitMS, &frame.Item{Seq: 9, TimeNS: 1, Class: frame.ClassEvent, Fingerprint: 1})
	})
	c := srv.ok(t, "t", "/v1/frames", "device", "d", "from_seq", "6", "to_seq", "8").Completeness
	if c.Verdict != "COMPLETE_BETWEEN_SEEN" {
		t.Errorf("with a conflict: %s", c.Verdict)
	}
}

// TestSumOfParts checks how the end of what is complete comes out of several parts.
func TestSumOfParts(t *testing.T) {
	at := func(ns int64) through {
		return through{hasSeq: true, hasTime: true, epoch: 1, seq: uint64(ns), timeNS: ns}
	}
	full := func(ns int64) completeness {
		return completeness{verdict: ledger.Complete, expected: 5, stored: 5, through: at(ns)}
	}
	holey := func(ns int64) completeness {
		return completeness{verdict: ledger.Incomplete, expected: 5, stored: 4, through: at(ns)}
	}
	headless := completeness{verdict: ledger.Explained, expected: 5, stored: 4}
	for _, tt := range []struct {
		name    string
		parts   []completeness
		verdict ledger.Grade
		want    through
	}{
		{"nothing", nil, ledger.Indeterminate, through{}},
		{"one keeps its number", []completeness{full(7)}, ledger.Complete, at(7)},
		{"whole ones: the latest", []completeness{full(7), full(9), full(8)}, ledger.Complete, through{hasTime: true, timeNS: 9}},
		{"a hole ends it", []completeness{full(9), holey(3), full(2)}, ledger.Incomplete, through{hasTime: true, timeNS: 3}},
		{"the earliest hole", []completeness{holey(5), holey(3), full(9), holey(4)}, ledger.Incomplete, through{hasTime: true, timeNS: 3}},
		{"one without a beginning", []completeness{full(9), headless, full(10)}, ledger.Explained, through{}},
		{"the first without a beginning", []completeness{headless, full(9)}, ledger.Explained, through{}},
	} {
		var s sum
		for _, part := range tt.parts {
			s.add(part)
		}
		c := s.result()
		if c.verdict != tt.verdict || c.expected != uint64(5*len(tt.parts)) {
			t.Errorf("%s: %+v", tt.name, c)
		}
		c.through.epoch, tt.want.epoch = 0, 0
		if !c.through.hasSeq {
			c.through.seq = 0
		}
		if c.through != tt.want {
			t.Errorf("%s: through %+v, want %+v", tt.name, c.through, tt.want)
		}
	}
	var s sum
	s.add(completeness{verdict: 1, expected: 1 << 63, stored: 1 << 63})
	s.add(completeness{verdict: 1, expected: 1 << 63, stored: 1 << 63})
	if c := s.result(); c.expected != 1<<64-1 || c.missing() != 0 {
		t.Errorf("sums wrap: %+v", c)
	}
}
