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

// content finds the strips of the scope in every ordinal, all of them, and holds their numbers against the census.
func (r *run) content() (string, error) {
	runs := map[leaves.Key][]ledger.Run{}
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
	frames, epochs := uint64(0), 0
	for _, l := range r.streams {
		for i := range l.Epochs {
			k := leaves.Key{StreamKey: l.Key, Epoch: l.Epochs[i].Ordinal}
			n, err := sameNumbers(k, runs[k], &l.Epochs[i])
			if err != nil {
				return "", err
			}
			delete(runs, k)
			frames, epochs = frames+n, epochs+1
		}
	}
	for k := range runs {
		return "", tampered("the log has frames of %s, the census has no such epoch", k)
	}
	return fmt.Sprintf("%d strips in %d ordinals, none left out: the %d frames that were hashed are those that the census calls stored, in %d epochs",
		count, len(r.seals), frames, epochs), nil
}

// stripsOf finds the strips of one ordinal, and adds their numbers to runs.
func (r *run) stripsOf(i int, runs map[leaves.Key][]ledger.Run) (found []strip, err error) {
	seal := r.seals[i]
	var parsed []content.Strip
	tree, err := openTree(fmt.Sprintf("ordinal %d", seal.Ordinal), r.c.Proof.Seals[i].Ranges, seal.Strips, seal.Root, func(b []byte) (leaves.Key, error) {
		s, err := content.ParseStrip(b)
		if err == nil && s.Ordinal != seal.Ordinal {
			err = fmt.Errorf("a strip of ordinal %d", s.Ordinal)
		}
		parsed = append(parsed, s)
		return leaves.Key{StreamKey: s.Key, Epoch: s.Epoch}, err
	})
	if err != nil {
		return nil, err
	}
	for _, span := range r.spans {
		from, to, err := tree.within(&span)
		if err != nil {
			return nil, err
		}
		for j := from; j < to; j++ {
			if k := tree.keys[j]; r.c.Scope.Holds(k.StreamKey) {
				found = append(found, strip{k, tree.bytes[j]})
				runs[k] = append(runs[k], parsed[j].Runs...)
			}
		}
	}
	return found, nil
}

// sameNumbers holds the numbers of an epoch's strips against what the census calls stored. No number is in two strips.
func sameNumbers(k leaves.Key, hashed []ledger.Run, e *census.Epoch) (frames uint64, err error) {
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
		frames += run.Last - run.First + 1
	}
	if where, got, want, ok := differs(joined, e.Runs); ok && len(joined)+len(e.Runs) > 0 {
		return 0, tampered("%s: the numbers in its strips are not those that the census calls stored: runs%s is %s, in the census %s", k, where, got, want)
	}
	return frames, nil
}

// epochOf is what the certificate says of an epoch of the scope, nil for nothing.
func (r *run) epochOf(k epochKey) *certificate.Epoch {
	i, ok := slices.BinarySearchFunc(r.c.Streams, k, func(s certificate.Stream, k epochKey) int {
		return cmp.Or(cmp.Compare(s.Device, k.Device), cmp.Compare(s.Stream, k.Stream))
	})
	if !ok {
		return nil
	}
	for j := range r.c.Streams[i].Epochs {
		if e := &r.c.Streams[i].Epochs[j]; e.Epoch == k.epoch {
			return e
		}
	}
	return nil
}
