package verify

import (
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/leaves"
)

// TestSameNumbers holds the numbers of strips against those of the census, of which 40 to 69 are in scope.
func TestSameNumbers(t *testing.T) {
	type runs = []ledger.Run
	stored := runs{{First: 1, Last: 20}, {First: 30, Last: 50}, {First: 60, Last: 100}}
	for what, tt := range map[string]struct {
		hashed runs
		fault  string
	}{
		"all":                                {stored, ""},
		"those in scope":                     {runs{{First: 40, Last: 50}, {First: 60, Last: 69}}, ""},
		"in pieces, the later first":         {runs{{First: 60, Last: 64}, {First: 35, Last: 50}, {First: 65, Last: 80}}, ""},
		"others beside those":                {runs{{First: 1, Last: 5}, {First: 40, Last: 50}, {First: 60, Last: 69}}, ""},
		"one less":                           {runs{{First: 40, Last: 49}, {First: 60, Last: 69}}, "in the census"},
		"one more":                           {runs{{First: 40, Last: 51}, {First: 60, Last: 69}}, "in the census"},
		"none":                               {nil, "in the census"},
		"none in scope":                      {runs{{First: 1, Last: 20}}, "in the census"},
		"one twice":                          {runs{{First: 40, Last: 50}, {First: 50, Last: 50}, {First: 60, Last: 69}}, "number 50 is in two strips"},
		"one twice that is not in the scope": {runs{{First: 1, Last: 10}, {First: 40, Last: 50}, {First: 5, Last: 6}, {First: 60, Last: 69}}, "number 5 is in two strips"},
	} {
		r := &run{c: &certificate.Certificate{Scope: certificate.Scope{Seq: []uint64{40, 69}}}}
		frames, err := r.sameNumbers(leaves.Key{}, tt.hashed, &census.Epoch{Runs: stored})
		if (err != nil) != (tt.fault != "") || err == nil && frames != 21 || err != nil && (codeOf(err) != CodeTampered || !strings.Contains(err.Error(), tt.fault)) {
			t.Errorf("%s: %d, %v, want %q", what, frames, err, tt.fault)
		}
	}
}
