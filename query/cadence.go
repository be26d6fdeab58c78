package query

import (
	"math"
	"strconv"
	"time"
)

// A source that sends at a known interval, its cadence, has times at which frames are expected. Two frames that follow each other in time
// with a distance d are round(d / cadence) steps apart, halves down; all steps but one are missing frames. So a frame may come half a step
// late, and an interval misses one when it is longer than one and a half steps. Nothing is counted by number: what this finds is inferred,
// says so, and changes no verdict.
//
// Times are those of the device, also implausible ones: a clock that is years behind can be steady. A range of times has no place for
// these; they are counted (skewed) and left out.
//
//	│ before │       missing       │ after │        expected = stored + missing + before + after
//	from     ●────●────────────●───●       to       frames   = stored + duplicates of time

// cadenceTolerance is the part of a step that a frame may be late.
const cadenceTolerance = 0.5

// maxCadence is the longest step, ten years: that of the registry.
const maxCadence = 10 * 365 * 24 * time.Hour

// Words of the parameter cadence beside a duration.
const (
	cadenceRegistered = "registered"
	cadenceNone       = "none"
)

// cadenceQuestion is what the parameter cadence asks for.
type cadenceQuestion struct {
	asked bool
	none  bool
	step  time.Duration // of every device; 0: each its own, as registered
}

// cadence reads the parameter. words are those that the endpoint takes beside a duration.
func (r *request) cadence(words ...string) (q cadenceQuestion, err error) {
	q.asked = r.args.has("cadence")
	text := r.args.text("cadence")
	for _, word := range words {
		if text == word {
			q.none = word == cadenceNone
			return q, nil
		}
	}
	if !q.asked {
		return q, nil
	}
	q.step, err = time.ParseDuration(text)
	if err != nil || q.step < time.Millisecond || q.step > maxCadence || q.step%time.Millisecond != 0 {
		accepted := "a duration of whole milliseconds, such as 500ms, 5m or 1h"
		for _, word := range words {
			accepted += ", or " + word
		}
		return q, badParameter("cadence", text, accepted)
	}
	return q, nil
}

// of is the step of a device, 0 when it has none.
func (q *cadenceQuestion) of(v *View, tenant, device string) time.Duration {
	if q.none || q.step > 0 {
		return q.step
	}
	entry, _ := v.registered().Get(tenant, device)
	return time.Duration(entry.CadenceMS) * time.Millisecond
}

// steps is how many steps two times are apart, halves down.
func steps(fromNS, toNS int64, step time.Duration) uint64 {
	d, s := uint64(toNS)-uint64(fromNS), uint64(step)
	n, rest := d/s, d%s
	if rest > s-rest {
		n++
	}
	return n
}

// stamp is a time and how many frames have it.
type stamp struct {
	ns int64
	n  uint64
}

// cadenceGap is two neighbouring times with frames missing between them.
type cadenceGap struct {
	afterNS, beforeNS int64
	missing           uint64
}

// cadenceSum counts the frames of one device or of several.
type cadenceSum struct {
	devices              int
	frames, stored       uint64 // all, and those with a time of their own
	backwards            uint64 // frames whose time is before that of the frame numbered before them
	skewed               uint64 // frames whose device time is implausible; in a range of times they are not in the other counts
	missing, before      uint64
	after, gaps, longest uint64
}

func (s *cadenceSum) add(o *cadenceSum) {
	s.devices += o.devices
	s.longest = max(s.longest, o.longest)
	for _, c := range [...]struct {
		to   *uint64
		from uint64
	}{
		{&s.frames, o.frames}, {&s.stored, o.stored}, {&s.backwards, o.backwards}, {&s.skewed, o.skewed}, {&s.missing, o.missing},
		{&s.before, o.before}, {&s.after, o.after}, {&s.gaps, o.gaps},
	} {
		*c.to = saturate(*c.to, c.from)
	}
}

