package slowreader

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/certificate"
)

// Sums of more numbers than there are stop at the greatest one, in both readers.
func TestSumsStop(t *testing.T) {
	leaf := census.Leaf{Key: frame.StreamKey{Tenant: "default", Device: "mill", Stream: "0"}}
	for i := range uint32(4) {
		leaf.Epochs = append(leaf.Epochs, census.Epoch{
			Ordinal: i + 1, Source: 1, Begun: true, Next: maxNext, Head: census.HeadFirstSeen, Tail: census.TailLastSeen,
			Gaps: []census.Gap{{First: 0, Last: maxNext - 1, State: "FINAL", Cause: frame.CauseNeverArrived}},
		})
	}
	b := leaf.Append(nil)
	ours, err := census.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	slow, err := ParseAccount(b)
	if err != nil {
		t.Fatal(err)
	}
	want, err := certificate.Restate(&certificate.Scope{Tenant: "default", Devices: []string{"mill"}}, []*census.Leaf{ours}, nil)
	if err != nil {
		t.Fatal(err)
	}
	is, err := restate(&Scope{Tenant: "default", Devices: []string{"mill"}}, []*Account{slow}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantText, err := json.Marshal(want.Statement)
	if err != nil {
		t.Fatal(err)
	}
	isText, err := json.Marshal(is.statement)
	if err != nil || string(isText) != string(wantText) {
		t.Errorf("slow reader: %s, %v\nours: %s", isText, err, wantText)
	}
	if s := is.statement; s.Expected != math.MaxUint64 || s.Missing != math.MaxUint64 || s.Causes["never_arrived"] != math.MaxUint64 {
		t.Errorf("the sums are %s", isText)
	}
}
