package slowreader

import (
	"cmp"
	"fmt"
	"slices"
)

// coverage reads the strips in scope, and makes sure that they have the numbers that the census says are stored.
func (v *verification) coverage() error {
	stored := map[Key][]Run{}
	for i, s := range v.cert.Proof.Seals {
		strips, err := v.stripsOf(v.seals[i], s.Ranges)
		if err != nil {
			return fmt.Errorf("ordinal %d: %w", s.Ordinal, err)
		}
		v.strips = append(v.strips, strips)
		for _, strip := range strips {
			stored[strip.Key] = append(stored[strip.Key], strip.Runs...)
		}
	}
	for _, a := range v.accounts {
		for i := range a.Epochs {
			key := a.Key
			key.Epoch = a.Epochs[i].Ordinal
			runs, err := union(stored[key])
			if err != nil {
				return fmt.Errorf("%v: %w", key, err)
			}
			if !slices.Equal(runs, a.Epochs[i].stored()) {
				return damaged("%v: the strips have %v, the census %v", key, runs, a.Epochs[i].stored())
			}
			delete(stored, key)
		}
	}
	for key := range stored {
		return damaged("%v has strips, and the census does not know it", key)
	}
	return nil
}

// stripsOf are the strips in scope of one ordinal, once none is left out.
func (v *verification) stripsOf(seal *sealRecord, ranges []leafRange) ([]*Strip, error) {
	strips := map[Key]*Strip{}
	tree, err := readRanges(seal.Root, seal.Strips, ranges, func(b []byte) (Key, error) {
		s, err := ParseStrip(b)
		if err != nil {
			return Key{}, err
		}
		if s.Ordinal != seal.Ordinal {
			return Key{}, damaged("a strip of ordinal %d", s.Ordinal)
		}
		strips[s.Key] = s
		return s.Key, nil
	})
	if err != nil {
		return nil, err
	}
	leaves, err := tree.inScope(&v.cert.Scope)
	var list []*Strip
	for _, leaf := range leaves {
		list = append(list, strips[leaf.key])
	}
	return list, err
}

// union puts runs together that do not overlap.
func union(runs []Run) ([]Run, error) {
	runs = slices.SortedFunc(slices.Values(runs), func(a, b Run) int { return cmp.Compare(a.First, b.First) })
	for i := 1; i < len(runs); i++ {
		if runs[i].First <= runs[i-1].Last {
			return nil, damaged("number %d is in two ordinals", runs[i].First)
		}
	}
	return joinRuns(nil, runs), nil
}
