package series

import (
	"errors"
	"math"
	"sort"
	"time"
)

// Grid cuts a range of time into buckets without a hole between them. It is immutable.
type Grid struct {
	Starts []int64 // of the buckets, ascending, nanoseconds since the Unix epoch; the first is where the range begins
	Last   int64   // the last nanosecond of the last one
}

// ErrTooMany says that a range has more buckets than were allowed.
var ErrTooMany = errors.New("series: more buckets than allowed")

// NewGrid cuts first..last, both inclusive, into at most max buckets.
//
// A step of months, weeks or days begins its buckets where the zone first shows that date: months count from January 1970, weeks are of seven
// days from Monday 5 January 1970 on, days count from 1 January 1970. A step that is a length has buckets of exactly that length; they
// begin where the wall clock of the zone, with the offset it has at first, shows a multiple of it since 1970. The first and the last
// bucket are cut where the range begins and ends.
func NewGrid(step Step, zone *time.Location, first, last int64, max int) (*Grid, error) {
	g := &Grid{Starts: []int64{first}, Last: last}
	switch {
	case step.Zero():
		return g, nil
	case step.Length > 0:
		return g, g.lengths(int64(step.Length), zone, max)
	}
	return g, g.dates(step, zone, max)
}

func (g *Grid) lengths(length int64, zone *time.Location, max int) error {
	first := g.Starts[0]
	_, offset := time.Unix(0, first).In(zone).Zone()
	into := floorMod(floorMod(first, length)+floorMod(int64(offset)*int64(time.Second), length), length)
	left := length - into // of the first bucket
	if span := uint64(g.Last) - uint64(first); span/uint64(length) >= uint64(max) {
		return ErrTooMany
	}
	for at := first; uint64(g.Last)-uint64(at) >= uint64(left); left = length {
		at += left
		g.Starts = append(g.Starts, at)
	}
	if len(g.Starts) > max {
		return ErrTooMany
	}
	return nil
}

func floorMod(n, m int64) int64 { return ((n % m) + m) % m }

func floorDiv(n, m int64) int64 { return (n - floorMod(n, m)) / m }

// dates adds the beginnings of calendar units.
func (g *Grid) dates(step Step, zone *time.Location, max int) error {
	year, month, day := time.Unix(0, g.Starts[0]).In(zone).Date()
	n := stepAt(step, year, month, day)
	for {
		n++
		at, ok := dateStart(step, n, zone)
		if !ok || at > g.Last {
			return nil
		}
		if at <= g.Starts[len(g.Starts)-1] {
			continue // a zone that jumped over the date line has no such day
		}
		if len(g.Starts) == max {
			return ErrTooMany
		}
		g.Starts = append(g.Starts, at)
	}
}

// monday is the first Monday of 1970, in days since its first.
const monday = 4

// stepAt numbers the calendar units.
func stepAt(step Step, year int, month time.Month, day int) int64 {
	if step.Months > 0 {
		return floorDiv(int64(year-1970)*12+int64(month-1), int64(step.Months))
	}
	days := floorDiv(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix(), 86_400)
	if step.Weeks > 0 {
		return floorDiv(days-monday, 7*int64(step.Weeks))
	}
	return floorDiv(days, int64(step.Days))
}

// dateStart is where a calendar unit begins; false where that is beyond what int64 can hold.
func dateStart(step Step, n int64, zone *time.Location) (int64, bool) {
	var day time.Time
	switch {
	case step.Months > 0:
		day = time.Date(1970, 1+time.Month(n*int64(step.Months)), 1, 0, 0, 0, 0, time.UTC)
	case step.Weeks > 0:
		day = time.Date(1970, 1, 1+monday+int(n)*7*step.Weeks, 0, 0, 0, 0, time.UTC)
	default:
		day = time.Date(1970, 1, 1+int(n)*step.Days, 0, 0, 0, 0, time.UTC)
	}
	t := firstShown(day, zone)
	if t.Year() < 1678 || t.Year() > 2261 {
		return 0, false
	}
	return t.UnixNano(), true
}

// firstShown is when clocks in the zone first show the date: there is no midnight where they are put forward at that hour, and there are two
// where they are put back.
func firstShown(day time.Time, zone *time.Location) time.Time {
	const widest = 27 * time.Hour // more than any offset
	for t := day.Add(-widest).In(zone); ; {
		_, offset := t.Zone()
		start, end := t.ZoneBounds()
		if !end.IsZero() && !end.After(t) { // package time lets years that are in no table end after 365 days
			end = t.Add(24 * time.Hour)
		}
		midnight := day.Add(-time.Duration(offset) * time.Second)
		if !start.IsZero() && midnight.Before(start) {
			midnight = start
		}
		if end.IsZero() || midnight.Before(end) {
			return midnight
		}
		t = end
	}
}

// Len is how many buckets there are.
func (g *Grid) Len() int { return len(g.Starts) }

// End is the last nanosecond of a bucket.
func (g *Grid) End(i int) int64 {
	if i+1 == len(g.Starts) {
		return g.Last
	}
	return g.Starts[i+1] - 1
}

// Find is the bucket that a time lies in, -1 where it lies outside.
func (g *Grid) Find(ns int64) int {
	if ns > g.Last {
		return -1
	}
	return sort.Search(len(g.Starts), func(i int) bool { return g.Starts[i] > ns }) - 1
}

// FindFrom is Find for a time that lies mostly in the bucket of the time before, or in the next one.
func (g *Grid) FindFrom(bucket int, ns int64) int {
	for b := bucket; b >= 0 && b < len(g.Starts) && b <= bucket+1; b++ {
		if g.Starts[b] <= ns && ns <= g.End(b) {
			return b
		}
	}
	return g.Find(ns)
}

// Open reports whether the range has no beginning, or no end.
func (g *Grid) Open() (front, back bool) {
	return g.Starts[0] == math.MinInt64, g.Last == math.MaxInt64
}
