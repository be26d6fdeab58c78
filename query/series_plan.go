package query

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger/registry"
	"github.com/gaplessdb/gapless/query/series"
	"github.com/gaplessdb/gapless/segment"
)

// seriesPlan is a SeriesQuery that was understood.
type seriesPlan struct {
	sel              selection
	fields           []string // sorted; nil: all
	cols             segment.Columns
	aggs             []series.Agg
	need             series.Need
	from             *series.Instant // nil: no beginning
	to               *series.Instant // nil: no end, or now where there is a step
	fromText, toText string          // as they were asked for
	step             series.Step
	zone             *time.Location
	group            grouping
	fill             bool
	limit            int
	csv              bool // lines repeat all names
}

// grouping is how series are put together.
type grouping struct {
	by     string   // groupDevice, groupStream, groupAll, or "" for
	labels []string // these labels
}

const (
	groupDevice = "device"
	groupStream = "stream"
	groupAll    = "all"
)

// plan understands a question, or says which parameter is wrong.
func (a *API) plan(q *SeriesQuery) (p *seriesPlan, err error) {
	p = &seriesPlan{fill: q.FillNull, fields: slices.Clone(q.Fields), csv: q.csv}
	for _, read := range []func(*SeriesQuery) error{p.readSelection, p.readAggregates, p.readRange, p.readGroup} {
		if err := read(q); err != nil {
			return nil, err
		}
	}
	p.cols = segment.Columns{All: true, NoRaw: true}
	if len(p.fields) > 0 {
		slices.Sort(p.fields)
		p.fields = slices.Compact(p.fields)
		p.cols = segment.Columns{Fields: p.fields}
	}
	if p.points() {
		return p, a.planPoints(p, q)
	}
	switch {
	case q.Limit != 0:
		return nil, badParameter("limit", strconv.Itoa(q.Limit), "nothing together with agg: buckets have no pages")
	case q.Cursor != "":
		return nil, badParameter("cursor", q.Cursor, "nothing together with agg: buckets have no pages")
	}
	return p, nil
}

// points reports whether the question is for points, not for buckets.
func (p *seriesPlan) points() bool { return len(p.aggs) == 0 }

// planPoints checks what only points have, and what only buckets have.
func (a *API) planPoints(p *seriesPlan, q *SeriesQuery) error {
	switch {
	case !p.step.Zero():
		return badParameter("step", q.Step, "a length together with agg: points have no buckets")
	case q.FillNull:
		return badParameter("fill", "null", "none, or null together with agg: points have no buckets")
	case p.group.by != groupDevice:
		return badParameter("group", strings.Join(q.Group, ","), "device, or other groups together with agg: points are those of one stream")
	case q.Limit < 0 || q.Limit > a.opt.MaxPageRows:
		return &Error{
			Status: 400, Code: "bad_parameter", Message: "parameter limit=" + strconv.Itoa(q.Limit) + " is not valid",
			Hint: "limit accepts an integer from 1 to " + strconv.Itoa(a.opt.MaxPageRows), limit: "query.max_page_rows",
		}
	}
	if p.limit = q.Limit; p.limit == 0 {
		p.limit = a.opt.PageRows
	}
	return nil
}

// readSelection reads which streams are asked for.
func (p *seriesPlan) readSelection(q *SeriesQuery) error {
	s := selection{tenant: q.Tenant, prefix: q.Prefix, system: q.System}
	devices := slices.Clone(q.Devices)
	slices.Sort(devices)
	devices = slices.Compact(devices)
	switch {
	case slices.Contains(devices, ""):
		return badParameter("device", "", "the name of a device")
	case len(devices) > 0 && q.Prefix != "":
		return badParameter("prefix", q.Prefix, "the start of device names, and not together with device")
	case len(devices) > 0 && len(q.Match) > 0:
		return badParameter("match", q.Match[0], "label=value, and not together with device")
	case len(q.Match) > maxMatchers:
		return badParameter("match", q.Match[maxMatchers], "at most "+strconv.Itoa(maxMatchers)+" times label=value")
	case len(devices) == 1:
		s.device = devices[0]
	default:
		s.devices = devices
	}
	for _, text := range q.Match {
		m, err := registry.ParseMatcher(text)
		if err != nil {
			return badParameter("match", text, "label=value, where value is the whole value of the label")
		}
		s.match = append(s.match, m)
	}
	p.sel = s
	return p.readStreams(q.Streams)
}

