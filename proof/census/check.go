package census

import (
	"fmt"
	"unicode/utf8"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// check says what in a leaf no ledger can mean. It is what makes a leaf's form the only one, beside what the bytes themselves leave no room for.
func (l *Leaf) check() error {
	if err := l.Key.Validate(); err != nil {
		return err
	}
	for i := range l.Epochs {
		e := &l.Epochs[i]
		err := e.check(uint32(i + 1))
		if err == nil {
			err = e.checkDeclared()
		}
		if err == nil {
			err = e.checkTiles()
		}
		if err != nil {
			return fmt.Errorf("epoch %d: %w", i+1, err)
		}
	}
	return nil
}

func (e *Epoch) check(ordinal uint32) error {
	switch {
	case e.Ordinal != ordinal:
		return fmt.Errorf("its ordinal is %d", e.Ordinal)
	case e.Source < ledger.SourceInferred || e.Source > ledger.SourceDeclared:
		return fmt.Errorf("source %d is unknown", e.Source)
	case e.Base > e.Next || e.Next > ledger.MaxSeq+1:
		return fmt.Errorf("numbers %d to %d", e.Base, e.Next)
	case !e.Begun && (e.Next > 0 || e.Head != HeadFirstSeen || e.Tail != TailLastSeen):
		return fmt.Errorf("numbers %d to %d, %v to %v, and none is known", e.Base, e.Next, e.Head, e.Tail)
	case e.After >= ordinal || e.Linked && e.After == 0 || !e.Linked && e.LinkDelta > 0:
		return fmt.Errorf("split from epoch %d, linked %v by %d", e.After, e.Linked, e.LinkDelta)
	case e.Wraps[0] > e.Wraps[1]:
		return fmt.Errorf("%d to %d wraps", e.Wraps[0], e.Wraps[1])
	}
	return frame.ValidateEpoch(e.Value)
}

// checkDeclared holds the bases against what they stand for.
func (e *Epoch) checkDeclared() error {
	switch {
	case e.Head < HeadFirstSeen || e.Head > HeadDeclared || e.Head == HeadProtocolZero && e.Base > 0:
		return fmt.Errorf("head basis %d (%v) at number %d", e.Head, e.Head, e.Base)
	case e.Tail < TailLastSeen || e.Tail > TailSeal || e.Tail == TailLastSeen && e.TailMS != 0:
		return fmt.Errorf("tail basis %d (%v), declared at %d", e.Tail, e.Tail, e.TailMS)
	case e.Sealed && e.SealLast >= e.Next:
		return fmt.Errorf("sealed at %d, and the next number is %d", e.SealLast, e.Next)
	case (e.Tail == TailSeal) != (e.Sealed && e.SealLast+1 == e.Next):
		return fmt.Errorf("tail basis %v, sealed %v at %d, and the next number is %d", e.Tail, e.Sealed, e.SealLast, e.Next)
	case e.Counted && !e.Sealed || !e.Sealed && e.SealLast > 0 || !e.Counted && e.SealCount > 0:
		return fmt.Errorf("sealed %v at %d, counted %v %d", e.Sealed, e.SealLast, e.Counted, e.SealCount)
	}
	return nil
}

// checkTiles sees that runs and gaps are the numbers from Base to Next, each number once, and no two neighbours are one.
func (e *Epoch) checkTiles() error {
	at, runs, gaps := e.Base, e.Runs, e.Gaps
	for len(runs)+len(gaps) > 0 {
		var piece ledger.Run
		switch {
		case len(runs) > 0 && runs[0].First == at:
			if piece = runs[0]; len(runs) > 1 && runs[1].First <= piece.Last+1 {
				return fmt.Errorf("run %d to %d, and the next begins at %d", piece.First, piece.Last, runs[1].First)
			}
			runs = runs[1:]
		case len(gaps) > 0 && gaps[0].First == at:
			g := &gaps[0]
			if err := g.check(); err != nil {
				return err
			}
			if piece = (ledger.Run{First: g.First, Last: g.Last}); len(gaps) > 1 && gaps[1].First == g.Last+1 && g.sameAs(&gaps[1]) {
				return fmt.Errorf("gap %d to %d, and the next at %d is the same", g.First, g.Last, gaps[1].First)
			}
			gaps = gaps[1:]
		default:
			return fmt.Errorf("number %d is neither stored nor missing, or it is both", at)
		}
		if piece.Last < piece.First || piece.Last >= e.Next {
			return fmt.Errorf("numbers %d to %d in %d to %d", piece.First, piece.Last, e.Base, e.Next)
		}
		at = piece.Last + 1
	}
	if at != e.Next {
		return fmt.Errorf("nothing is said of numbers %d to %d", at, e.Next-1)
	}
	return nil
}

func (g *Gap) check() error {
	open := g.Cause == 0 && g.Reason == "" && (g.State == ledger.StateOpen || g.State == ledger.StateRequested)
	final := known(g.Cause) && g.State == stateOf(g.Cause) && (g.Reason == "" || g.Cause.Exact())
	if !open && !final || len(g.Reason) > ledger.MaxReasonBytes || !utf8.ValidString(g.Reason) {
		return fmt.Errorf("gap %d to %d is %s for cause %d with reason %q", g.First, g.Last, g.State, g.Cause, g.Reason)
	}
	return nil
}
