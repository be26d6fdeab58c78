package query

import (
	"errors"

	"github.com/gaplessdb/gapless/ledger"
)

// gapStates are the words that the parameter state accepts.
var gapStates = []string{
	string(ledger.StateOpen), string(ledger.StateRequested), string(ledger.StateFinal),
	string(ledger.StateClosed), string(ledger.StateExpired),
}

// gaps serves GET /v1/gaps: what is missing in all selected streams, with exact totals, and the gaps themselves in pages.
func (a *API) gaps(r *request) error {
	p := &gapPage{api: a, r: r}
	if err := p.parse(); err != nil {
		return err
	}
	if err := a.view(r, p.collect); err != nil {
		return err
	}
	if err := p.finish(); err != nil {
		return err
	}
	return p.write()
}

// gapPage is one page, collected in one View: totals and listing are of one state. What lies around the gaps is looked up outside of it.
type gapPage struct {
	api          *API
	r            *request
	sel          selection
	q            ledger.GapQuery
	fromNS, toNS int64
	timed        bool // from or to was given
	limit        int
	groups       *groups // nil: none are asked for
	cadence      fleetCadence

	asOf         AsOf
	layers       *layers
	totals       ledger.GapTotals
	streams      int
	silent       int     // selected devices that are registered and never said anything
	sum          sum     // of the streams, but for
	parts        []*part // those whose end of what is complete is told
	completeness completeness

	targets []*target   // the epochs that gaps are in
	undated []undated   // gaps that could not be judged by time under the lock
	listed  []listedGap // gaps that may be on the page,
	pieces  []gapPiece  // in pieces at whose ends it can end
	rows    []ledger.GapRow
	next    string // the ledger's cursor
}

func (p *gapPage) parse() (err error) {
	r := p.r
	if p.sel, err = r.selection(); err != nil {
		return err
	}
	if p.sel.epoch != 0 && p.sel.device == "" {
		return badParameter("epoch", r.args.text("epoch"), "an ordinal together with device: every device counts its own epochs")
	}
	state, err := r.args.enum("state", gapStates...)
	if err != nil {
		return err
	}
	cause, err := r.args.cause()
	if err != nil {
		return err
	}
	least, err := r.args.uint("min", 0, ledger.MaxSeq)
	if err != nil {
		return err
	}
	if p.fromNS, p.toNS, err = r.args.timeRange(); err != nil {
		return err
	}
	p.timed = r.args.has("from") || r.args.has("to")
	if p.groups, err = p.api.groups(r); err != nil {
		return err
	}
	if p.cadence.question, err = r.cadence(cadenceRegistered); err != nil {
		return err
	}
	if p.limit, err = p.api.limit(r); err != nil {
		return err
	}
	p.q = ledger.GapQuery{
		Tenant: p.sel.tenant, Device: p.sel.device, Prefix: p.sel.prefix, Stream: p.sel.stream, Epoch: p.sel.epoch,
		Cause: cause, Min: least, Limit: p.limit,
	}
	if state != "" {
		p.q.States = []ledger.State{ledger.State(state)}
	}
	c, err := r.cursor()
	if c != nil {
		p.q.Cursor = c.device
	}
	return err
}

func (p *gapPage) collect(v *View) error {
	p.asOf, p.layers = v.AsOf, p.r.reading.capture(v)
	if err := p.sel.exist(v); err != nil {
		return err
	}
	if err := p.groups.exist(v, p.sel.tenant); err != nil {
		return err
	}
	if err := p.sel.count(v, p.api.opt.MaxStreams); err != nil {
		return err
	}
	if err := p.total(v); err != nil {
		return err
	}
	if err := p.grade(v); err != nil {
		return err
	}
	if err := p.collectCadence(v); err != nil {
		return err
	}
	p.q.NoTotal = true
	if p.timed {
		if err := p.countTimed(v); err != nil {
			return err
		}
	}
	return p.list(v)
}

// total adds up the selected streams.
func (p *gapPage) total(v *View) error {
	all, err := p.addUp(v, 0)
	if err != nil {
		return err
	}
	if (p.q.Min > 1 || p.timed) && all.Totals.Gaps > uint64(p.api.opt.MaxGaps) {
		return limitError("query.max_gaps", p.api.opt.MaxGaps,
			"min, from and to look at every gap: select fewer with device, prefix, match, state or cause")
	}
	if p.q.Min > 1 {
		if all, err = p.addUp(v, p.q.Min); err != nil {
			return err
		}
	}
	p.totals, p.streams = all.Totals, all.Streams
	return nil
}

