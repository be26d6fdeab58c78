package census

import (
	"fmt"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// Walk calls fn for the leaf of every stream, ascending by (tenant, device, stream), until fn returns an error, which it hands on. Nobody may
// change the ledger meanwhile. The leaf is fn's until it returns. A ledger that contradicts itself is an error, not a statement.
func Walk(l *ledger.Ledger, fn func(*Leaf) error) error {
	w := walker{}
	for id, key := range l.All() {
		if err := w.stream(l, id, key); err != nil {
			return fmt.Errorf("census: stream %q: %w", key, err)
		}
		if err := fn(&w.leaf); err != nil {
			return err
		}
	}
	return nil
}

// walker makes leaves, all in the same memory.
type walker struct {
	leaf Leaf
	runs []ledger.Run
	gaps []Gap
}

func (w *walker) stream(l *ledger.Ledger, id frame.StreamID, key frame.StreamKey) error {
	w.leaf.Key, w.leaf.Epochs = key, w.leaf.Epochs[:0]
	w.runs, w.gaps = w.runs[:0], w.gaps[:0]
	for a := range l.Accounts(id) {
		w.leaf.Epochs = append(w.leaf.Epochs, epochOf(&a))
		e := &w.leaf.Epochs[len(w.leaf.Epochs)-1]
		w.fill(e, &a)
		if got := e.Balance(); got != a.Balance {
			return fmt.Errorf("epoch %d: its runs and gaps are %+v, its counters %+v", a.Ordinal, got, a.Balance)
		}
		*e = told(stored(*e))
	}
	return w.leaf.check()
}

// fill enters runs and gaps. They stay where they are when the walker's memory has to grow for later ones.
func (w *walker) fill(e *Epoch, a *ledger.Account) {
	run, gap := len(w.runs), len(w.gaps)
	for r := range a.Runs() {
		w.runs = append(w.runs, r)
	}
	for p := range a.Pieces() {
		g := Gap(p)
		if last := len(w.gaps) - 1; last >= gap && w.gaps[last].Last+1 == g.First && w.gaps[last].sameAs(&g) {
			w.gaps[last].Last = g.Last
			continue
		}
		w.gaps = append(w.gaps, g)
	}
	e.Runs, e.Gaps = w.runs[run:len(w.runs):len(w.runs)], w.gaps[gap:len(w.gaps):len(w.gaps)]
}

func epochOf(a *ledger.Account) Epoch {
	return Epoch{
		Ordinal: a.Ordinal, Value: a.Value, Source: a.Source,
		Begun: a.Begun, Unnumbered: a.Unnumbered, Probation: a.Probation, Ambiguous: a.Ambiguous,
		Base: a.Base, Next: a.Next, TailMS: a.TailMS,
		Head:   Head(numberOf(headNames[:], a.HeadBasis)),
		Tail:   Tail(numberOf(tailNames[:], a.TailBasis)),
		Sealed: a.Sealed, Counted: a.Counted, SealLast: a.SealLast, SealCount: a.SealCount,
		After: a.After, Linked: a.Linked, LinkDelta: a.LinkDelta, Offset: a.Offset, Wraps: a.Wraps,
		Identical: a.Identical, Conflict: a.Conflict, Unverified: a.Unverified, Suspected: a.Suspected,
		Contradictions: a.Contradictions, LateClosed: a.LateClosed, Ambiguities: a.Ambiguities,
	}
}

// numberOf is the inverse of nameOf, 0 for a name that there is not, which check refuses.
func numberOf(names []string, name string) uint8 {
	for i, n := range names {
		if n == name {
			return uint8(i)
		}
	}
	return 0
}
