package slowreader

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/census"
)

func TestAccountOfThePage(t *testing.T) {
	b := exampleOf(t, "census.md", "hex")
	a, err := ParseAccount(b)
	if err != nil {
		t.Fatal(err)
	}
	if want := "s9Kx/M259LREws8pC2bMazO1JUSJwoCuIN0vh/X7vqg="; leafHash(b) != mustHash(t, want) {
		t.Errorf("leaf hash %x, the page says %s", leafHash(b), want)
	}
	e := &a.Epochs[0]
	for _, tt := range []struct {
		of      Run
		want    Verdict
		reasons string
	}{
		{everything, Incomplete, "[missing open]"}, {Run{505, 909}, Complete, "[]"}, {Run{505, 911}, Explained, "[missing]"},
	} {
		if s := e.Within(tt.of); s.Verdict != tt.want || fmt.Sprint(s.Reasons) != tt.reasons {
			t.Errorf("%v: %v %v, the page says %v %v", tt.of, s.Verdict, s.Reasons, tt.want, tt.reasons)
		}
	}
}

func mustHash(t *testing.T, text string) Hash {
	t.Helper()
	h, err := parseHash(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Leaves are read alike by both readers, whole and changed, and so is what follows from them.
func TestAccountsAgree(t *testing.T) {
	read, refused := 0, 0
	verdicts := map[Verdict]int{}
	for seed := range uint64(4000) {
		rnd := dice(seed)
		b := randomAccount(rnd).Append(nil)
		if rnd.IntN(2) == 0 {
			b = damageBytes(rnd, b)
		}
		slow, slowErr := ParseAccount(b)
		ours, oursErr := census.Parse(b)
		if (slowErr == nil) != (oursErr == nil) || errors.Is(slowErr, ErrVersion) != errors.Is(oursErr, census.ErrVersion) {
			t.Fatalf("seed %d: slow reader: %v\nours: %v\n% x", seed, slowErr, oursErr, b)
		}
		if slowErr != nil {
			refused++
			continue
		}
		read++
		for i := range slow.Epochs {
			e := &ours.Epochs[i]
			holdAccount(t, seed, &slow.Epochs[i], e)
			for range 8 {
				r := Run{First: e.Base + rnd.Uint64N(40) - min(e.Base, 20), Last: e.Base + rnd.Uint64N(60)}
				if rnd.IntN(8) == 0 {
					r.Last = math.MaxUint64
				}
				verdicts[holdStatement(t, seed, &slow.Epochs[i], e, r)]++
			}
			holdStatement(t, seed, &slow.Epochs[i], e, everything)
		}
	}
	if read < 800 || refused < 800 || len(verdicts) != 5 {
		t.Errorf("%d read, %d refused, verdicts %v", read, refused, verdicts)
	}
}

// holdAccount compares an epoch as both readers have it.
func holdAccount(t *testing.T, seed uint64, slow *EpochAccount, e *census.Epoch) {
	t.Helper()
	bit := func(b byte) bool { return slow.Has&b != 0 }
	got := census.Epoch{
		Ordinal: slow.Ordinal, Value: slow.Value, Source: e.Source,
		Begun: slow.Is&isBegun != 0, Unnumbered: slow.Is&isUnnumbered != 0, Probation: slow.Is&isProbation != 0, Ambiguous: slow.Is&isAmbiguous != 0,
		Base: slow.Base, Next: slow.Next, Head: census.Head(slow.Head), Tail: census.Tail(slow.Tail), TailMS: slow.TailMS, Runs: e.Runs, Gaps: e.Gaps,
		Sealed: bit(hasSeal), Counted: bit(hasCount), SealLast: slow.SealLast, SealCount: slow.SealCount,
		After: uint32(slow.SplitFrom), Linked: bit(hasLink), LinkDelta: slow.LinkDelta, Offset: slow.Offset, Wraps: slow.Wraps,
		Identical: slow.Counters[0], Conflict: slow.Counters[1], Unverified: slow.Counters[2], Suspected: slow.Counters[3],
		Contradictions: slow.Counters[4], LateClosed: slow.Counters[5], Ambiguities: slow.Counters[6],
	}
	if !reflect.DeepEqual(&got, e) {
		t.Fatalf("seed %d:\nslow %+v\nours %+v", seed, got, *e)
	}
	if name := []string{"inferred", "birth", "declared"}[slow.Source-1]; fmt.Sprint(e.Source) != name {
		t.Fatalf("seed %d: source %s, ours %v", seed, name, e.Source)
	}
	var runs []Run
	for _, r := range e.Runs {
		runs = append(runs, Run(r))
	}
	if !reflect.DeepEqual(slow.stored(), runs) {
		t.Fatalf("seed %d: stored %v, ours %v", seed, slow.stored(), runs)
	}
}

// holdStatement compares what both readers say of a range.
func holdStatement(t *testing.T, seed uint64, slow *EpochAccount, e *census.Epoch, r Run) Verdict {
	t.Helper()
	got, want := slow.Within(r), e.Within(census.Range(r))
	var gaps []census.Gap
	states := map[byte]ledger.State{
		pieceOpen: ledger.StateOpen, pieceRequested: ledger.StateRequested, pieceLost + 9: ledger.StateExpired, pieceLost + 10: ledger.StateExpired,
	}
	for _, p := range got.Gaps {
		state := states[p.Kind]
		if state == "" {
			state = ledger.StateFinal
		}
		gaps = append(gaps, census.Gap{First: p.First, Last: p.Last, State: state, Cause: frame.Cause(p.cause()), Reason: p.Reason})
		if confidence := gaps[len(gaps)-1].Confidence(); causeNames[p.cause()].confidence != confidence {
			t.Fatalf("seed %d: confidence in %v is %q, ours %q", seed, p, causeNames[p.cause()].confidence, confidence)
		}
	}
	in := census.Range{}
	if len(got.In) == 2 {
		in = census.Range{First: got.In[0], Last: got.In[1]}
	}
	same := got.Expected == want.Expected && got.Stored == want.Stored && got.Open == want.Open && len(got.Causes) == len(want.Causes) &&
		got.CutHead == want.HeadCut && got.OpenTail == want.TailOpen &&
		fmt.Sprint(got.Causes, gaps, got.Verdict, got.Reasons, in) == fmt.Sprint(want.Causes, want.Gaps, want.Grade, want.Reasons, want.Range)
	if !same {
		t.Fatalf("seed %d: %v of %+v:\nslow %+v\nours %+v", seed, r, slow, got, want)
	}
	return got.Verdict
}

// damageBytes changes, adds or removes a byte.
func damageBytes(rnd *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	at := rnd.IntN(len(b))
	if rnd.IntN(2) == 0 && len(b) > 40 {
		at = 40 + rnd.IntN(len(b)-40) // behind the names
	}
	switch rnd.IntN(5) {
	case 0:
		b = append(b[:at], b[at+1:]...)
	case 1:
		b = append(b[:at], append([]byte{byte(rnd.IntN(130))}, b[at:]...)...)
	case 2:
		b[at] = byte(rnd.Uint32())
	case 3:
		b[at] += byte(rnd.IntN(3)) - 1
	default:
		b[at] ^= 1 << rnd.IntN(8)
	}
	return b
}

// randomAccount is a leaf. Most obey the rules of the format, and some do not.
func randomAccount(rnd *rand.Rand) *census.Leaf {
	l := &census.Leaf{Key: frame.StreamKey{Tenant: "default", Device: fmt.Sprintf("mill-%02d", rnd.IntN(100)), Stream: "0"}}
	one := func(n int) bool { return rnd.IntN(n) == 0 }
	for ordinal := range uint32(rnd.IntN(4)) {
		e := census.Epoch{
			Ordinal: ordinal + 1, Source: ledger.Source(1 + rnd.IntN(3)), Begun: true, Unnumbered: one(9), Probation: one(9), Ambiguous: one(9),
			Head: census.HeadDeclared, Tail: census.TailSuccessor, TailMS: rnd.Int64N(1e13),
		}
		switch rnd.IntN(8) {
		case 0:
			e.Head = census.HeadProtocolZero
		case 1:
			e.Head, e.Base = census.HeadFirstSeen, rnd.Uint64N(1000)
		case 2:
			e.Base = 1<<63 - 300
		}
		if one(2) {
			e.Value = fmt.Sprint(rnd.IntN(100))
		}
		randomPieces(rnd, &e)
		switch rnd.IntN(5) {
		case 0:
			e.Tail, e.TailMS = census.TailLastSeen, 0
		case 1:
			e.Tail = census.TailWatermark
		case 2:
			e.Tail, e.Sealed, e.SealLast, e.Counted, e.SealCount = census.TailSeal, true, e.Next-1, one(2), 0
			if e.Counted {
				e.SealCount = e.Next - e.Base + uint64(rnd.IntN(2))
			}
		case 3:
			e.Sealed, e.SealLast = true, e.Base
		}
		if ordinal > 0 && one(3) {
			if e.After, e.Linked = 1+uint32(rnd.IntN(int(ordinal))), one(2); e.Linked {
				e.LinkDelta = rnd.Uint64N(1 << 16)
			}
		}
		if one(5) {
			e.Offset = uint64(rnd.IntN(300))
		}
		if one(5) {
			e.Wraps = [2]uint64{uint64(rnd.IntN(4)), uint64(rnd.IntN(5))}
		}
		for _, counter := range []*uint64{&e.Identical, &e.Conflict, &e.Unverified, &e.Suspected, &e.Contradictions, &e.LateClosed, &e.Ambiguities} {
			if one(9) {
				*counter = rnd.Uint64N(1000)
			}
		}
		if one(12) {
			e.Begun = false
		}
		l.Epochs = append(l.Epochs, e)
	}
	return l
}

// randomPieces gives an epoch runs and gaps.
func randomPieces(rnd *rand.Rand, e *census.Epoch) {
	e.Next = e.Base
	calm := rnd.IntN(3) == 0
	for i := range rnd.IntN(7) {
		first := e.Next
		e.Next += 1 + rnd.Uint64N(20)
		if calm || i%2 == 0 {
			if n := len(e.Runs); n > 0 && e.Runs[n-1].Last+1 == first {
				e.Runs[n-1].Last = e.Next - 1
			} else {
				e.Runs = append(e.Runs, ledger.Run{First: first, Last: e.Next - 1})
			}
			continue
		}
		g := census.Gap{First: first, Last: e.Next - 1, State: ledger.StateFinal, Cause: frame.Cause(1 + rnd.IntN(10))}
		switch rnd.IntN(6) {
		case 0:
			g.State, g.Cause = ledger.StateOpen, 0
		case 1:
			g.State, g.Cause = ledger.StateRequested, 0
		case 2:
			g.Cause = frame.CauseNeverArrived
		case 3:
			g.Reason = "ring"
		}
		if g.Cause == 9 || g.Cause == 10 {
			g.State = ledger.StateExpired
		}
		e.Gaps = append(e.Gaps, g)
	}
}
