package query

import (
	"context"
	"time"

	"github.com/gaplessdb/gapless/auth"
)

// seriesName is the endpoint of /v1/query: the only one that takes its parameters in a body, too.
const seriesName = "query"

// Query answers a question about series for programs that have the store inside of them: what GET /v1/query answers, with the same limits. It
// ends with ctx or at the deadline of every answer, whichever is first. Errors are those that HTTP clients get (*Error, and what the Source
// and the Opener return).
func (a *API) Query(ctx context.Context, q SeriesQuery) (*SeriesAnswer, error) {
	start := time.Now()
	limited, cancel := context.WithTimeout(ctx, a.opt.Deadline)
	defer cancel()
	r := &request{ctx: limited, who: auth.Principal{Tenant: q.Tenant, Scopes: auth.Read}, consistency: q.Consistency, after: q.After, require: q.Require}
	if r.consistency == "" {
		r.consistency = Leader
	}
	r.reading = reading{ctx: limited, opener: a.opener, maxBlocks: a.opt.MaxReadBlocks, maxBytes: a.opt.MaxReadBytes}
	defer r.reading.release()
	answer, err := a.answerSeries(r, &q)
	if ctx.Err() == nil {
		err = timeoutError(err, a.opt.Deadline)
	}
	a.metrics.observe(seriesName, err, time.Since(start), r.rows, 0)
	a.metrics.observeReading(seriesName, &r.reading)
	return answer, err
}

// series serves GET and POST /v1/query.
func (a *API) series(r *request) error {
	q, format, err := r.seriesQuery()
	if err != nil {
		return err
	}
	q.csv = format == formatCSV
	answer, err := a.answerSeries(r, q)
	if err != nil {
		return err
	}
	if q.csv {
		answer.writeCSV(r)
		return nil
	}
	answer.write(r)
	return nil
}

// answerSeries answers in the frame of a request.
func (a *API) answerSeries(r *request, q *SeriesQuery) (*SeriesAnswer, error) {
	plan, err := a.plan(q)
	if err != nil {
		return nil, err
	}
	if plan.points() {
		return a.points(r, plan, q)
	}
	run := &seriesRun{api: a, r: r, plan: plan}
	err = run.run()
	run.account()
	if err != nil {
		return nil, err
	}
	answer := run.answer()
	for i := range answer.Series {
		r.rows += len(answer.Series[i].StartNS)
	}
	return answer, r.requireComplete(&answer.whole)
}

// answer puts together what was found.
func (s *seriesRun) answer() *SeriesAnswer {
	for _, p := range s.ends {
		s.whole.add(p.completeness)
	}
	g := &s.r.reading
	out := &SeriesAnswer{
		AsOf: s.asOf, FirstNS: s.span.FirstNS, LastNS: s.span.LastNS, Step: s.plan.stepText(), Zone: s.plan.zone.String(),
		Segments: len(g.open), Blocks: g.blocks, Bytes: g.bytes, Rows: g.rows, StatisticsBlocks: int(s.meter.statistics.Load()),
		whole: s.whole.result(), labels: s.plan.group.labels, aggs: s.plan.aggs,
	}
	out.Completeness = out.whole.outer()
	for _, group := range s.groups {
		one := &group.series
		if len(one.StartNS) == 0 {
			continue
		}
		one.Device, one.Stream, one.Labels, one.Devices, one.Silent = group.device, group.stream, group.labels, group.devices, group.silent
		out.Series = append(out.Series, *one)
	}
	return out
}

// stepText is the step in one form, whatever form it was given in.
func (p *seriesPlan) stepText() string {
	if p.step.Zero() {
		return ""
	}
	return p.step.String()
}

func (c *completeness) outer() Completeness { return Completeness{c.expected, c.stored, c.verdict} }

// settle ends a run: what was not known in the View of the state, and series without streams.
func (s *seriesRun) settle(stretch *seriesStretch) error {
	for _, group := range s.groups {
		if group.tracks == 0 {
			if err := group.finish(0); err != nil {
				return err
			}
		}
	}
	if stretch == nil || len(s.ends) == 0 {
		return nil
	}
	return stretch.layers.settle(s.ends...)
}
