package proof

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestSealsGoOnWithoutCensus: one of three is away, and the ledgers of the others differ. Seals go on, and of those that wait for a census the newest stay.
// Once the ledgers are equal the next seal is counted, although the third never comes back.
func TestSealsGoOnWithoutCensus(t *testing.T) {
	l := keyed(t)
	for ordinal := uint32(1); ordinal <= 2*maxCuts; ordinal++ {
		l.cut()
		l.roots("n1.a", ordinal, 5, 7)
		l.roots("n2.b", ordinal, 5, 8)
		cuts := l.s.Cuts()
		if l.s.SealedThrough() != ordinal || len(cuts) != int(min(ordinal, maxUncounted)) || cuts[len(cuts)-1].Ordinal != ordinal || !l.s.pending(ordinal) {
			t.Fatalf("seal %d: sealed through %d, %d wait", ordinal, l.s.SealedThrough(), len(cuts))
		}
		restored := NewSection()
		restored.At(1, clusterID, nil)
		if err := restored.Restore(bytes.NewReader(frozen(t, l.s))); err != nil {
			t.Fatalf("seal %d: %v", ordinal, err)
		}
	}
	oldest := l.s.Cuts()[0].Ordinal
	l.want(CodeNotCurrent, KindRoots, roots("n3.c", oldest-1, 5, 7))
	l.roots("n3.c", oldest, 5, 8) // a late one is counted all the same
	if l.s.CountedThrough() != oldest || len(l.s.Cuts()) != maxUncounted-1 {
		t.Errorf("counted through %d, %d wait", l.s.CountedThrough(), len(l.s.Cuts()))
	}
	l.cut()
	l.roots("n1.a", 2*maxCuts+1, 5, 9)
	l.roots("n2.b", 2*maxCuts+1, 5, 9)
	if l.s.CountedThrough() != 2*maxCuts+1 || len(l.s.Cuts()) != 0 {
		t.Errorf("counted through %d, %d wait", l.s.CountedThrough(), len(l.s.Cuts()))
	}
}

// TestUnsealedAreKept: of the ordinals that wait for their SEAL none is left out; behind the last that may wait none ends.
func TestUnsealedAreKept(t *testing.T) {
	l := keyed(t)
	for range maxCuts {
		l.cut()
	}
	l.want(CodeProofLimit, KindCut, cutCommand{l.s.Ordinal()})
	for ordinal := uint32(maxCuts); ordinal >= 1; ordinal-- {
		l.roots("n1.a", ordinal, 5, 7)
		l.roots("n2.b", ordinal, 5, 8)
		if want := map[bool]int{true: maxUncounted, false: maxCuts}[ordinal == 1]; len(l.s.Cuts()) != want {
			t.Fatalf("after ordinal %d: %d wait, want %d", ordinal, len(l.s.Cuts()), want)
		}
	}
	if l.s.SealedThrough() != maxCuts {
		t.Errorf("sealed through %d", l.s.SealedThrough())
	}
	for range maxCuts { // beside those that have their SEAL
		l.cut()
	}
	l.want(CodeProofLimit, KindCut, cutCommand{l.s.Ordinal()})
	if err := NewSection().Restore(bytes.NewReader(frozen(t, l.s))); err != nil {
		t.Error(err)
	}
}

// differing is a rig of two of three nodes whose censuses differ.
func differing(t *testing.T) *rig {
	r := newRig(t, 3)
	r.nodes = r.nodes[:2]
	r.began = time.Now()
	r.nodes[0].policy = []byte(`{"revision":9}`)
	r.start(t)
	r.pass(10 * time.Second)
	return r
}

// TestSealOnDemandWithoutCensus: whoever asks again and again while no census is agreed on ends a few seals a minute, and keeps none from ending later: the
// first one behind the fault is counted.
func TestSealOnDemandWithoutCensus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := differing(t)
		var refused *Refusal
		limits := 0
		for range 100 {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			if _, err := r.nodes[0].sealer.Seal(ctx); errors.As(err, &refused) && refused.Code == CodeProofLimit {
				limits++
				r.pass(2 * time.Second)
			}
			cancel()
		}
		if ended := int(r.state().Ordinal()) - 1; ended > mostWaiting*5 || ended <= mostWaiting || limits == 0 {
			t.Errorf("%d ended in %s, %d calls were refused", ended, time.Since(r.began), limits)
		}
		r.change(func() { r.nodes[0].policy = r.nodes[1].policy })
		r.pass(2 * patience)
		r.seal(r.nodes[0])
	})
}

// TestCheckpointByRemoval: two of five have signed, and two others go: those two are more than half now.
func TestCheckpointByRemoval(t *testing.T) {
	l := keyed(t)
	five := append(slices.Clone(three), "n4.d", "n5.e")
	l.voters = five
	l.cosign(0, "n1.a")
	l.cosign(32, "n2.b")
	if l.s.Newest().Size != 0 {
		t.Fatal("two of five are a majority")
	}
	before := frozen(t, l.s)
	l.s.At(l.history, clusterID, five[:4])
	if l.s.Newest().Size != 0 {
		t.Fatal("two of four are a majority")
	}
	l.s.At(l.history, clusterID, three)
	if newest := l.s.Newest(); newest.Size != l.s.Current().Size || len(l.s.Signers()) != 2 {
		t.Errorf("the newest checkpoint is %+v", newest)
	}
	after := frozen(t, l.s)
	restored := NewSection() // at that floor, and from before the change
	for _, floor := range [][]byte{before, after} {
		if err := restored.Restore(bytes.NewReader(floor)); err != nil {
			t.Fatal(err)
		}
		restored.At(l.history, clusterID, three)
		if got := frozen(t, restored); string(got) != string(after) {
			t.Errorf("%s\nwant\n%s", got, after)
		}
	}
	l.s.At(l.history, clusterID, three[1:2]) // it stays what it is
	if got := frozen(t, l.s); string(got) != string(after) {
		t.Errorf("%s\nwant\n%s", got, after)
	}
}