func (s *cadenceSum) expected() uint64 {
	return saturate(saturate(s.stored, s.missing), saturate(s.before, s.after))
}

func (c *cadenceReport) ranged() bool { return c.fromNS != math.MinInt64 || c.toNS != math.MaxInt64 }

// cadenceReport is what the times of one device say.
type cadenceReport struct {
	cadenceSum
	device          string
	step            time.Duration
	registered      bool // the step is the registered one
	fromNS, toNS    int64
	firstNS, lastNS int64
	list            []cadenceGap // the first ones
	most            int          // of list
}

// take takes in the next time.
func (c *cadenceReport) take(s stamp) {
	c.frames += s.n
	c.stored++
	if c.stored == 1 {
		c.firstNS, c.lastNS = s.ns, s.ns
		return
	}
	if n := steps(c.lastNS, s.ns, c.step); n > 1 {
		c.gaps++
		c.missing += n - 1
		c.longest = max(c.longest, n-1)
		if len(c.list) < c.most {
			c.list = append(c.list, cadenceGap{c.lastNS, s.ns, n - 1})
		}
	}
	c.lastNS = s.ns
}

// edges counts what is missing between the ends of the range and the first and last time in it. The future misses nothing: asOfMS is the
// time of the state.
func (c *cadenceReport) edges(asOfMS int64) {
	hasFrom, hasTo := c.fromNS != math.MinInt64, c.toNS != math.MaxInt64
	end := min(c.toNS, time.UnixMilli(asOfMS).UnixNano())
	switch {
	case c.stored == 0:
		if hasFrom && hasTo && c.fromNS < end {
			c.before = (uint64(end) - uint64(c.fromNS)) / uint64(c.step)
		}
		return
	case hasFrom:
		c.before = (uint64(c.firstNS) - uint64(c.fromNS)) / uint64(c.step)
	}
	if hasTo && end > c.lastNS {
		c.after = max(steps(c.lastNS, end, c.step), 1) - 1
	}
}

// write appends the report as an object.
func (c *cadenceReport) write(w *writer) {
	w.open('{')
	w.key("cadence_ms")
	w.int(c.step.Milliseconds())
	w.key("source")
	if c.registered {
		w.str(cadenceRegistered)
	} else {
		w.str("question")
	}
	c.writeBasis(w)
	c.writeCounts(w)
	w.key("gaps")
	w.open('[')
	for _, g := range c.list {
		w.open('{')
		w.key("after")
		w.timeNS(g.afterNS)
		w.key("before")
		w.timeNS(g.beforeNS)
		w.key("missing")
		w.uint(g.missing)
		w.close('}')
	}
	w.close(']')
	w.close('}')
}

func (s *cadenceSum) writeBasis(w *writer) {
	w.key("basis")
	w.str("cadence")
	w.key("confidence")
	w.str("inferred")
	w.key("tolerance")
	w.raw(strconv.FormatFloat(cadenceTolerance, 'f', -1, 64))
}

func (s *cadenceSum) writeCounts(w *writer) {
	c := completeness{expected: s.expected(), stored: s.stored}
	for _, m := range [...]struct {
		name string
		n    uint64
	}{
		{"expected", c.expected}, {"stored", s.stored}, {"missing", s.missing}, {"frames", s.frames},
		{"duplicates_of_time", s.frames - s.stored}, {"backwards", s.backwards}, {"skewed", s.skewed}, {"count", s.gaps}, {"longest", s.longest},
	} {
		w.key(m.name)
		w.uint(m.n)
	}
	w.key("edge_missing")
	w.open('{')
	w.key("before")
	w.uint(s.before)
	w.key("after")
	w.uint(s.after)
	w.close('}')
	w.key("ratio")
	c.writeRatio(w)
}

// write appends the sum of several devices as an object.
func (s *cadenceSum) write(w *writer) {
	w.open('{')
	w.key("devices")
	w.int(int64(s.devices))
	s.writeBasis(w)
	s.writeCounts(w)
	w.close('}')
}