// addUp counts what is selected, and of gaps those of at least so many numbers. The ledger does not know devices by label, nor groups: with
// them it is asked device by device.
func (p *gapPage) addUp(v *View, least uint64) (all ledger.GapPage, err error) {
	q := p.q
	q.Limit, q.Cursor, q.Min = 1, "", least
	if !p.sel.matching() && p.groups == nil {
		return p.pageOf(v, q)
	}
	p.groups.reset()
	p.sel.eachDevice(v, "", func(d ownDevice) bool {
		var g *group
		if err = p.r.expired(); err == nil {
			g, err = p.groups.of(v, p.sel.tenant, d.name)
		}
		if err != nil {
			return false
		}
		g.addDevice()
		if len(d.streams) == 0 {
			return true
		}
		q.Device, q.Prefix = d.name, ""
		var one ledger.GapPage
		if one, err = v.Ledger.Gaps(q); err != nil {
			return false
		}
		addTotals(&all.Totals, &one.Totals)
		all.Streams += one.Streams
		g.addStreams(one.Streams, &one.Totals)
		return true
	})
	return all, err
}

// pageOf asks the ledger. It does not know the store's own devices apart: where they are not asked for, their sums are taken off again,
// which is exact.
func (p *gapPage) pageOf(v *View, q ledger.GapQuery) (ledger.GapPage, error) {
	if p.sel.matching() {
		return p.pageOfMatching(v, q)
	}
	page, err := v.Ledger.Gaps(q)
	if err != nil || q.NoTotal || !p.hidesSystem() {
		return page, p.cursorError(err)
	}
	if q.Prefix == "" {
		q.Prefix = "_"
	}
	own, err := v.Ledger.Gaps(q)
	if err != nil {
		return page, err
	}
	subtract(&page.Totals, &own.Totals)
	page.Streams -= own.Streams
	return page, nil
}

// hidesSystem reports whether devices of the store may be among those that the ledger finds and are not selected.
func (p *gapPage) hidesSystem() bool {
	return p.sel.device == "" && !p.sel.system && (p.sel.prefix == "" || p.sel.prefix[0] == '_')
}

func subtract(t, own *ledger.GapTotals) {
	t.Expected -= own.Expected
	t.Stored -= own.Stored
	t.Missing -= own.Missing
	t.Open -= own.Open
	t.Lost -= own.Lost
	t.Declared -= own.Declared
	t.Shed -= own.Shed
	t.Rejected -= own.Rejected
	t.Expired -= own.Expired
	t.Gaps -= own.Gaps
}

// cursorError shapes the ledger's opinion of a cursor that was damaged inside of ours.
func (p *gapPage) cursorError(err error) error {
	var refused *ledger.CommandError
	if errors.As(err, &refused) && refused.Code == ledger.CodeBadCursor {
		return badCursor("it is not one that an answer gave")
	}
	return err
}

// grade finds the verdict on what is selected: the worst of its streams. Of a device that never said anything nothing is known.
func (p *gapPage) grade(v *View) (err error) {
	p.sel.eachDevice(v, "", func(d ownDevice) bool {
		var g *group
		if g, err = p.groups.of(v, p.sel.tenant, d.name); err != nil {
			return false
		}
		for i := range d.streams {
			p.gradeStream(v, &d.streams[i], g)
		}
		if d.registered && !spoke(v, p.sel.tenant, d.name) {
			p.silent++
			p.sum.add(nothingSaid())
			g.addSilent()
		}
		return true
	})
	return err
}

func (p *gapPage) gradeStream(v *View, s *ownStream, g *group) {
	switch {
	case p.sel.epoch != 0:
		if reports, _ := v.Ledger.Report(s.id, ledger.ReportOptions{Epoch: p.sel.epoch, GapLimit: 1}); len(reports) == 1 {
			p.sum.add(completeness{verdict: reports[0].Verdict})
			g.addGrade(reports[0].Verdict)
		}
	case p.sel.device != "":
		if part, ok := ofStream(v, s.id, s.key); ok {
			p.parts = append(p.parts, part)
			g.addGrade(part.verdict)
		}
	default:
		if grade, ok := v.Ledger.Grade(s.id); ok {
			p.sum.add(completeness{verdict: grade})
			g.addGrade(grade)
		}
	}
}
