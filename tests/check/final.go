package check

import (
	"slices"
	"time"
)

// Final is everything that one node shows in the end: fed row by row (AddRow), in any order, from GET /v1/frames of every device, those of
// the store included.
type Final struct {
	Node     string
	At       time.Duration // when reading it began: after Run.Healed, and after the last write returned
	Ready    bool          // GET /readyz answered 200
	Withheld bool          // it did not answer all that it was asked for
	History  uint64        // as_of of the newest page
	Index    uint64

	Gaps    []GapReport // of every counter
	Latest  []Read      // of every stream
	Ledger  *Ledger     // taken once the rows were read
	Storage *Storage
	Found   uint64 // damage that the node's last life counted (segments quarantined, floors not believed)

	System uint64 // rows of the store's own devices

	counters map[Counter]*shown
	order    []Counter
	lastOf   Counter // of the newest row,
	last     *shown  // and its rows
}

// Row is one frame of an answer.
type Row struct {
	Counter  Counter
	Ordinal  uint32 // the server's number of the epoch
	Number   uint64 // of the frame; the id of its payload where the server numbers
	Numbered bool   // the device numbered it
	Variant  uint64 // which bytes it has
	Wrong    string // what is wrong with its bytes, "" for nothing
	History  uint64 // of its position
	Index    uint64
	Sum      uint64 // of all that the answer says of it
}

// fewRows is how many rows of a kind are kept for the reader.
const fewRows = 8

// shown is the rows of one counter.
type shown struct {
	numbers  Numbers
	rows     uint64
	sum      uint64 // of all rows, whatever their order
	again    Numbers
	times    map[uint64]int    // of numbers that were listed more than once
	variants map[uint64]uint64 // that are not 0
	wrong    Numbers
	why      []string // of the first few
	places   []placed
}

// placed is consecutive numbers that were committed in one entry.
type placed struct {
	Span
	ordinal uint32
	place   place
}

// NewFinal is empty.
func NewFinal(node string) *Final { return &Final{Node: node, counters: map[Counter]*shown{}} }

// Add notes a frame whose bytes are right, or not, and of whose place nothing is known.
func (f *Final) Add(c Counter, number uint64, payloadOK bool) {
	row := Row{Counter: c, Number: number, Numbered: true}
	if !payloadOK {
		row.Wrong = "wrong payload"
	}
	f.AddRow(&row)
}

// AddRow notes a frame.
func (f *Final) AddRow(r *Row) {
	if r.Counter.system() {
		f.System++
		return
	}
	f.of(r.Counter).add(r)
}

func (f *Final) of(c Counter) *shown {
	if f.last != nil && f.lastOf == c {
		return f.last
	}
	s := f.counters[c]
	if s == nil {
		s = &shown{}
		f.counters[c] = s
		f.order = append(f.order, c)
	}
	f.lastOf, f.last = c, s
	return s
}

func (s *shown) add(r *Row) {
	s.rows++
	s.sum += mix(r.Sum + mix(r.Number) + r.Variant)
	if !s.numbers.Add(r.Number) {
		s.repeat(r.Number)
	}
	if r.Variant != 0 {
		if s.variants == nil {
			s.variants = map[uint64]uint64{}
		}
		s.variants[r.Number] = r.Variant
	}
	if r.Wrong != "" {
		s.wrong.Add(r.Number)
		if len(s.why) < fewRows {
			s.why = append(s.why, r.Wrong)
		}
	}
	s.locate(r)
}

func (s *shown) repeat(n uint64) {
	if s.times == nil {
		s.times = map[uint64]int{}
	}
	if s.again.Add(n) {
		s.times[n] = 1
	}
	s.times[n]++
}

func (s *shown) locate(r *Row) {
	at := place{r.History, r.Index}
	if n := len(s.places); n > 0 {
		last := &s.places[n-1]
		if last.place == at && last.ordinal == r.Ordinal && last.Last+1 == r.Number {
			last.Last++
			return
		}
	}
	s.places = append(s.places, placed{Span{r.Number, r.Number}, r.Ordinal, at})
}

// located reports whether the rows said where they were committed.
func (s *shown) located() bool {
	return !slices.ContainsFunc(s.places, func(p placed) bool { return p.place.index == 0 })
}

// by is what was committed up to a place.
func (s *shown) by(at place) Numbers {
	var spans []Span
	for _, p := range s.places {
		if p.place.compare(at) <= 0 {
			spans = append(spans, p.Span)
		}
	}
	return NumbersOf(spans...)
}

// rowsBy is how many rows were committed up to a place.
func (s *shown) rowsBy(at place) (n uint64) {
	for _, p := range s.places {
		if p.place.compare(at) <= 0 {
			n += p.Count()
		}
	}
	return n
}

// mix spreads a number over 64 bits (the finisher of splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Counters lists what the node shows, as it was first met. The store's own are left out.
func (f *Final) Counters() []Counter { return f.order }

// Numbers is what the node shows of a counter.
func (f *Final) Numbers(c Counter) Numbers {
	if s := f.counters[c]; s != nil {
		return s.numbers
	}
	return Numbers{}
}

// Frames is how many rows there are, the store's own included.
func (f *Final) Frames() uint64 {
	total := f.System
	for _, s := range f.counters {
		total += s.rows
	}
	return total
}
