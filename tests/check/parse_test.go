package check

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// recorded is an answer of a node (go test -run TestNode -update).
func recorded(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recordedSeed is of the payloads in testdata.
const recordedSeed = 7

func TestParseAck(t *testing.T) {
	sent := Batch{First: 1, Last: 3, Numbered: true}
	for _, c := range []struct {
		status  int
		body    string
		outcome Outcome
		code    string
		bad     bool
	}{
		{200, string(recorded(t, "ack")), Acked, "", false},
		{200, `{"position":"moon","accepted":3}`, Unknown, "", true},
		{200, `{"accepted":`, Unknown, "", true},
		{422, `{"position":null,"accepted":0,"rejected":[{"item":0},{"item":1},{"item":2}],"error":{"code":"all_rejected"}}`, Refused,
			"all_rejected", false},
		{422, `{"error":{"code":"idempotency_mismatch"}}`, Refused, "idempotency_mismatch", false},
		{429, `{"error":{"code":"overloaded"}}`, Refused, "overloaded", false},
		{503, `{"error":{"code":"no_leader"}}`, Refused, "no_leader", false},
		{503, `{"error":{"code":"outcome_unknown"}}`, Unknown, "outcome_unknown", false},
		{500, `{"error":{"code":"internal"}}`, Unknown, "internal", false},
		{400, `<html>`, Unknown, "", false},
		{0, ``, Unknown, "", false},
	} {
		b := sent
		err := ParseAck(c.status, []byte(c.body), &b)
		if (err != nil) != c.bad || b.Outcome != c.outcome || b.Code != c.code {
			t.Errorf("%d %.60s: %s, error %v", c.status, c.body, &b, err)
		}
		if c.outcome == Acked && (b.Accepted != 3 || b.History != 1 || b.Index == 0) {
			t.Errorf("%s", &b)
		}
		if c.code == "all_rejected" && !reflect.DeepEqual(b.Rejected, []uint64{1, 2, 3}) {
			t.Errorf("rejected %v", b.Rejected)
		}
	}
}

func TestParseClaim(t *testing.T) {
	var c Claim
	if err := ParseClaim(200, recorded(t, "ack"), &c); err != nil || c.Outcome != Acked || c.Index == 0 {
		t.Errorf("%s: %v", &c, err)
	}
	if err := ParseClaim(409, []byte(`{"error":{"code":"contradiction"}}`), &c); err != nil || c.Outcome != Refused || c.Code != "contradiction" {
		t.Errorf("%s: %v", &c, err)
	}
	if err := ParseClaim(200, []byte(`{"position":7}`), &c); err == nil || c.Outcome != Unknown {
		t.Errorf("%s: %v", &c, err)
	}
}

// TestParseFrames reads a page, and notices every change of what a device sent.
func TestParseFrames(t *testing.T) {
	page := recorded(t, "frames")
	f := NewFinal("n1")
	next, err := ParseFrames(page, recordedSeed, f)
	if err != nil || next == "" || f.Index == 0 || f.Frames() != 20 || len(f.Counters()) != 1 {
		t.Fatalf("next %q, index %d, %d frames of %v: %v", next, f.Index, f.Frames(), f.Counters(), err)
	}
	c := f.Counters()[0]
	s := f.counters[c]
	if !s.wrong.Empty() || !s.located() || f.Numbers(c).Count() != 20 {
		t.Fatalf("%v: wrong %v %v, located %v", f.Numbers(c), s.wrong, s.why, s.located())
	}
	for _, change := range []struct{ from, to, why string }{
		{`"odd":true`, `"odd":false`, "field odd"},
		{`"id":"dev`, `"id":"dav`, "in the place of"},
		{`"seq":10,`, `"seq":11,`, "the bytes are those of 10"},
		{`"fields":{`, `"fields":{"more":1,`, "7 fields"},
		{`"raw":"`, `"raw":"AAAA`, "raw payload"},
		{`"int":`, `"int":1`, "field int"},
		{`#10.0"`, `#ten"`, "names no frame"},
		{`,"v":`, `,"w":`, "field v"},
		{`"epoch_value":"boot-0"`, `"epoch_value":"boot-1"`, "in the place of"},
	} {
		f := NewFinal("n1")
		spoilt := bytes.Replace(page, []byte(change.from), []byte(change.to), 1)
		if _, err := ParseFrames(spoilt, recordedSeed, f); err != nil {
			t.Fatal(err)
		}
		if why := f.whys(); len(why) != 1 || !strings.Contains(why[0], change.why) {
			t.Errorf("%s to %s: %v", change.from, change.to, why)
		}
	}
	for _, bad := range []string{``, `{"frames":[]}`, `{"frames":[{"position":"x"}],"as_of":[{"history":1,"index":2}]}`,
		`{"frames":[7],"as_of":[{"history":1,"index":2}]}`} {
		if _, err := ParseFrames([]byte(bad), recordedSeed, NewFinal("n1")); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// whys is everything that is wrong with the rows.
func (f *Final) whys() (list []string) {
	for _, c := range f.order {
		list = append(list, f.counters[c].why...)
	}
	return list
}

func TestParseLatest(t *testing.T) {
	reads, next, err := ParseLatest(recorded(t, "latest"), recordedSeed, Answer{Node: "n1", After: 3})
	if err != nil || next != "" || len(reads) != 1 {
		t.Fatalf("%v %q %v", reads, next, err)
	}
	if d := reads[0]; !d.Found || d.Wrong != "" || d.Index == 0 || d.After != 3 || d.Ordinal != 3 || d.Counter.Epoch != "boot-2" || d.Latest == 0 {
		t.Fatalf("%+v", d)
	}
	if _, _, err := ParseLatest([]byte(`{"frames":[{}],"as_of":[{}]}`), recordedSeed, Answer{}); err == nil {
		t.Fatal("a frame without a position was read")
	}
}

func TestParseGaps(t *testing.T) {
	reports, err := ParseGaps(recorded(t, "gaps"), Answer{Node: "n1"})
	if err != nil || len(reports) != 3 {
		t.Fatal(reports, err)
	}
	g := reports[1]
	if g.Counter.Epoch != "boot-1" || g.Ordinal != 2 || !g.Known || g.First != 5 || g.HeadBasis != "declared" || g.Last != 329 ||
		g.TailBasis != "seal" ||
		g.Expected != 325 || !g.whole() || len(g.Gaps) == 0 || g.A.Expected != 325 || g.Index == 0 {
		t.Fatalf("%+v", g)
	}
	if _, err := ParseGaps([]byte(`{"reports":[]}`), Answer{}); err == nil {
		t.Fatal("an answer without as_of was read")
	}
}

func TestParseLedger(t *testing.T) {
	l, err := ParseLedger(recorded(t, "ledger"), Answer{Node: "n1"})
	if err != nil || len(l.equations()) > 0 || l.A.Stored == 0 || len(l.B) != 1 || l.B[0].Counts.Accepted == 0 || l.C.Hot == 0 ||
		len(l.Digest) != 64 || l.Index == 0 {
		t.Fatalf("%+v %v", l, err)
	}
	for _, bad := range []string{`{}`, `{"digest":"x","as_of":[{"history":1,"index":2}]}`, `{"balances":{},"digest":"x","as_of":[]}`} {
		if _, err := ParseLedger([]byte(bad), Answer{}); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestParseStorage(t *testing.T) {
	s, err := ParseStorage(recorded(t, "storage"))
	if err != nil || s.Node != "n1" || s.Floor == 0 || len(s.Floors) != 1 || s.Floors[0].Hash != s.FloorHash || !s.listed() || s.Log.Last < s.Floor {
		t.Fatalf("%+v %v", s, err)
	}
	if _, err := ParseStorage([]byte(`{"error":{}}`)); err == nil {
		t.Fatal("an error was read")
	}
}

func TestParseState(t *testing.T) {
	var a Answer
	if err := ParseState([]byte(`{"frames":[],"as_of":[{"partition":0,"history":1,"index":7}]}`), &a); err != nil || a.History != 1 || a.Index != 7 {
		t.Fatalf("%+v %v", a, err)
	}
	for _, bad := range []string{`{"error":{}}`, `x`} {
		if err := ParseState([]byte(bad), &a); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
