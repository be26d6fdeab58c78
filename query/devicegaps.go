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
	var asOf AsOf
	var reports []ledger.EpochReport
	var total sum
	err = a.view(r, func(v *View) (err error) {
		asOf = v.AsOf
		if err := sel.exist(v); err != nil {
			return err
		}
		reports, total, err = a.reports(r, v, &sel)
		return err
	})
	if err != nil {
		return err
	}
	c := total.result()
	if err := r.requireComplete(&c); err != nil {
		return err
	}
	w := &r.w
	w.open('{')
	w.key("device")
	w.str(r.device)
	w.key("reports")
	w.open('[')
	for i := range reports {
		if err := w.marshal(&reports[i]); err != nil {
			return err
		}
	}
	w.close(']')
	r.rows = len(reports)
	r.writeState(asOf, &c)
	w.close('}')
	return nil
}

// reports collects the reports and fills in what the ledger leaves to others: times of neighbours.
func (a *API) reports(r *request, v *View, sel *selection) (reports []ledger.EpochReport, total sum, err error) {
	left := a.opt.MaxPageRows // gaps that may still be listed
	sel.each(v, "", "", func(id frame.StreamID, key frame.StreamKey) bool {
		if err = r.expired(); err != nil {
			return false
		}
		list, _ := v.Ledger.Report(id, ledger.ReportOptions{Epoch: sel.epoch, GapLimit: max(left, 1)})
		for i := range list {
			e := &list[i]
			e.Gaps = e.Gaps[:min(left, len(e.Gaps))]
			left -= len(e.Gaps)
			a.fillReport(v, id, key, e)
			total.add(completenessOf(v, id, e))
		}
		if reports = append(reports, list...); len(reports) > a.opt.MaxPageRows {
			err = limitError("query.max_page_rows", a.opt.MaxPageRows, "select one stream or epoch")
			return false
		}
		return true
	})
	return reports, total, err
}

func (a *API) fillReport(v *View, id frame.StreamID, key frame.StreamKey, e *ledger.EpochReport) {
	for i := range e.Gaps {
		row := ledger.GapRow{Device: key.Device, Stream: key.Stream, Epoch: e.Epoch.Ordinal, GapReport: e.Gaps[i]}
		setBetween(v, key.Tenant, &row)
		e.Gaps[i] = row.GapReport
	}
	if t := e.CompleteThrough; t != nil {
		if row, ok := v.Head.Get(id, e.Epoch.Ordinal, t.Seq); ok {
			t.Time = timeOf(&row)
		}
	}
}

// completenessOf is the completeness that a report says.
func completenessOf(v *View, id frame.StreamID, e *ledger.EpochReport) completeness {
	c := completeness{verdict: e.Verdict, expected: e.Expected, stored: e.Stored}
	if e.CompleteThrough != nil {
		c.through = throughOf(v, id, e.Epoch.Ordinal, e.CompleteThrough.Seq)
	}
	return c
}
