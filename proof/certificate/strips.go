package certificate

import (
	"fmt"
	"slices"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/record"
)

// stored is how many numbers of each epoch in scope count and are stored, and have not been found in a strip.
type stored struct {
	epochs map[leaves.Key]uint64
	left   uint64 // of all epochs
}

func (s *stored) want(l *census.Leaf, scope *Scope) {
	for i := range l.Epochs {
		e := &l.Epochs[i]
		if n := numbersIn(Clip(e.Runs, scope.Counts())); n > 0 && scope.HoldsEpoch(e.Ordinal) {
			s.epochs[leaves.Key{StreamKey: l.Key, Epoch: e.Ordinal}] = n
			s.left += n
		}
	}
}

// found takes a strip's numbers off, and reports whether some count. The strips of an epoch whose numbers were all found are not asked for.
func (s *stored) found(strip *content.Strip, scope *Scope) (bool, error) {
	key := leaves.Key{StreamKey: strip.Key, Epoch: strip.Epoch}
	left := s.epochs[key]
	if left == 0 {
		return false, nil
	}
	n := numbersIn(Clip(strip.Runs, scope.Counts()))
	if n > left {
		return false, fmt.Errorf("certificate: ordinal %d has %d numbers of %s, the census calls only %d more stored", strip.Ordinal, n, key, left)
	}
	s.epochs[key] -= n
	s.left -= n
	return n > 0, nil
}

// Clip is the part of some runs that lies in another one.
func Clip(runs []ledger.Run, in ledger.Run) []ledger.Run {
	from := slices.IndexFunc(runs, func(r ledger.Run) bool { return r.Last >= in.First })
	if from < 0 {
		return nil
	}
	clipped := slices.Clone(runs[from:])
	for i := range clipped {
		r := &clipped[i]
		if r.First > in.Last {
			return clipped[:i]
		}
		r.First, r.Last = max(r.First, in.First), min(r.Last, in.Last)
	}
	return clipped
}

func numbersIn(runs []ledger.Run) (n uint64) {
	for _, r := range runs {
		n += r.Last - r.First + 1
	}
	return n
}

// seals shows the strips that have the numbers of the scope, from the newest on until all are found: what a certificate is about is mostly new.
func (b *builder) seals() error {
	b.c.Proof.Seals = []SealTree{}
	if b.c.Scope.CountsOnly {
		return nil
	}
	spans := b.c.Scope.Spans()
	for n := b.newest.Seal; n > 0 && b.wants.left > 0; n-- {
		if err := b.seal(n, spans); err != nil {
			return err
		}
	}
	if b.wants.left > 0 {
		return fmt.Errorf("certificate: %d frames that the census at %d calls stored are in no strip up to ordinal %d", b.wants.left, b.newest.Index, b.newest.Seal)
	}
	slices.Reverse(b.c.Proof.Seals)
	return nil
}

// seal shows what an ordinal has of the scope, if anything.
func (b *builder) seal(n uint32, spans []Span) error {
	if err := b.room.take(0); err != nil {
		return err
	}
	in, err := b.src.Strips(n)
	if err != nil {
		return err
	}
	ranges, err := b.stripsOf(in, spans)
	if err != nil || len(ranges) == 0 {
		return err
	}
	at, err := b.src.SealAt(n)
	if err != nil {
		return err
	}
	rec, err := b.entry(at)
	if err != nil {
		return err
	}
	seal, ok := rec.(*record.Seal)
	if !ok || seal.Ordinal != n {
		return fmt.Errorf("certificate: record %d is not the SEAL of ordinal %d", at, n)
	}
	b.c.Proof.Seals = append(b.c.Proof.Seals, SealTree{at, n, ranges})
	return sameRoot(in, seal.Root, fmt.Sprintf("ordinal %d", n))
}

// stripsOf is the ranges of an ordinal's strips that have a number of the scope.
func (b *builder) stripsOf(in Leaves, spans []Span) ([]Range, error) {
	s := &selection{in: in, room: b.room}
	at := int64(0)
	for _, span := range spans {
		i := s.search(at, span.First)
		for at = s.search(i, span.End); i < at && s.err == nil; i++ {
			leaf := s.leaf(i)
			if s.err != nil {
				return nil, s.err
			}
			if shown, err := b.shows(leaf); err != nil {
				return nil, err
			} else if shown {
				s.add(i, leaf)
			}
		}
	}
	return s.end()
}

func (b *builder) shows(leaf []byte) (bool, error) {
	if err := b.room.take(0); err != nil {
		return false, err
	}
	strip, err := content.ParseStrip(leaf)
	if err != nil {
		return false, fmt.Errorf("certificate: %w", err)
	}
	return b.wants.found(&strip, &b.c.Scope)
}
