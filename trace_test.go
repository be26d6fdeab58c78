package gapless

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/ledger"
)

// tracedNumber is what the test reads of a trace.
type tracedNumber struct {
	Result string
	Frame  *struct{ Position string }
	Commit struct{ History, Index, Ordinal uint64 }
	Layer  struct{ Kind, Segment string }
	Seal   struct{ Ordinal *uint32 }
	Gap    *ledger.GapReport

	DeadLetters tracedEvidence `json:"dead_letters"`
	Conflicts   tracedEvidence
}

type tracedEvidence struct {
	Found, Searched int
	Complete        bool
	List            []struct {
		Cause, Code string
		Size        int
		Raw         []byte
	}
}

// TestTrace asks a node what happened to numbers that it stored, refused, got twice and never saw: what its recorders write is what a trace
// reads. Then it asks again, when all of it lies in segments.
func TestTrace(t *testing.T) {
	n := startSingle(t, nil)
	for _, body := range []string{
		`{"device":"d","epoch":"e","first":0,"seq":0,"fields":{"v":1}}` + "\n" + `{"device":"d","epoch":"e","seq":5,"fields":{"v":1}}`,
		`{"device":"d","epoch":"e","seq":5,"fields":{"v":2}}`,
		`{"device":"d","epoch":"e","seq":0,"fields":{"v":1}}` + "\n" + `{"device":"d","epoch":"e","seq":3,"colour":"red"}`,
	} {
		if code, answer := post(t, n, "/v1/frames", "application/x-ndjson", body); code != 200 {
			t.Fatalf("%d %v", code, answer)
		}
	}
	trace := func(seq int) (a tracedNumber) {
		t.Helper()
		code, body := get(t, n, fmt.Sprintf("/v1/trace/d/1/%d?consistency=linearizable", seq))
		if code != 200 {
			t.Fatalf("%d %s", code, body)
		}
		if err := json.Unmarshal([]byte(body), &a); err != nil {
			t.Fatal(err)
		}
		if !a.DeadLetters.Complete || !a.Conflicts.Complete || a.DeadLetters.Searched != 1 || a.Conflicts.Searched != 1 {
			t.Errorf("number %d: searched %+v and %+v", seq, a.DeadLetters, a.Conflicts)
		}
		return a
	}
	check := func(layers ...string) {
		t.Helper()
		if a := trace(5); a.Result != "stored" || a.Conflicts.Found != 1 || a.DeadLetters.Found != 0 ||
			a.Conflicts.List[0].Size != len(a.Conflicts.List[0].Raw) ||
			a.Conflicts.List[0].Size == 0 || a.Commit.Index == 0 || a.Commit.Ordinal != 1 || a.Frame.Position == "" || !slices.Contains(layers, a.Layer.Kind) {
			t.Errorf("a number that came twice: %+v", a)
		}
		if a := trace(0); a.Result != "stored" || a.Conflicts.Found+a.DeadLetters.Found != 0 {
			t.Errorf("a number that came again as it was: %+v", a)
		}
		a := trace(3)
		if a.Result != "in_gap" || a.Gap.Cause != "rejected.schema" || a.DeadLetters.Found != 1 || a.Conflicts.Found != 0 {
			t.Fatalf("a number that was refused: %+v", a)
		}
		if e := a.DeadLetters.List[0]; e.Cause != "rejected.schema" || e.Code != "unknown_key" || !strings.Contains(string(e.Raw), `"colour":"red"`) {
			t.Errorf("its evidence: %+v", e)
		}
		if a := trace(2); a.Result != "in_gap" || a.Gap.Cause != "" && a.Gap.Cause != "never_arrived" || a.Conflicts.Found+a.DeadLetters.Found != 0 {
			t.Errorf("a number that never came: %+v", a)
		}
		if a := trace(6); a.Result != "beyond_last" {
			t.Errorf("a number behind the last one: %+v", a)
		}
	}
	check("head")
	if code, answer := post(t, n, "/v1/cluster/flush", "application/json", ""); code != 200 {
		t.Fatalf("%d %v", code, answer)
	}
	check("sealed_head", "segment") // the flush goes on
	eventually(t, func() bool { return trace(5).Layer.Kind == "segment" }, func() string { return "no segment has the frame" })
	check("segment")
	if a := trace(5); len(a.Layer.Segment) != 64 || a.Seal.Ordinal == nil || *a.Seal.Ordinal == 0 {
		t.Errorf("in a segment: %+v, seal %+v", a.Layer, a.Seal)
	}
}
