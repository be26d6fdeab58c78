package report

import (
	"strconv"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

// The picture, in units of the SVG.
const (
	width  = 1180
	gutter = 112 // for the names of rows
	margin = 14  // at the right
)

// px is a place in the picture, in tenths of a unit: whole numbers, so that every processor draws the same.
type px int64

func (p px) String() string {
	if p%10 == 0 {
		return strconv.FormatInt(int64(p/10), 10)
	}
	return strconv.FormatFloat(float64(p)/10, 'f', 1, 64)
}

const (
	left  px = gutter * 10
	right px = (width - margin) * 10
)

// axis is the time of the whole picture.
type axis struct{ end time.Duration }

func (a axis) at(t time.Duration) px {
	return left + px(int64(min(max(t, 0), a.end))*int64(right-left)/int64(a.end))
}

// end is when the last thing happened.
func (r *Report) end() (end time.Duration) {
	run := r.Run
	end = run.Healed
	for i := range run.Batches {
		end = max(end, run.Batches[i].Return)
	}
	for i := range run.Reads {
		end = max(end, run.Reads[i].Return)
	}
	for i := range run.Events {
		end = max(end, run.Events[i].At)
	}
	for i := range run.Faults {
		end = max(end, run.Faults[i].From, run.Faults[i].To)
	}
	for _, f := range run.Finals {
		end = max(end, f.At)
	}
	for i := range r.Samples {
		end = max(end, r.Samples[i].At)
	}
	return end
}

// tick is a line across the picture and its word.
type tick struct {
	X    px
	Text string
}

// steps are distances between ticks that a reader can count with.
var steps = []time.Duration{
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second,
	20 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// stepFor is the shortest step of which there are at most most in the run.
func (a axis) stepFor(most int64) time.Duration {
	for _, s := range steps {
		if int64(a.end/s) <= most {
			return s
		}
	}
	return a.end / time.Duration(most)
}

func (a axis) ticks() (list []tick) {
	step := a.stepFor(14)
	for t := time.Duration(0); t <= a.end; t += step {
		list = append(list, tick{a.at(t), axisWord(t, step)})
	}
	return list
}

func axisWord(t, step time.Duration) string {
	switch {
	case step < time.Second:
		return clock(t)
	case step >= time.Minute:
		return hours(t)
	}
	return strconv.FormatInt(int64(t/time.Second), 10) + " s"
}

// hours writes h:mm.
func hours(t time.Duration) string {
	m := int64(t / time.Minute)
	return strconv.FormatInt(m/60, 10) + ":" + strconv.FormatInt(m%60+100, 10)[1:] + " h"
}

// level is a line across a chart and its value.
type level struct {
	Y    px
	Text string
}

// ceiling is the lowest of 1, 2, 5, 10, 20, ... that is not below n.
func ceiling(n uint64) uint64 {
	for unit := uint64(1); ; unit *= 10 {
		for _, m := range [...]uint64{1, 2, 5} {
			if m*unit >= n || unit >= 1e18 {
				return max(m*unit, n)
			}
		}
	}
}

// scale maps values to heights of a chart, the highest at the top.
type scale struct {
	top, bottom px
	low, high   uint64
}

func (s scale) at(n uint64) px {
	span := float64(s.high - s.low)
	if span == 0 {
		return s.bottom
	}
	return s.bottom - px(float64(float64(n-s.low)/span)*float64(s.bottom-s.top))
}

// acked is when each acknowledgement came.
func acked(run *check.Run, yield func(*check.Batch)) {
	for i := range run.Batches {
		if b := &run.Batches[i]; b.Outcome == check.Acked {
			yield(b)
		}
	}
}
