package query

import (
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// deviceGaps serves GET /v1/devices/{device}/gaps: the full gap report of every selected stream and epoch. It lists at most as many gaps
// as the largest page has rows; gaps_total says how many there are, and GET /v1/gaps has them all.
func (a *API) deviceGaps(r *request) error {
	sel, err := r.selection()
	if err != nil {
		return err
	}
	p := reportPage{api: a, r: r, sel: sel}
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
	w.key("reports")
	w.open('[')
	for i := range p.reports {
		if err := w.marshal(&p.reports[i].EpochReport); err != nil {
			return err
		}
	}
	w.close(']')
	r.rows = len(p.reports)
	r.writeState(p.asOf, &c)
	w.close('}')
	return nil
}

// reportPage is the reports, collected in one View. What the ledger leaves to others, the times of stored frames, is filled in outside of it.
type reportPage struct {
	api *API
	r   *request
	sel selection

	asOf    AsOf
	layers  *layers
	reports []report
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
