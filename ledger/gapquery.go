package ledger

import "github.com/gaplessdb/gapless/frame"

// GapQuery chooses gaps. The zero value of a field chooses all.
type GapQuery struct {
	Tenant  string // required
	Device  string // this device
	Prefix  string // devices that begin so
	Stream  string
	Epoch   uint32 // server's ordinal
	States  []State
	Cause   frame.Cause
	First   uint64 // gaps that reach into First..Last of their epoch's numbers
	Last    uint64 // 0 = no upper end
	Min     uint64 // gaps of at least so many numbers
	Limit   int    // gaps to list, default 1,000
	Cursor  string // Next of the page before
	NoTotal bool   // leave the totals out: pages after the first need them no more
}

// GapPage is one page of gaps, sorted by device, stream, epoch and number.
type GapPage struct {
	Totals  GapTotals `json:"totals"`  // of all pages
	Streams int       `json:"streams"` // that the totals are of
	Gaps    []GapRow  `json:"gaps"`
	Next    string    `json:"next,omitempty"` // cursor of the next page, "" on the last
}

// GapTotals is exact. Gaps counts those that the whole query chooses; all other fields are about the streams and epochs that it chooses, whatever
// the state, cause, range or size of their gaps.
type GapTotals struct {
	Expected uint64 `json:"expected"`
	Stored   uint64 `json:"stored"`
	Missing  uint64 `json:"missing"`
	Open     uint64 `json:"open"`
	Lost     uint64 `json:"lost"`
	Declared uint64 `json:"declared"`
	Shed     uint64 `json:"shed"`
	Rejected uint64 `json:"rejected"`
	Expired  uint64 `json:"expired"`
	Gaps     uint64 `json:"gaps"`
}

// GapRow is a gap and where it is.
type GapRow struct {
	Device string `json:"device"`
	Stream string `json:"stream"`
	Epoch  uint32 `json:"epoch"`
	GapReport
}

const defaultGapLimit = 1000

// Gaps runs a query. A cursor that Gaps did not make is a *CommandError.
func (l *Ledger) Gaps(q GapQuery) (GapPage, error) {
	page := GapPage{Gaps: []GapRow{}}
	at, err := parseCursor(q.Cursor)
	if err != nil {
		return page, err
	}
	if !q.NoTotal {
		l.gapTotals(&q, &page)
	}
	limit := q.Limit
	if limit <= 0 {
		limit = defaultGapLimit
	}
	l.chosen(&q, at.before(), func(s *stream) bool {
		for _, e := range s.epochs {
			if e.whole() || !q.takesEpoch(e) || at.beyond(s, e) {
				continue
			}
			for g := range e.gaps(max(q.First, at.from(s, e))) {
				if q.Last > 0 && g.first > q.Last {
					break
				}
				if !q.takes(&g) {
					continue
				}
				if len(page.Gaps) == limit {
					page.Next = cursor{s.device, s.family.stream, e.ordinal, g.first}.String()
					return false
				}
				page.Gaps = append(page.Gaps, GapRow{s.device, s.family.stream, e.ordinal, e.reportGap(&g)})
			}
		}
		return true
	})
	return page, nil
}

// chosen calls fn for the query's streams behind a cursor until it returns false.
func (l *Ledger) chosen(q *GapQuery, after string, fn func(*stream) bool) {
	prefix := q.Prefix
	if q.Device != "" {
		prefix = q.Device
	}
	l.walk(q.Tenant, prefix, after, func(s *stream) bool {
		if q.Device != "" && s.device != q.Device {
			return s.device < q.Device
		}
		if q.Stream != "" && s.family.stream != q.Stream {
			return true
		}
		return fn(s)
	})
}

func (l *Ledger) gapTotals(q *GapQuery, page *GapPage) {
	t := &page.Totals
	var sum Balance
	l.chosen(q, "", func(s *stream) bool {
		page.Streams++
		for _, e := range s.epochs {
			if q.takesEpoch(e) {
				sum.add(e.counters())
				t.Gaps += e.countGaps(q)
			}
		}
		return true
	})
	t.Expected, t.Stored, t.Missing = sum.Expected, sum.Stored, sum.Missing()
	t.Open, t.Lost, t.Declared = sum.Open, sum.Lost, sum.Declared
	t.Shed, t.Rejected, t.Expired = sum.Shed, sum.Rejected, sum.Expired
}

func (q *GapQuery) takesEpoch(e *epoch) bool { return q.Epoch == 0 || q.Epoch == e.ordinal }

// takes judges a gap by itself. The upper end of the range is the caller's.
func (q *GapQuery) takes(g *gap) bool {
	if q.Cause != 0 && q.Cause != g.cause || g.count() < q.Min {
		return false
	}
	for _, s := range q.States {
		if s == g.state {
			return true
		}
	}
	return len(q.States) == 0
}

// countGaps counts the gaps that the query takes. Without a range or a least size, holes of which nothing special is known are counted without
// visiting them.
func (e *epoch) countGaps(q *GapQuery) (count uint64) {
	if e.whole() {
		return 0
	}
	if q.First > 0 || q.Last > 0 || q.Min > 1 {
		for g := range e.gaps(q.First) {
			if q.Last > 0 && g.first > q.Last {
				break
			}
			if q.takes(&g) {
				count++
			}
		}
		return count
	}
	visited := uint64(0)
	for hole := range e.specialHoles() {
		visited++
		for g := range e.pieces(hole) {
			if q.takes(&g) {
				count++
			}
		}
	}
	if plain := gapLost(span{0, 1}); q.takes(&plain) {
		count += e.holeCount() - visited
	}
	return count
}

// holeCount is the number of holes between base and next.
func (e *epoch) holeCount() uint64 {
	if e.cov.Len() == 0 {
		return min(e.expected(), 1)
	}
	n := uint64(e.cov.Len() - 1)
	if e.cov.first().first > e.base {
		n++
	}
	if e.cov.tail.end < e.next {
		n++
	}
	return n
}

// specialHoles yields the holes that hold an open gap or a cause, ascending.
func (e *epoch) specialHoles() func(yield func(span) bool) {
	return func(yield func(span) bool) {
		r := e.less()
		for at := e.base; ; {
			n := e.next
			if open, any := r.open.at(r.openAt(at)); any {
				n = open.first
			}
			if known, any := r.facts.at(r.factAt(at)); any {
				n = min(n, max(known.first, at))
			}
			if n >= e.next {
				return
			}
			hole, _ := e.cov.around(n, span{e.base, e.next})
			if !yield(hole) {
				return
			}
			at = hole.end
		}
	}
}
