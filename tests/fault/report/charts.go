package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

// chart is a panel with an axis of values.
type chart struct {
	Y           int
	Top, Bottom int
	Name        string
	Note        string
	Levels      []level
	Lines       []line
}

// line is one curve.
type line struct {
	Name  string
	Class string
	Path  string
	Area  string // the same, filled down to the bottom; may be empty
}

// KeyX is where the name of a line stands: in a row at the right end of the panel's name.
func (c *chart) KeyX(i int) px {
	x := right
	for _, l := range c.Lines[i:] {
		x -= wordWidth(l.Name) + 340
	}
	return x
}

func (t *timeline) chart(name, note string) (*chart, scale) {
	c := &chart{Name: name, Note: note}
	c.Y, c.Top = t.panel(rateHeight)
	c.Bottom = c.Top + rateHeight
	return c, scale{top: px(c.Top*10) + 40, bottom: px(c.Bottom * 10)}
}

// binned is the acknowledgements by stretches of time.
type binned struct {
	step   time.Duration
	frames []uint64
	times  [][]time.Duration // that they took
}

func (t *timeline) binned(run *check.Run) (b binned) {
	b.step = t.axis.stepFor(150)
	n := int(t.axis.end/b.step) + 1
	b.frames, b.times = make([]uint64, n), make([][]time.Duration, n)
	acked(run, func(a *check.Batch) {
		i := min(max(int(a.Return/b.step), 0), n-1)
		b.frames[i] += a.Last - a.First + 1 - min(uint64(len(a.Rejected)), a.Last-a.First+1)
		b.times[i] = append(b.times[i], a.Return-a.Invoke)
	})
	for i := range b.times {
		slices.Sort(b.times[i])
	}
	return b
}

func (b *binned) empty() bool {
	return !slices.ContainsFunc(b.times, func(list []time.Duration) bool { return len(list) > 0 })
}

// ackChart is frames acknowledged per second.
func (t *timeline) ackChart(run *check.Run) *chart {
	b := t.binned(run)
	if b.empty() {
		return nil
	}
	rates := make([]uint64, len(b.frames))
	for i, n := range b.frames {
		rates[i] = uint64(float64(n) / b.step.Seconds())
	}
	high := ceiling(slices.Max(rates))
	c, s := t.chart("Frames acknowledged per second", "by "+stepWord(b.step))
	s.high = high
	c.Levels = []level{{s.at(0), "0"}, {s.at(high / 2), number(high / 2)}, {s.at(high), number(high)}}
	if high%2 != 0 {
		c.Levels = slices.Delete(c.Levels, 1, 2)
	}
	var p strings.Builder
	fmt.Fprintf(&p, "M%s %s", left, s.bottom)
	for i, n := range rates {
		fmt.Fprintf(&p, "V%sH%s", s.at(n), t.axis.at(time.Duration(i+1)*b.step))
	}
	c.Lines = []line{{Class: "acks", Path: p.String(), Area: p.String() + fmt.Sprintf("V%sZ", s.bottom)}}
	return c
}

func stepWord(step time.Duration) string {
	switch {
	case step < time.Second:
		return fmt.Sprintf("%d ms", step.Milliseconds())
	case step == time.Second:
		return "second"
	case step < time.Minute:
		return fmt.Sprintf("%d s", step/time.Second)
	}
	return fmt.Sprintf("%d min", step/time.Minute)
}

