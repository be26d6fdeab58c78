//go:build bug_cert_counts_unacked

package census

import (
	"slices"

	"github.com/gaplessdb/gapless/ledger"
)

// Breaks: what a certificate calls stored is stored. A single number that may still come counts as if it had, where its neighbours are there.
func stored(e Epoch) Epoch {
	for i := range e.Gaps {
		g := &e.Gaps[i]
		at := slices.IndexFunc(e.Runs, func(r ledger.Run) bool { return r.Last+1 == g.First })
		if g.Cause != 0 || g.Count() > 1 || at < 0 || at+1 == len(e.Runs) || e.Runs[at+1].First != g.Last+1 {
			continue
		}
		joined := ledger.Run{First: e.Runs[at].First, Last: e.Runs[at+1].Last}
		e.Runs = slices.Replace(slices.Clone(e.Runs), at, at+2, joined)
		e.Gaps = slices.Delete(slices.Clone(e.Gaps), i, i+1)
		break
	}
	return e
}
