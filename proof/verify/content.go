package verify

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/proof/leaves"
)

// strip is a proven strip of the scope.
type strip struct {
	key  leaves.Key
	leaf []byte
}

// content takes the strips that are shown, and holds their numbers against the census: one that is left out lacks there.
func (r *run) content() (string, error) {
	if r.c.Scope.CountsOnly {
		if n := len(r.c.Proof.Seals); n > 0 {
			return "", tampered("a certificate of counts only, with the strips of %d ordinals", n)
		}
		return "", nil
	}
	r.epochs = map[leaves.Key]*census.Epoch{}
	for _, l := range r.streams {
		for i := range l.Epochs {
			if e := &l.Epochs[i]; r.c.Scope.HoldsEpoch(e.Ordinal) {
				r.epochs[leaves.Key{StreamKey: l.Key, Epoch: e.Ordinal}] = e
			}
		}
	}
	runs := make(map[leaves.Key][]ledger.Run, len(r.epochs))
	count := 0
	r.strips = make([][]strip, len(r.seals))
	for i := range r.seals {
		found, err := r.stripsOf(i, runs)
		if err != nil {
			return "", err
		}
		r.strips[i] = found
		count += len(found)
		r.in.Progress("strips", int64(i+1), int64(len(r.seals)))
	}
	frames := uint64(0)
	for _, l := range r.streams {
		for i := range l.Epochs {
			k := leaves.Key{StreamKey: l.Key, Epoch: l.Epochs[i].Ordinal}
			if r.epochs[k] == nil {
				continue
			}
			n, err := r.sameNumbers(k, runs[k], &l.Epochs[i])
			if err != nil {
				return "", err
			}
			frames += n
		}
	}
	return fmt.Sprintf("%d strips in %d ordinals, none left out: the %d frames of the scope that were hashed are those that the census calls stored, in %d epochs",
		count, len(r.seals), frames, len(r.epochs)), nil
}

// stripsOf takes the strips of one ordinal, and adds their numbers to runs.
func (r *run) stripsOf(i int, runs map[leaves.Key][]ledger.Run) (found []strip, err error) {
	seal := r.seals[i]
	where := fmt.Sprintf("ordinal %d", seal.Ordinal)
	tree, err := openTree(where, r.c.Proof.Seals[i].Ranges, seal.Strips, seal.Root, func(b []byte) (leaves.Key, error) {
		s, err := content.ParseStrip(b)
		if err != nil {
			return leaves.Key{}, err
		}
		k := leaves.Key{StreamKey: s.Key, Epoch: s.Epoch}
		switch {
		case s.Ordinal != seal.Ordinal:
			return k, fmt.Errorf("a strip of ordinal %d", s.Ordinal)
		case r.epochs[k] == nil:
			return k, fmt.Errorf("a strip of %s, an epoch that is not in scope, or not in the census", k)
		case !r.counts(k, s.Runs):
			return k, fmt.Errorf("a strip of %s that has no number in scope", k)
		}
		runs[k] = append(runs[k], s.Runs...)
		return k, nil
	})
	if err != nil {
		return nil, err
	}
	if len(tree.keys) == 0 {
		return nil, tampered("%s: no strip of it is shown", where)
	}
	for j, k := range tree.keys {
		found = append(found, strip{k, tree.bytes[j]})
	}
	return found, nil
}

// counts reports whether some of these numbers are among those that the certificate is about. Of an epoch that the census does not know all are.
func (r *run) counts(k leaves.Key, runs []ledger.Run) bool {
	return r.epochs[k] == nil || len(certificate.Clip(runs, r.c.Scope.Counts())) > 0
}

// sameNumbers holds the numbers of an epoch's strips against what the census calls stored. No number is in two strips.
func (r *run) sameNumbers(k leaves.Key, hashed []ledger.Run, e *census.Epoch) (frames uint64, err error) {
	slices.SortFunc(hashed, func(a, b ledger.Run) int { return cmp.Compare(a.First, b.First) })
	joined := hashed[:0]
	for _, run := range hashed {
		n := len(joined)
		switch {
		case n > 0 && run.First <= joined[n-1].Last:
			return 0, tampered("%s: number %d is in two strips", k, run.First)
		case n > 0 && run.First == joined[n-1].Last+1:
			joined[n-1].Last = run.Last
		default:
			joined = append(joined, run)
		}
	}
	got, want := certificate.Clip(joined, r.c.Scope.Counts()), certificate.Clip(e.Runs, r.c.Scope.Counts())
	if where, g, w, ok := differs(got, want); ok && len(got)+len(want) > 0 {
		return 0, tampered("%s: the numbers in its strips are not those that the census calls stored: runs%s is %s, in the census %s", k, where, g, w)
	}
	for _, run := range got {
		frames += run.Last - run.First + 1
	}
	return frames, nil
}

// epochOf is what the certificate says of an epoch of the scope, nil for nothing.
func (r *run) epochOf(k leaves.Key) *certificate.Epoch {
	i, ok := slices.BinarySearchFunc(r.c.Streams, k, func(s certificate.Stream, k leaves.Key) int {
		return cmp.Or(cmp.Compare(s.Device, k.Device), cmp.Compare(s.Stream, k.Stream))
	})
	if !ok {
		return nil
	}
	for j := range r.c.Streams[i].Epochs {
		if e := &r.c.Streams[i].Epochs[j]; e.Epoch == k.Epoch {
			return e
		}
	}
	return nil
}
