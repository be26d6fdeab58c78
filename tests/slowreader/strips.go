package slowreader

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// coverage reads the strips that are shown, and makes sure that they have the numbers in scope that the census says are stored.
func (v *verification) coverage() error {
	if v.cert.Scope.CountsOnly {
		if len(v.cert.Proof.Seals) > 0 {
			return damaged("counts only, and %d ordinals", len(v.cert.Proof.Seals))
		}
		return nil
	}
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
			counts := v.counts(key)
			if want := clip(a.Epochs[i].stored(), counts); !slices.Equal(clip(runs, counts), want) {
				return damaged("%v: the strips have %v of %v, the census %v", key, runs, counts, want)
			}
		}
	}
	return nil
}

// counts is which numbers of an epoch count: nil for none.
func (v *verification) counts(key Key) []uint64 {
	scope := &v.cert.Scope
	switch {
	case !scope.holds(key) || len(scope.Epochs) > 0 && !slices.Contains(scope.Epochs, key.Epoch):
		return nil
	case len(scope.Seq) > 0:
		return scope.Seq
	}
	return []uint64{0, math.MaxUint64}
}

// knows says whether the census has an epoch.
func (v *verification) knows(key Key) bool {
	epoch := key.Epoch
	key.Epoch = 0
	a := v.accountOf(key)
	return a != nil && epoch >= 1 && epoch <= uint32(len(a.Epochs))
}

// clip is what of some runs lies between two numbers.
func clip(runs []Run, between []uint64) (list []Run) {
	for _, r := range runs {
		if len(between) == 0 || r.Last < between[0] || r.First > between[1] {
			continue
		}
		list = append(list, Run{max(r.First, between[0]), min(r.Last, between[1])})
	}
	return list
}

// stripsOf are the strips of one ordinal that are shown: each is in scope and has a number that counts, and there is one.
func (v *verification) stripsOf(seal *sealRecord, ranges []leafRange) (strips []*Strip, err error) {
	_, err = readRanges(seal.Root, seal.Strips, ranges, func(b []byte) (Key, error) {
		s, err := ParseStrip(b)
		if err != nil {
			return Key{}, err
		}
		if s.Ordinal != seal.Ordinal {
			return Key{}, damaged("a strip of ordinal %d", s.Ordinal)
		}
		if !v.knows(s.Key) || len(clip(s.Runs, v.counts(s.Key))) == 0 {
			return Key{}, damaged("a strip of %v, of which nothing counts", s.Key)
		}
		strips = append(strips, s)
		return s.Key, nil
	})
	if err == nil && len(strips) == 0 {
		err = damaged("no strip")
	}
	return strips, err
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
