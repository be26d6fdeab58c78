package certificate_test

import (
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/certificate"
)

// TestNeighbours: epochs without a number in the time, beside one that has some: which of them may reach into it.
func TestNeighbours(t *testing.T) {
	const to = 3600_000
	some := census.Epoch{Begun: true, Base: 1, Next: 6, Head: census.HeadDeclared, Tail: census.TailSeal, TailMS: 5, Sealed: true, SealLast: 5,
		Source: ledger.SourceDeclared, Runs: []ledger.Run{{First: 1, Last: 5}}}
	none := census.Epoch{Begun: true, Base: 1, Next: 1, Head: census.HeadDeclared, Tail: census.TailWatermark, TailMS: to, Source: ledger.SourceDeclared}
	with := func(e census.Epoch, head census.Head, tail census.Tail, ms int64) census.Epoch {
		e.Head, e.Tail, e.TailMS, e.Sealed, e.SealLast = head, tail, ms, tail == census.TailSeal, 0
		if e.Sealed {
			e.SealLast = e.Next - 1
		}
		return e
	}
	epochs := map[byte]census.Epoch{
		'A': some, 'B': some, 'E': some, // A: all of it in the time, B: not its beginning, E: not its end
		's': some, 'n': none, // nothing in the time, both ends known
		'h': with(some, census.HeadFirstSeen, census.TailSuccessor, 5), 'H': with(none, census.HeadFirstSeen, census.TailWatermark, to),
		'z': with(some, census.HeadProtocolZero, census.TailSeal, 5),
		't': with(some, census.HeadDeclared, census.TailLastSeen, 0), 'T': with(none, census.HeadDeclared, census.TailLastSeen, 0),
		'w': with(some, census.HeadDeclared, census.TailWatermark, to-1), 'W': with(none, census.HeadDeclared, census.TailWatermark, to-1),
	}
	in := map[byte][]uint64{'A': {1, 5}, 'B': {3, 5}, 'E': {1, 3}}
	for want, stories := range map[ledger.Grade][]string{
		ledger.Complete: {"A", "sAs", "nAn", "As", "At", "Aw", "Asht", "hA", "zA", "hsA", "tsA", "tB", "TB", "HB", "twB", "Eh", "EH", "ET", "EWhT", "HsAsT", "tBAEh"},
		ledger.CompleteBetweenSeen: {"Ah", "Az", "AH", "AT", "AW", "AnT", "Anh", "AHs", "ATs", "AnHns", "Bh", "tA", "wA", "HA", "TA", "WA", "hwA", "tnA", "tnnA", "sHA", "WsAnTA",
			"tE", "ABh", "hBAH", "TAE", "AsAh"},
		ledger.Indeterminate: {"", "s", "tn", "hTW"},
	} {
		for _, story := range stories {
			if got := restated(t, story, epochs, in); got != want.String() {
				t.Errorf("%q: %s, want %s", story, got, want)
			}
		}
	}
}

// restated is the verdict on a stream with these epochs.
func restated(t *testing.T, story string, epochs map[byte]census.Epoch, in map[byte][]uint64) string {
	t.Helper()
	l := &census.Leaf{Key: frame.StreamKey{Tenant: "t", Device: "d", Stream: "0"}}
	for i := range story {
		e := epochs[story[i]]
		e.Ordinal = uint32(i + 1)
		l.Epochs = append(l.Epochs, e)
	}
	scope := &certificate.Scope{Tenant: "t", Devices: []string{"d"}, Time: []string{"1970-01-01T00:00:00Z", "1970-01-01T01:00:00Z"}}
	got, err := certificate.Restate(scope, []*census.Leaf{l}, func(_ frame.StreamKey, e *census.Epoch) ([]uint64, error) {
		return in[story[e.Ordinal-1]], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got.Verdict
}
