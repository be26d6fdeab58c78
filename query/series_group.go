package query

import (
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/query/series"
)

// seriesGroup is the streams that make up one series.
type seriesGroup struct {
	run            *seriesRun
	device, stream string
	labels         []string
	devices        int
	tracks, joined int
	cellSet
	cells  int // that have values, where there are several streams
	silent int // of the devices, those of which nothing is known
	series Series
}

// unknownBucket is a bucket of which nothing is known.
var unknownBucket = Completeness{Verdict: ledger.Indeterminate}

// divide puts the streams into groups. Devices that never said anything belong to the group of their labels.
func (s *seriesRun) divide(v *View, silent []string) error {
	s.tracks, s.groups = nil, nil
	by := map[string]*seriesGroup{}
	var track *seriesTrack
	for _, e := range s.epochs {
		if track == nil || track.epochs[0].stream() != e.stream() {
			g := s.groupOf(v, by, e.key.device, e.key.stream)
			if track == nil || g.tracks == 0 || track.epochs[0].key.device != e.key.device {
				g.devices++
			}
			g.tracks++
			track = &seriesTrack{run: s, group: g}
			s.tracks = append(s.tracks, track)
		}
		track.epochs = append(track.epochs, e)
	}
	if len(s.plan.group.labels) > 0 || s.plan.group.by == groupAll {
		for _, device := range silent {
			g := s.groupOf(v, by, device, "")
			g.devices, g.silent = g.devices+1, g.silent+1
		}
	}
	if len(s.plan.group.labels) > 0 {
		slices.SortStableFunc(s.groups, func(a, b *seriesGroup) int { return slices.Compare(a.labels, b.labels) })
	}
	if limit := s.api.opt.MaxGroups; len(s.groups) > limit {
		return limitError("query.max_groups", limit, "group by something that fewer differ in")
	}
	return nil
}

// groupOf finds the group of a stream, or makes it.
func (s *seriesRun) groupOf(v *View, by map[string]*seriesGroup, device, stream string) *seriesGroup {
	g := &seriesGroup{run: s}
	switch s.plan.group.by {
	case groupDevice:
		g.device = device
	case groupStream:
		g.device, g.stream = device, stream
	case groupAll:
	default:
		for _, name := range s.plan.group.labels {
			value, _ := v.registered().Label(s.plan.sel.tenant, device, name)
			g.labels = append(g.labels, value)
		}
	}
	key := g.device + "\x00" + g.stream + "\x00" + strings.Join(g.labels, "\x00") // no name has this byte
	if there := by[key]; there != nil {
		return there
	}
	by[key] = g
	s.groups = append(s.groups, g)
	return g
}

// alone reports whether the group has one stream only: then that stream's cells are the group's.
func (g *seriesGroup) alone() bool { return g.tracks == 1 }

// finish makes the stream's cells final, and the series with them where no other stream is in the group.
func (t *seriesTrack) finish() error {
	if err := t.hold(t.touched); err != nil {
		return err
	}
	t.endCover()
	for _, f := range t.fields {
		f.each(func(_ int, c *series.Cell) { c.Close() })
	}
	if !t.group.alone() {
		return nil
	}
	t.group.cellSet = t.cellSet
	t.cellSet = cellSet{}
	return t.group.finish(t.held)
}

// join puts a stream into its group, and ends the series with the last one.
func (t *seriesTrack) join() error {
	g := t.group
	if g.joined++; g.alone() {
		return nil
	}
	t.run.widest = max(t.run.widest, len(t.fields))
	n := t.run.grid.Len()
	added := 0
	for name, f := range t.fields {
		into := g.field(name)
		f.each(func(b int, c *series.Cell) {
			cell := into.cell(b, n)
			if cell.Count() == 0 {
				added++
			}
			cell.Merge(c)
		})
	}
	if t.cover != nil && g.cover == nil {
		g.cover = make([]Completeness, n)
	}
	for b := range t.cover {
		g.cover[b].add(t.cover[b])
	}
	t.cellSet = cellSet{}
	g.cells += added
	if err := t.run.hold(added); err != nil || g.joined < g.tracks {
		return err
	}
	return g.finish(g.cells)
}

// finish turns the group's cells into columns; held is how many of them are counted in the limit.
func (g *seriesGroup) finish(held int) error {
	fields := g.shown()
	listed := g.listed(fields)
	if err := g.run.hold(len(listed)*max(1, len(fields)) - held); err != nil {
		return err
	}
	if err := g.run.promise(len(listed) * g.leastBytes(fields)); err != nil {
		return err
	}
	out := &g.series
	out.StartNS, out.Buckets = make([]int64, len(listed)), make([]Completeness, len(listed))
	for i, b := range listed {
		out.StartNS[i] = g.run.grid.Starts[b]
		if g.cover != nil {
			out.Buckets[i] = g.cover[b]
		}
		if out.Buckets[i].Expected == 0 || g.silent > 0 {
			out.Buckets[i].add(unknownBucket)
		}
	}
	for _, f := range fields {
		out.Fields = append(out.Fields, f.columns(g.run.plan.aggs, listed))
	}
	g.cellSet = cellSet{}
	return nil
}

// leastBytes is what a bucket takes in the answer at least: a digit and a comma for each aggregate, and in CSV all names for each field.
func (g *seriesGroup) leastBytes(fields []*cellField) (bytes int) {
	bytes = 2 * len(fields) * len(g.run.plan.aggs)
	if !g.run.plan.csv {
		return bytes
	}
	names := len(g.device) + len(g.stream)
	for _, value := range g.labels {
		names += len(value)
	}
	for _, f := range fields {
		bytes += names + len(f.name)
	}
	return bytes
}

// shown lists the fields of the series by name: those that have anything to show, and with fill=null all that were named.
func (g *seriesGroup) shown() []*cellField {
	plan := g.run.plan
	if plan.fill {
		for _, name := range plan.fields {
			g.field(name)
		}
	}
	list := make([]*cellField, 0, len(g.fields))
	for _, f := range g.fields {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b *cellField) int { return strings.Compare(a.name, b.name) })
	return list
}

// listed is the buckets of the series: those in which something was expected or found, with fill=null all.
func (g *seriesGroup) listed(fields []*cellField) (list []int) {
	n := g.run.grid.Len()
	some := make([]bool, n)
	for b := range g.cover {
		some[b] = g.cover[b].Expected > 0
	}
	for _, f := range fields {
		f.each(func(b int, _ *series.Cell) { some[b] = true })
	}
	for b := range some {
		if some[b] || g.run.plan.fill {
			list = append(list, b)
		}
	}
	return list
}

// columns computes the aggregates of the listed buckets, and how many values were not a number where there were any.
func (f *cellField) columns(aggs []series.Agg, listed []int) SeriesField {
	out := SeriesField{Name: f.name}
	nan := false
	f.each(func(_ int, c *series.Cell) {
		out.kinds |= c.Kinds()
		nan = nan || c.NaN() > 0
	})
	if nan && !slices.Contains(aggs, series.CountNaN) {
		aggs = append(slices.Clip(aggs), series.CountNaN)
	}
	for _, a := range aggs {
		out.Columns = append(out.Columns, SeriesColumn{Aggregate: a.Name, Values: make([]series.Value, len(listed))})
	}
	var none series.Cell
	for i, b := range listed {
		c := f.at(b)
		if c == nil {
			c = &none
		}
		for k := range aggs {
			out.Columns[k].Values[i] = c.Value(aggs[k])
		}
	}
	return out
}
