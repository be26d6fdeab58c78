package query

import (
	"math"

	"github.com/gaplessdb/gapless/query/series"
)

// write writes the answer as JSON: of every series columns, an entry for each bucket or point.
func (a *SeriesAnswer) write(r *request) {
	w := &r.w
	w.open('{')
	w.key("range")
	a.writeRange(w)
	w.key("series")
	w.open('[')
	times := timeTexts{}
	for i := range a.Series {
		a.writeSeries(w, &a.Series[i], times)
	}
	w.close(']')
	r.writeState(a.AsOf, &a.whole)
	a.writeStats(w)
	if a.points {
		w.key("next")
		if a.Next == "" {
			w.null()
		} else {
			w.str(a.Next)
		}
	}
	w.close('}')
}

// writeRange writes what was asked about: the end is not inside.
func (a *SeriesAnswer) writeRange(w *writer) {
	w.open('{')
	w.key("from")
	w.edge(a.FirstNS, math.MinInt64, 0)
	w.key("to")
	w.edge(a.LastNS, math.MaxInt64, 1)
	if !a.points {
		w.key("step")
		if a.Step == "" {
			w.null()
		} else {
			w.str(a.Step)
		}
		w.key("tz")
		w.str(a.Zone)
	}
	w.close('}')
}

// edge writes a time, null where there is none.
func (w *writer) edge(ns, none, more int64) {
	if ns == none {
		w.null()
		return
	}
	w.timeNS(ns + more)
}

func (a *SeriesAnswer) writeStats(w *writer) {
	w.key("stats")
	w.open('{')
	for _, m := range []struct {
		name string
		n    int
	}{
		{"segments", a.Segments}, {"blocks", a.Blocks}, {"bytes", a.Bytes}, {"rows", a.Rows}, {"statistics_blocks", a.StatisticsBlocks},
	} {
		if !a.points || m.name != "statistics_blocks" {
			w.key(m.name)
			w.int(int64(m.n))
		}
	}
	w.close('}')
}

// timeTexts remembers how times are written: most series have the same buckets.
type timeTexts map[int64]string

func (t timeTexts) write(w *writer, ns int64) {
	text, ok := t[ns]
	if !ok {
		var one writer
		one.edge(ns, math.MinInt64, 0)
		text = string(one.b)
		t[ns] = text
	}
	w.raw(text)
}

func (a *SeriesAnswer) writeSeries(w *writer, s *Series, times timeTexts) {
	w.open('{')
	a.writeKey(w, s)
	if a.points {
		a.writePoints(w, s)
	} else {
		w.key("start")
		w.open('[')
		for _, ns := range s.StartNS {
			times.write(w, ns)
		}
		w.close(']')
	}
	w.key("fields")
	w.open('[')
	for i := range s.Fields {
		s.Fields[i].write(w)
	}
	w.close(']')
	if !a.points {
		writeBuckets(w, s.Buckets)
	}
	w.close('}')
}

// writeKey writes what the series is of.
func (a *SeriesAnswer) writeKey(w *writer, s *Series) {
	if s.Device != "" {
		w.key("device")
		w.str(s.Device)
		if s.Stream != "" {
			w.key("stream")
			w.str(s.Stream)
		}
		return
	}
	w.key("group")
	w.open('{')
	for i, name := range a.labels {
		w.anyKey(name)
		w.str(s.Labels[i])
	}
	w.close('}')
	w.key("devices")
	w.int(int64(s.Devices))
	w.key("silent")
	w.int(int64(s.Silent))
}

func (a *SeriesAnswer) writePoints(w *writer, s *Series) {
	w.key("epoch")
	w.uint(uint64(s.Epoch))
	w.key("seq")
	w.open('[')
	for _, n := range s.Seq {
		w.uint(n)
	}
	w.close(']')
	w.key("time")
	w.open('[')
	for _, ns := range s.StartNS {
		w.timeNS(ns)
	}
	w.close(']')
}

func (f *SeriesField) write(w *writer) {
	w.open('{')
	w.key("field")
	w.str(f.Name)
	w.key("kinds")
	w.open('[')
	for _, k := range f.Kinds() {
		w.str(k.String())
	}
	w.close(']')
	if f.Points != nil {
		w.key("values")
		w.open('[')
		for i := range f.Points {
			w.value(&f.Points[i])
		}
		w.close(']')
	}
	for i := range f.Columns {
		c := &f.Columns[i]
		w.key(c.Aggregate)
		w.open('[')
		for k := range c.Values {
			w.result(&c.Values[k])
		}
		w.close(']')
	}
	w.close('}')
}

// result writes a value as values of frames are written.
func (w *writer) result(v *series.Value) {
	switch v.Kind {
	case series.Float:
		w.float(v.Float64())
	case series.Int:
		w.sep()
		w.b = v.AppendInt(w.b)
	case series.Bool:
		w.bool(v.Low != 0)
	case series.Text:
		w.text(v.Str)
	case series.Bytes:
		w.base64(v.Str)
	default:
		w.null()
	}
}

// writeBuckets writes the completeness of the buckets.
func writeBuckets(w *writer, list []Completeness) {
	column := func(name string, write func(c *Completeness)) {
		w.key(name)
		w.open('[')
		for i := range list {
			write(&list[i])
		}
		w.close(']')
	}
	w.key("completeness")
	w.open('{')
	column("ratio", func(c *Completeness) { c.inner().writeRatio(w) })
	column("verdict", func(c *Completeness) { w.str(c.Verdict.String()) })
	column("expected", func(c *Completeness) { w.uint(c.Expected) })
	column("stored", func(c *Completeness) { w.uint(c.Stored) })
	column("missing", func(c *Completeness) { w.uint(c.Missing()) })
	w.close('}')
}
