package query

import (
	"math"
	"sort"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/query/series"
)

// bucketWindows finds for every bucket the numbers that can lie in it: from behind the last stored row before it to before the first one behind.
type bucketWindows struct {
	e         *seriesEpoch
	grid      *series.Grid
	low, high []uint64

	since       []outside // the lowest number at or after the beginning of each bucket
	count       []uint64  // of missing numbers in all pieces before each
	unexplained []int     // of pieces likewise
}

func newBucketWindows(e *seriesEpoch, grid *series.Grid, low, high []uint64) *bucketWindows {
	w := &bucketWindows{e: e, grid: grid, low: low, high: high}
	w.since = make([]outside, grid.Len()+1)
	w.count, w.unexplained = make([]uint64, len(e.missing)+1), make([]int, len(e.missing)+1)
	for i := range e.missing {
		p := &e.missing[i]
		w.count[i+1], w.unexplained[i+1] = w.count[i]+p.Last-p.First+1, w.unexplained[i]
		if !p.explained {
			w.unexplained[i+1]++
		}
	}
	return w
}

// each calls fn for every bucket that numbers can lie in.
func (w *bucketWindows) each(fn func(b int, c Completeness)) {
	n := w.grid.Len()
	w.since[n] = w.e.after
	for b := n - 1; b >= 0; b-- {
		w.since[b] = w.since[b+1]
		if w.low[b] <= w.high[b] {
			w.since[b].lower(outside{w.low[b], true})
		}
	}
	before := w.e.before // the highest number before the beginning of the bucket
	for b := range n {
		until := before
		if w.low[b] <= w.high[b] {
			until.raise(outside{w.high[b], true})
		}
		if asked, ok := w.window(b, before, until); ok {
			if c, ok := w.completeness(asked); ok {
				fn(b, c)
			}
		}
		before = until
	}
}

// window is the numbers that a bucket stands for.
func (w *bucketWindows) window(b int, before, until outside) (asked ledger.Run, ok bool) {
	asked.Last = math.MaxUint64
	front, back := w.grid.Open()
	if !front || b > 0 {
		if asked.First, ok = w.first(before, w.since[b]); !ok {
			return asked, false
		}
	}
	if !back || b < w.grid.Len()-1 {
		if asked.Last, ok = w.last(until, w.since[b+1]); !ok {
			return asked, false
		}
	}
	return asked, asked.First <= asked.Last
}

// first is the number behind the stored row before the first one since a time; before is the highest one before that time.
func (w *bucketWindows) first(before, since outside) (uint64, bool) {
	switch {
	case !before.any:
		return 0, true
	case since.any && since.seq < before.seq: // times do not ascend
		below, any := w.below(since.seq)
		if !any {
			return 0, true
		}
		before.seq = below
	}
	return before.seq + 1, before.seq < math.MaxUint64
}

// last is the number before the stored row behind the last one until a time; since is the lowest one after that time.
func (w *bucketWindows) last(until, since outside) (uint64, bool) {
	switch {
	case !since.any:
		return math.MaxUint64, true
	case until.any && until.seq > since.seq:
		above, any := w.above(until.seq)
		if !any {
			return math.MaxUint64, true
		}
		since.seq = above
	}
	return since.seq - 1, since.seq > 0
}

// below is the highest stored number below one that is stored. The pieces of missing numbers begin and end beside stored ones, or where nothing
// more is expected.
func (w *bucketWindows) below(seq uint64) (uint64, bool) {
	list := w.e.missing
	i := sort.Search(len(list), func(i int) bool { return list[i].Last >= seq }) - 1
	for ; i >= 0 && list[i].Last == seq-1; i-- { // pieces of several causes may touch
		seq = list[i].First
	}
	return seq - 1, seq > w.e.extent.First
}

// above is the lowest stored number above one that is stored.
func (w *bucketWindows) above(seq uint64) (uint64, bool) {
	list := w.e.missing
	i := sort.Search(len(list), func(i int) bool { return list[i].First > seq })
	for ; i < len(list) && list[i].First == seq+1; i++ {
		seq = list[i].Last
	}
	return seq + 1, seq < w.e.extent.Last
}

// completeness judges the numbers of a bucket. It is false when none of them is expected.
func (w *bucketWindows) completeness(asked ledger.Run) (Completeness, bool) {
	x := &w.e.extent
	got := ledger.Run{First: max(asked.First, x.First), Last: min(asked.Last, x.Last)}
	if got.First > got.Last {
		return Completeness{}, false
	}
	missing, unexplained := w.missing(got)
	c := Completeness{Expected: got.Last - got.First + 1}
	c.Stored = c.Expected - missing
	c.Verdict = gradeIn(x, asked, got, missing > 0, unexplained)
	return c, true
}

// missing counts the missing numbers of a range, which begins and ends beside stored ones or with what is expected: no piece reaches over its ends.
func (w *bucketWindows) missing(in ledger.Run) (count uint64, unexplained bool) {
	list := w.e.missing
	from := sort.Search(len(list), func(i int) bool { return list[i].Last >= in.First })
	to := from + sort.Search(len(list)-from, func(i int) bool { return list[from+i].First > in.Last })
	return w.count[to] - w.count[from], w.unexplained[to] > w.unexplained[from]
}