// readStreams reads which streams of a device are asked for.
func (p *seriesPlan) readStreams(streams []string) error {
	switch {
	case slices.Contains(streams, ""):
		return badParameter("stream", "", "the name of a stream, or *")
	case len(streams) == 0: // a device may do without it: then it has no series
		p.sel.streams = []string{frame.DefaultStream}
	case slices.Contains(streams, "*"):
	case len(streams) == 1:
		p.sel.stream = streams[0]
	default:
		p.sel.streams = slices.Sorted(slices.Values(streams))
	}
	return nil
}

// maxAggregates bounds the columns of a field: there is no end of percentiles.
const maxAggregates = 64

func (p *seriesPlan) readAggregates(q *SeriesQuery) (err error) {
	if slices.Contains(p.fields, "") {
		return badParameter("fields", "", "names of fields")
	}
	if len(q.Aggregates) > maxAggregates {
		return badParameter("agg", strconv.Itoa(len(q.Aggregates))+" names", "at most "+strconv.Itoa(maxAggregates)+" names")
	}
	if p.aggs, err = series.ParseAggs(q.Aggregates); err != nil {
		return badParameter("agg", strings.Join(q.Aggregates, ","), series.AggNames)
	}
	p.need = series.NeedOf(p.aggs)
	return nil
}

// readRange reads the range of time and how it is cut.
func (p *seriesPlan) readRange(q *SeriesQuery) (err error) {
	if p.zone, err = series.LoadZone(q.Zone); err != nil {
		return badParameter("tz", q.Zone, "the name of a time zone, such as Europe/Paris")
	}
	if q.Step != "" {
		if p.step, err = series.ParseStep(q.Step); err != nil {
			return badParameter("step", q.Step, series.StepForms)
		}
	}
	p.fromText, p.toText = q.From, q.To
	for _, end := range []struct {
		name, text string
		at         **series.Instant
	}{{"from", q.From, &p.from}, {"to", q.To, &p.to}} {
		if end.text == "" {
			continue
		}
		at, err := series.ParseInstant(end.text)
		if err != nil {
			return badParameter(end.name, end.text, series.InstantForms)
		}
		*end.at = &at
	}
	if !p.step.Zero() && p.from == nil {
		return badParameter("from", "", "a time, and with step it is required: buckets begin somewhere")
	}
	return nil
}

// readGroup reads how series are put together.
func (p *seriesPlan) readGroup(q *SeriesQuery) error {
	words := []string{groupDevice, groupStream, groupAll}
	if len(q.Group) == 0 {
		p.group.by = groupDevice
		return nil
	}
	if len(q.Group) == 1 && slices.Contains(words, q.Group[0]) {
		p.group.by = q.Group[0]
		return nil
	}
	for i, name := range q.Group {
		if name == "" || slices.Contains(words, name) || slices.Contains(q.Group[:i], name) || len(q.Group) > maxMatchers {
			return badParameter("group", name, "one of "+strings.Join(words, ", ")+", or names of labels, each once")
		}
	}
	p.group.labels = slices.Clone(q.Group)
	return nil
}

// resolve finds the range in nanoseconds, both ends inclusive, and cuts it.
func (p *seriesPlan) resolve(nowMS int64, maxBuckets int) (*series.Grid, error) {
	first, last := int64(math.MinInt64), int64(math.MaxInt64)
	to := p.to
	if to == nil && !p.step.Zero() {
		now := series.Now()
		to = &now
	}
	var err error
	if p.from != nil {
		if first, err = p.from.Resolve(nowMS, p.zone); err != nil {
			return nil, badParameter("from", p.fromText, series.InstantForms)
		}
	}
	if to != nil {
		if last, err = to.Resolve(nowMS, p.zone); err != nil {
			return nil, badParameter("to", p.toText, series.InstantForms)
		}
		last-- // to is not inside
	}
	if first > last {
		return nil, badParameter("to", timeText(point{timeNS: last + 1}, true), "a time after from, which is "+
			timeText(point{timeNS: first}, true))
	}
	grid, err := series.NewGrid(p.step, p.zone, first, last, maxBuckets)
	if errors.Is(err, series.ErrTooMany) {
		return nil, limitError("query.max_buckets", maxBuckets, "ask for a longer step or a shorter range")
	}
	return grid, err
}