// latencyChart is how long acknowledgements took, on an axis of powers of ten.
func (t *timeline) latencyChart(run *check.Run) *chart {
	b := t.binned(run)
	if b.empty() {
		return nil
	}
	low, high := time.Duration(math.MaxInt64), time.Duration(0)
	for _, list := range b.times {
		if len(list) > 0 {
			low, high = min(low, quantile(list, 50)), max(high, quantile(list, 99))
		}
	}
	from, to := decades(low, high)
	c, s := t.chart("Time until the acknowledgement", "half of the requests took less than p50, one in a hundred more than p99")
	y := func(d time.Duration) px {
		part := (math.Log10(float64(max(d, time.Microsecond))) - float64(from)) / float64(to-from)
		return s.bottom - px(float64(min(max(part, 0), 1))*float64(s.bottom-s.top))
	}
	for e := from; e <= to; e++ {
		d := time.Duration(math.Pow10(e))
		c.Levels = append(c.Levels, level{y(d), decade(d)})
	}
	for _, q := range []int{99, 50} {
		c.Lines = append(c.Lines, line{Name: fmt.Sprintf("p%d", q), Class: fmt.Sprintf("p%d", q), Path: t.quantiles(&b, q, y)})
	}
	return c
}

// decade writes a power of ten: 10 ms.
func decade(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%d s", d/time.Second)
	case d >= time.Millisecond:
		return fmt.Sprintf("%d ms", d/time.Millisecond)
	}
	return fmt.Sprintf("%d µs", d/time.Microsecond)
}

// decades is the powers of ten, of nanoseconds, around two times; at least two apart.
func decades(low, high time.Duration) (from, to int) {
	from = int(math.Floor(math.Log10(float64(max(low, time.Microsecond)))))
	to = int(math.Ceil(math.Log10(float64(max(high, time.Microsecond)))))
	return from, max(to, from+2)
}

// quantiles draws a level line for each stretch that has an acknowledgement, and joins neighbours.
func (t *timeline) quantiles(b *binned, q int, y func(time.Duration) px) string {
	var p strings.Builder
	drawn := false
	for i, list := range b.times {
		if len(list) == 0 {
			drawn = false
			continue
		}
		at := y(quantile(list, q))
		if drawn {
			fmt.Fprintf(&p, "V%s", at)
		} else {
			fmt.Fprintf(&p, "M%s %s", t.axis.at(time.Duration(i)*b.step), at)
		}
		fmt.Fprintf(&p, "H%s", t.axis.at(time.Duration(i+1)*b.step))
		drawn = true
	}
	return p.String()
}

// quantile is the least value that q in a hundred are not above.
func quantile(sorted []time.Duration, q int) time.Duration {
	return sorted[(len(sorted)*q+99)/100-1]
}

// indexChart is the commit index of each node, as it knows it.
func (t *timeline) indexChart(r *Report) *chart {
	low, high := uint64(math.MaxUint64), uint64(0)
	for i := range r.Samples {
		if n := r.Samples[i].Commit; n > 0 {
			low, high = min(low, n), max(high, n)
		}
	}
	if high == 0 {
		return nil
	}
	c, s := t.chart("Commit index", "how far each node knows the log to be committed; where nodes agree, the lines lie on each other")
	s.low, s.high = low, max(high, low+1)
	c.Levels = []level{{s.bottom, number(s.low)}, {s.at(s.high), number(s.high)}}
	samples, names, most := r.samplesOf(), r.nodeNames(), 14
	if len(names) > 4 { // their names need the room of the note
		c.Note, most = "", 8
	}
	for i, name := range names {
		if path := t.indexPath(samples[name], s); path != "" {
			c.Lines = append(c.Lines, line{Name: shorten(most, name), Class: fmt.Sprintf("n%d", i%9+1), Path: path})
		}
	}
	return c
}

// indexPath joins the last sample of each column, as long as the node knows an index.
func (t *timeline) indexPath(samples []Sample, s scale) string {
	var p strings.Builder
	drawn := false
	for i, x := range samples {
		at := t.axis.at(x.At)
		last := i+1 == len(samples) || t.axis.at(samples[i+1].At)/column != at/column
		switch {
		case x.Commit == 0 || x.State == Down:
			drawn = false
		case !last && drawn:
		case drawn:
			fmt.Fprintf(&p, "L%s %s", at, s.at(x.Commit))
		default:
			fmt.Fprintf(&p, "M%s %s", at, s.at(x.Commit))
			drawn = true
		}
	}
	return p.String()
}
