package certificate

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"sort"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// Moment is a number and its device time.
type Moment struct {
	Seq uint64
	NS  int64
}

// Timing finds the numbers of an epoch that may lie in a time: stored ones with a device time in it, and ones without (missing, or without a device
// time) for which the neighbours that have one leave that open. Number in order is taken for time in order there.
type Timing struct {
	From, To    int64  // nanoseconds; To is excluded
	Base, Next  uint64 // the epoch's numbers
	first, last uint64
	any         bool
	at          uint64 // the number behind the newest moment, if any
	atNS        int64
	begun       bool
}

// Add takes the next moment, in order of numbers, from Base on.
func (t *Timing) Add(m Moment) {
	t.open(m.Seq, m.NS)
	if m.NS >= t.From && m.NS < t.To {
		t.take(m.Seq, m.Seq)
	}
	t.begun, t.at, t.atNS = true, m.Seq+1, m.NS
}

// Range is the first and the last of these numbers, nil when there is none.
func (t *Timing) Range() []uint64 {
	t.open(t.Next, math.MaxInt64)
	if !t.any {
		return nil
	}
	return []uint64{t.first, t.last}
}

// open looks at the numbers without a time before end, behind which the time is ns.
func (t *Timing) open(end uint64, ns int64) {
	from, after := t.Base, int64(math.MinInt64)
	if t.begun {
		from, after = t.at, t.atNS
	}
	if from < end && after < t.To && ns >= t.From {
		t.take(from, end-1)
	}
}

func (t *Timing) take(first, last uint64) {
	if !t.any {
		t.any, t.first = true, first
	}
	t.last = last
}

// momentNumbers is how many numbers of an epoch Moments holds at a time.
const momentNumbers = 1 << 20

// Moments calls fn for the frames of an epoch that have a device time, by number, each once: those with numbers in runs, out of any segments.
func Moments(in []*segment.Reader, key frame.StreamKey, ordinal uint32, runs []ledger.Run, fn func(Moment)) error {
	if len(runs) == 0 {
		return nil
	}
	var epochs []segmentEpoch
	for _, r := range in {
		e, ok, err := r.Epoch(key, ordinal)
		if err != nil {
			return err
		}
		if ok {
			epochs = append(epochs, segmentEpoch{r, e})
		}
	}
	var some []Moment
	for first, last := range stretches(runs, momentNumbers) {
		some = some[:0]
		for i := range epochs {
			if err := epochs[i].moments(first, last, &some); err != nil {
				return err
			}
		}
		slices.SortFunc(some, func(a, b Moment) int { return cmp.Compare(a.Seq, b.Seq) })
		for i, m := range some {
			if (i == 0 || some[i-1].Seq != m.Seq) && holds(runs, m.Seq) {
				fn(m)
			}
		}
	}
	return nil
}

// stretches cuts the numbers from the first to the last run so that each part has at most n of the runs' numbers.
func stretches(runs []ledger.Run, n uint64) iter.Seq2[uint64, uint64] {
	return func(yield func(first, last uint64) bool) {
		first, left := uint64(0), n
		for i, run := range runs {
			if left == n {
				first = run.First
			}
			for run.Last-run.First >= left {
				last := run.First + left - 1
				if !yield(first, last) {
					return
				}
				run.First, first, left = last+1, last+1, n
			}
			left -= run.Last - run.First + 1
			if i == len(runs)-1 && !yield(first, run.Last) {
				return
			}
		}
	}
}

type segmentEpoch struct {
	r *segment.Reader
	e segment.Epoch
}

func (s *segmentEpoch) moments(first, last uint64, dst *[]Moment) error {
	if s.e.LastSeq < first || s.e.FirstSeq > last {
		return nil
	}
	span := segment.All()
	span.FirstSeq, span.LastSeq = first, last
	_, err := s.r.Scan(&s.e, span, segment.Columns{}, func(rec *segment.Record) bool {
		if rec.Flags&segment.FlagNoTime == 0 {
			*dst = append(*dst, Moment{rec.Seq, rec.TimeNS})
		}
		return true
	})
	return err
}

// holds reports whether a number is in one of the runs.
func holds(runs []ledger.Run, n uint64) bool {
	i := sort.Search(len(runs), func(i int) bool { return runs[i].Last >= n })
	return i < len(runs) && runs[i].First <= n
}
