package slowreader

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/certificate"
)

// Streams of epochs with and without numbers in a time, of which nothing is missing, with all ends that there may be: both readers agree which of them may
// reach into the time.
func TestReachesAgrees(t *testing.T) {
	const to = 3600_000
	verdicts := map[string]int{}
	for seed := range uint64(20_000) {
		rnd := dice(seed)
		leaf, in := lives(rnd, to)
		b := leaf.Append(nil)
		ours, err := census.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		slow, err := ParseAccount(b)
		if err != nil {
			t.Fatal(err)
		}
		times := []string{"1970-01-01T00:00:00Z", "1970-01-01T01:00:00Z"}
		var epochs []uint32
		if rnd.IntN(4) == 0 {
			epochs = []uint32{1, 2, 4}
		}
		want, err := certificate.Restate(&certificate.Scope{Tenant: "default", Devices: []string{"mill"}, Epochs: epochs, Time: times}, []*census.Leaf{ours},
			func(_ frame.StreamKey, e *census.Epoch) ([]uint64, error) { return in[e.Ordinal], nil })
		if err != nil {
			t.Fatal(err)
		}
		is, err := restate(&Scope{Tenant: "default", Devices: []string{"mill"}, Epochs: epochs, Time: times}, []*Account{slow},
			func(k Key) ([]uint64, bool) { return in[k.Epoch], true })
		if err != nil {
			t.Fatal(err)
		}
		if is.verdict.String() != want.Verdict {
			text, _ := json.Marshal(want.Streams)
			t.Fatalf("seed %d: slow reader: %v, ours: %s of %s", seed, is.verdict, want.Verdict, text)
		}
		verdicts[want.Verdict]++
	}
	for _, v := range []Verdict{Complete, CompleteBetweenSeen, Indeterminate} {
		if verdicts[v.String()] < 1000 {
			t.Errorf("verdicts %v", verdicts)
		}
	}
}

// lives is a stream, and which numbers of its epochs lie in the time.
func lives(rnd *rand.Rand, toMS int64) (*census.Leaf, map[uint32][]uint64) {
	l, in := &census.Leaf{Key: frame.StreamKey{Tenant: "default", Device: "mill", Stream: "0"}}, map[uint32][]uint64{}
	for ordinal := range 1 + uint32(rnd.IntN(5)) {
		e := census.Epoch{
			Ordinal: ordinal + 1, Source: ledger.SourceDeclared, Begun: true, Base: 1, Next: 1, Head: census.HeadDeclared, Tail: census.TailSuccessor, TailMS: 1,
		}
		if rnd.IntN(3) > 0 {
			e.Next, e.Runs = 10, []ledger.Run{{First: 1, Last: 9}}
		}
		switch rnd.IntN(6) {
		case 0:
			e.Tail, e.TailMS = census.TailLastSeen, 0
		case 1:
			e.Tail, e.TailMS = census.TailWatermark, toMS-1+rnd.Int64N(2)
		}
		in[e.Ordinal] = []uint64{}
		if e.Next > e.Base && rnd.IntN(2) == 0 {
			in[e.Ordinal] = []uint64{1 + rnd.Uint64N(2), 8 + rnd.Uint64N(2)}
			e.Tail = max(e.Tail, census.TailWatermark) // else its own verdict hides that of the stream
		} else if rnd.IntN(4) == 0 {
			e.Head = census.HeadFirstSeen
		}
		if e.Tail == census.TailWatermark && len(in[e.Ordinal]) > 0 {
			e.TailMS = toMS
		}
		l.Epochs = append(l.Epochs, e)
	}
	return l, in
}
