package query

import (
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// deviceGaps serves GET /v1/devices/{device}/gaps: the full gap report of every selected stream and epoch, and for a device with a cadence
// what its times say. It lists at most as many gaps of either kind as the largest page has rows; gaps_total and count say how many there
// are, and GET /v1/gaps has all of the first kind.
func (a *API) deviceGaps(r *request) error {
	p := reportPage{api: a, r: r}
	if err := p.parse(); err != nil {
		return err
	}
	if err := a.view(r, p.collect); err != nil {
		return err
	}
	c, err := p.finish()
	if err != nil {
		return err
	}
	if err := r.requireComplete(&c); err != nil {
		return err
	}
	w := &r.w
	w.open('{')
	w.key("device")
	w.str(r.device)
	if p.silent {
		w.key("silent")
		w.bool(true)
	}
	w.key("reports")
	w.open('[')
	for i := range p.reports {
		if err := w.marshal(&p.reports[i].EpochReport); err != nil {
			return err
		}
	}
	w.close(']')
	if p.cadence != nil {
		w.key("cadence")
		p.cadence.write(w)
	}
	r.rows = len(p.reports)
	r.writeState(p.asOf, &c)
	w.close('}')
	return nil
}

// reportPage is the reports, collected in one View. What the ledger leaves to others, the times of stored frames, is filled in outside of it.
type reportPage struct {
	api          *API
	r            *request
	sel          selection
	question     cadenceQuestion
	fromNS, toNS int64 // of the cadence

	asOf    AsOf
	layers  *layers
	reports []report
	silent  bool           // the device is registered and never said anything
	cadence *cadenceReport // nil: the device has none
	targets []target       // that it is measured by
}

func (p *reportPage) parse() (err error) {
	r := p.r
	if p.sel, err = r.selection(); err != nil {
		return err
	}
	if p.question, err = r.cadence(cadenceRegistered, cadenceNone); err != nil {
		return err
	}
	p.fromNS, p.toNS, err = r.args.timeRange()
	return err
}

// report is the report of one epoch and what the newest head knows of its frames.
type report struct {
	ledger.EpochReport
	part   *part
	around []around // of its gaps
}

func (p *reportPage) collect(v *View) (err error) {
	p.asOf, p.layers = v.AsOf, p.r.reading.capture(v)
	if err := p.sel.exist(v); err != nil {
		return err
	}
	left := p.api.opt.MaxPageRows // gaps that may still be listed
	p.sel.each(v, "", "", func(id frame.StreamID, key frame.StreamKey) bool {
		if err = p.r.expired(); err != nil {
			return false
		}
		list, _ := v.Ledger.Report(id, ledger.ReportOptions{Epoch: p.sel.epoch, GapLimit: max(left, 1)})
		for i := range list {
			e := &list[i]
			e.Gaps = e.Gaps[:min(left, len(e.Gaps))]
			left -= len(e.Gaps)
			p.reports = append(p.reports, reportOf(v, id, key, e))
		}
		if len(p.reports) > p.api.opt.MaxPageRows {
			err = limitError("query.max_page_rows", p.api.opt.MaxPageRows, "select one stream or epoch")
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	p.silent = len(p.sel.silent(v)) > 0
	return p.collectCadence(v)
}

// collectCadence finds out whether the device has a cadence. A range of times without one would select nothing.
func (p *reportPage) collectCadence(v *View) (err error) {
	step := p.question.of(v, p.sel.tenant, p.sel.device)
	if step == 0 {
		for _, name := range []string{"from", "to"} {
			if p.r.args.has(name) {
				return badParameter(name, p.r.args.text(name), "a time together with a cadence: gap reports are about numbers, and this device has no "+
					"registered cadence (cadence=1m asks for one, GET /v1/gaps selects gaps by time)")
			}
		}
		return nil
	}
	p.cadence = &cadenceReport{
		device: p.sel.device, step: step, registered: p.question.step == 0, fromNS: p.fromNS, toNS: p.toNS, most: p.api.opt.MaxPageRows,
	}
	p.targets, err = p.sel.targets(v, p.api.opt.MaxStreams)
	return err
}

func reportOf(v *View, id frame.StreamID, key frame.StreamKey, e *ledger.EpochReport) report {
	r := report{EpochReport: *e, part: partOf(v, targetOf(v, id, key, e.Epoch.Ordinal), e)}
	for i := range e.Gaps {
		r.around = append(r.around, aroundInHead(v, &r.part.target, ledger.Run{First: e.Gaps[i].From, Last: e.Gaps[i].To}))
	}
	return r
}

// partOf is the completeness that a report says.
func partOf(v *View, t target, e *ledger.EpochReport) *part {
	p := &part{completeness: completeness{verdict: e.Verdict, expected: e.Expected, stored: e.Stored}, target: t}
	if e.CompleteThrough != nil {
		p.reach(v, t, e.CompleteThrough.Seq)
	}
	return p
}

// finish fills in the times and adds up.
func (p *reportPage) finish() (completeness, error) {
	var total sum
	if p.silent {
		total.add(nothingSaid())
	}
	if p.cadence != nil {
		if err := p.api.measureCadence(p.r, p.asOf, p.targets, p.cadence); err != nil {
			return completeness{}, err
		}
	}
	for i := range p.reports {
		r := &p.reports[i]
		if err := p.layers.settle(r.part); err != nil {
			return completeness{}, err
		}
		if t := &r.part.through; t.hasTime {
			r.CompleteThrough.Time = timeText(point{timeNS: t.timeNS}, true)
		}
		total.add(r.part.completeness)
		for n := range r.Gaps {
			gap := &r.Gaps[n]
			if err := p.layers.nearer(&r.part.target, ledger.Run{First: gap.From, Last: gap.To}, &r.around[n]); err != nil {
				return completeness{}, err
			}
			gap.Between = r.around[n].between()
		}
	}
	return total.result(), nil
}
