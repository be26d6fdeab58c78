package query

import (
	"math"
	"slices"

	"github.com/gaplessdb/gapless/query/series"
)

// seriesTrack is one stream on its way: what was read of it so far.
type seriesTrack struct {
	run    *seriesRun
	group  *seriesGroup
	epochs []*seriesEpoch
	cellSet

	// Of the epoch at hand: the lowest and the highest number in each bucket; low is above high where there is none.
	low, high []uint64
	touched   int // cells that have values,
	held      int // of which so many are counted

	sides []bucketAside // of the epochs so far
}

// cellSet is the buckets of some fields. The zero value is empty.
type cellSet struct {
	fields map[string]*cellField
	cover  []Completeness // of the buckets, nil before any is known
}

// cellField is the buckets of one field: in pages, because most of a long range may be empty.
type cellField struct {
	name    string
	pages   [][]series.Cell
	counter series.Counter
}

const cellPage = 64

// field finds a field, or makes it.
func (c *cellSet) field(name string) *cellField {
	f := c.fields[name]
	if f == nil {
		if c.fields == nil {
			c.fields = map[string]*cellField{}
		}
		f = &cellField{name: name}
		c.fields[name] = f
	}
	return f
}

// cell is the field's cell of a bucket, of so many.
func (f *cellField) cell(b, of int) *series.Cell {
	if f.pages == nil {
		f.pages = make([][]series.Cell, (of+cellPage-1)/cellPage)
	}
	page := &f.pages[b/cellPage]
	if *page == nil {
		*page = make([]series.Cell, min(cellPage, of-b/cellPage*cellPage))
	}
	return &(*page)[b%cellPage]
}

// at is the cell of a bucket, nil where nothing was put in its page.
func (f *cellField) at(b int) *series.Cell {
	if f.pages == nil || f.pages[b/cellPage] == nil {
		return nil
	}
	return &f.pages[b/cellPage][b%cellPage]
}

// each calls fn for the cells that have values.
func (f *cellField) each(fn func(b int, c *series.Cell)) {
	for p, page := range f.pages {
		for i := range page {
			if page[i].Count() > 0 {
				fn(p*cellPage+i, &page[i])
			}
		}
	}
}

// begin makes room for an epoch.
func (t *seriesTrack) begin() {
	if t.low != nil {
		return
	}
	n := t.run.grid.Len()
	t.low, t.high = make([]uint64, n), make([]uint64, n)
	for i := range t.low {
		t.low[i] = math.MaxUint64
	}
}

// note says that rows first..last, and perhaps others between them, lie in a bucket.
func (t *seriesTrack) note(b int, first, last uint64) {
	t.low[b], t.high[b] = min(t.low[b], first), max(t.high[b], last)
}

// cell is the field's cell of a bucket that gets values now.
func (t *seriesTrack) cell(f *cellField, b int) (*series.Cell, error) {
	c := f.cell(b, t.run.grid.Len())
	if c.Count() > 0 {
		return c, nil
	}
	const atOnce = 1024 // between two looks at the limit, which all streams share
	if t.touched++; t.touched-t.held < atOnce {
		return c, nil
	}
	return c, t.hold(t.touched)
}

// hold counts the stream's cells in the limit. In a group of several streams they are those of the group, and counted there (join).
func (t *seriesTrack) hold(cells int) error {
	more := cells - t.held
	t.held = cells
	if t.group.alone() {
		return t.run.hold(more)
	}
	return t.run.allow(cells)
}

// endEpoch finds the completeness of every bucket of the epoch at hand.
func (t *seriesTrack) endEpoch(e *seriesEpoch) {
	if e.any {
		t.begin()
		t.covered()
		w := newBucketWindows(e, t.run.grid, t.low, t.high)
		w.each(func(b int, c Completeness) { t.cover[b].add(c) })
	}
	t.sides = append(t.sides, asideOfBuckets(e, t.run.grid.Len(), t.low, t.high))
	t.low, t.high, e.missing = nil, nil, nil
}

// covered makes room for the completeness of the buckets.
func (t *seriesTrack) covered() []Completeness {
	if t.cover == nil {
		t.cover = make([]Completeness, t.run.grid.Len())
	}
	return t.cover
}

// endCover takes in what the epochs may have lost where nothing of them is expected.
func (t *seriesTrack) endCover() {
	if slices.ContainsFunc(t.sides, func(a bucketAside) bool { return a.known }) {
		boundBuckets(t.sides, t.covered())
	}
	t.sides = nil
}
