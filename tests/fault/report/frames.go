package report

import "github.com/gaplessdb/gapless/tests/check"

// ackedFrames counts the frames that were acknowledged, each once however often it was sent.
func ackedFrames(run *check.Run) (total uint64) {
	spans := map[check.Counter][]check.Span{}
	for i := range run.Batches {
		if b := &run.Batches[i]; b.Outcome == check.Acked {
			spans[b.Counter] = append(spans[b.Counter], stored(b)...)
		}
	}
	for _, list := range spans {
		total += check.NumbersOf(list...).Count()
	}
	return total
}

// stored is the numbers that an answer says are there.
func stored(b *check.Batch) []check.Span {
	whole := check.Span{First: b.First, Last: b.Last}
	if len(b.Rejected) == 0 {
		return []check.Span{whole}
	}
	var kept []check.Span
	without := check.NumbersOf(singles(b.Rejected)...)
	for s := range check.NumbersOf(whole).Minus(without).Spans() {
		kept = append(kept, s)
	}
	return kept
}

func singles(list []uint64) []check.Span {
	spans := make([]check.Span, 0, len(list))
	for _, n := range list {
		spans = append(spans, check.Span{First: n, Last: n})
	}
	return spans
}
