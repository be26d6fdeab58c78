package main

import (
	"math"
	"sort"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// salvage calls fn for the frames of a span, and lost for each block that cannot be read, which it leaves out. It ends with the first
// error of theirs.
func salvage(r *segment.Reader, e *segment.Epoch, span segment.Span, fn func(*segment.Record) error, lost func(error) error) error {
	for more := true; more; {
		var stop error
		_, err := r.Scan(e, span, segment.Columns{All: true}, func(rec *segment.Record) bool {
			span.FirstSeq = rec.Seq + 1
			stop = fn(rec)
			return stop == nil
		})
		if err == nil || stop != nil {
			return stop
		}
		if err := lost(err); err != nil {
			return err
		}
		span.FirstSeq, more = behindLoss(r, e, span.FirstSeq)
	}
	return nil
}

// behindLoss returns the first stored number that is not in the first unreadable block of an epoch from a number on; false when there is none.
//
// Which numbers a block has stands in the block. The index says which numbers there are, and not where blocks end; but a read of one
// number reads one block, and the numbers of a block follow each other. So its end is found by halving.
func behindLoss(r *segment.Reader, e *segment.Epoch, from uint64) (seq uint64, ok bool) {
	span := segment.All()
	span.FirstSeq = from
	_, loss := r.Scan(e, span, segment.Columns{All: true}, func(rec *segment.Record) bool {
		from = rec.Seq + 1
		return true
	})
	if loss == nil {
		return 0, false
	}
	k := 1 + sort.Search(math.MaxInt32, func(k int) bool {
		seq, ok := nthFrom(e.Coverage(), from, uint64(k)+1)
		if !ok {
			return true
		}
		var rec segment.Record
		_, err := r.Get(e, seq, segment.Columns{All: true}, &rec)
		return err == nil || err.Error() != loss.Error() // which names the place
	})
	return nthFrom(e.Coverage(), from, uint64(k))
}

// nthFrom returns the stored number from a number on that k others stand before.
func nthFrom(runs []ledger.Run, from, k uint64) (seq uint64, ok bool) {
	for _, run := range runs {
		if run.Last < from {
			continue
		}
		first := max(run.First, from)
		if k <= run.Last-first {
			return first + k, true
		}
		k -= run.Last - first + 1
	}
	return 0, false
}
