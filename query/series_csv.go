package query

import (
	"math"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/query/series"
)

// exportNext is the header of a page of points that is not the last one: its cursor.
const exportNext = "X-Gapless-Next"

// writeCSV writes the answer as RFC 4180 with line feeds, a line for each field of each bucket or point. What is not known is an empty cell.
// The state, the completeness of the whole and the next page are headers.
func (a *SeriesAnswer) writeCSV(r *request) {
	r.contentType = csvType + "; charset=utf-8; header=present"
	var asOf, complete writer
	asOf.asOf(a.AsOf)
	a.whole.write(&complete)
	h := &r.http.Response.Header
	h.SetBytesV(exportAsOf, asOf.b)
	h.SetBytesV(exportCompleteness, complete.b)
	if a.Next != "" {
		h.Set(exportNext, a.Next)
	}
	c := csvLines{b: r.w.b}
	if a.points {
		a.csvPoints(&c)
	} else {
		a.csvBuckets(&c)
	}
	r.w.b = c.b
}

// csvLines appends lines of cells.
type csvLines struct {
	b    []byte
	open bool // the line has a cell
	one  writer
}

// cell appends a cell of text.
func (c *csvLines) cell(text string) {
	c.next()
	if text != "" {
		c.b = appendCell(c.b, []byte(text))
	}
}

// plain appends what JSON would have, without the quotes of its strings; null is empty.
func (c *csvLines) plain(write func(w *writer)) {
	c.next()
	c.one.b = c.one.b[:0]
	write(&c.one)
	if string(c.one.b) != "null" {
		c.b = append(c.b, unquoted(c.one.b)...)
	}
}

func (c *csvLines) value(v *series.Value) {
	if v.Kind == series.Text {
		c.next()
		c.b = appendCell(c.b, v.Str)
		return
	}
	c.plain(func(w *writer) { w.result(v) })
}

func (c *csvLines) next() {
	if c.open {
		c.b = append(c.b, ',')
	}
	c.open = true
}

func (c *csvLines) end() {
	c.b = append(c.b, '\n')
	c.open = false
}

func (c *csvLines) header(names ...string) {
	for _, name := range names {
		c.cell(name)
	}
}

// csvKey appends what the series is of.
func (a *SeriesAnswer) csvKey(c *csvLines, s *Series) {
	switch {
	case len(a.labels) > 0:
		for _, value := range s.Labels {
			c.cell(value)
		}
	default:
		c.cell(s.Device)
		c.cell(s.Stream)
	}
}

// csvBuckets writes columns that do not depend on what was found: whose, field, start, the aggregates, NaN, completeness.
func (a *SeriesAnswer) csvBuckets(c *csvLines) {
	if len(a.labels) > 0 {
		c.header(a.labels...)
	} else {
		c.header("device", "stream")
	}
	c.header("start", "field")
	for _, agg := range a.aggs {
		c.cell(agg.Name)
	}
	c.header("expected", "stored", "missing", "ratio", "verdict")
	c.end()
	for i := range a.Series {
		s := &a.Series[i]
		for b := range s.StartNS {
			for f := range s.Fields {
				a.csvBucket(c, s, b, &s.Fields[f])
			}
			if len(s.Fields) == 0 {
				a.csvBucket(c, s, b, &SeriesField{})
			}
		}
	}
}

func (a *SeriesAnswer) csvBucket(c *csvLines, s *Series, b int, f *SeriesField) {
	a.csvKey(c, s)
	c.plain(func(w *writer) { w.edge(s.StartNS[b], math.MinInt64, 0) })
	c.cell(f.Name)
	for k := range a.aggs {
		if f.Columns == nil {
			c.cell("")
			continue
		}
		c.value(&f.Columns[k].Values[b])
	}
	one := s.Buckets[b]
	c.plain(func(w *writer) { w.uint(one.Expected) })
	c.plain(func(w *writer) { w.uint(one.Stored) })
	c.plain(func(w *writer) { w.uint(one.Missing()) })
	c.plain(func(w *writer) { one.inner().writeRatio(w) })
	c.cell(one.Verdict.String())
	c.end()
}

// csvPoints writes a line for each value that there is.
func (a *SeriesAnswer) csvPoints(c *csvLines) {
	c.header("device", "stream", "epoch", "seq", "time", "field", "value")
	c.end()
	for i := range a.Series {
		s := &a.Series[i]
		for n := range s.StartNS {
			for f := range s.Fields {
				v := &s.Fields[f].Points[n]
				if v.Kind == 0 {
					continue
				}
				a.csvKey(c, s)
				c.plain(func(w *writer) { w.uint(uint64(s.Epoch)) })
				c.plain(func(w *writer) { w.uint(s.Seq[n]) })
				c.plain(func(w *writer) { w.timeNS(s.StartNS[n]) })
				c.cell(s.Fields[f].Name)
				if v.Kind == frame.KindString {
					c.next()
					c.b = appendCell(c.b, v.Str)
				} else {
					c.plain(func(w *writer) { w.value(v) })
				}
				c.end()
			}
		}
	}
}
