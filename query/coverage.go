package query

import (
	"github.com/gaplessdb/gapless/ledger"
)

// coverage serves GET /v1/devices/{device}/coverage: the numbers that are stored, as runs [first, last], in pages of runs. A run that
// grew since the page before goes on where that page ended, so the pages put together cover no number twice.
func (a *API) coverage(r *request) error {
	p := &coveragePage{r: r, maxEpochs: a.opt.MaxStreams}
	var err error
	if p.sel, err = r.selection(); err != nil {
		return err
	}
	if p.limit, err = a.limit(r); err != nil {
		return err
	}
	if p.resume, err = r.cursor(); err != nil {
		return err
	}
	if err := a.view(r, p.collect); err != nil {
		return err
	}
	c, err := p.layers.total(p.parts)
	if err != nil {
		return err
	}
	return p.write(&c)
}

// coveragePage is one page, collected in one View.
type coveragePage struct {
	r         *request
	sel       selection
	limit     int // runs
	maxEpochs int
	resume    *cursor

	asOf   AsOf
	layers *layers
	parts  []*part // completeness of all selected epochs
	epochs []coveredEpoch
	next   *cursor
}

// coveredEpoch is what a page says of one epoch.
type coveredEpoch struct {
	key *epochKey
	ledger.EpochCoverage
}

func (p *coveragePage) collect(v *View) error {
	p.asOf, p.layers = v.AsOf, p.r.reading.capture(v)
	if err := p.sel.exist(v); err != nil {
		return err
	}
	targets, err := p.sel.targets(v, p.maxEpochs)
	if err != nil {
		return err
	}
	left := p.limit
	for i := range targets {
		t := &targets[i]
		if err := p.r.expired(); err != nil {
			return err
		}
		if reports, _ := v.Ledger.Report(t.id, ledger.ReportOptions{Epoch: t.key.ordinal, GapLimit: 1}); len(reports) == 1 {
			p.parts = append(p.parts, partOf(v, *t, &reports[0]))
		}
		if p.next != nil || p.resume != nil && t.key.before(p.resume) {
			continue
		}
		if left == 0 {
			p.next = p.cursor(t, 0)
			continue
		}
		left -= p.take(v, t, left)
	}
	return nil
}

// take copies at most limit runs of one epoch and returns how many.
func (p *coveragePage) take(v *View, t *target, limit int) int {
	from := uint64(0)
	if p.resume != nil && !t.key.after(p.resume) {
		from = p.resume.seq
	}
	c, ok := v.Ledger.Coverage(t.id, t.key.ordinal, from, limit)
	if !ok {
		return 0
	}
	if len(c.Runs) > 0 {
		c.Runs[0].First = max(c.Runs[0].First, from)
	}
	p.epochs = append(p.epochs, coveredEpoch{&t.key, c})
	if c.More {
		p.next = p.cursor(t, c.Runs[len(c.Runs)-1].Last+1)
	}
	return len(c.Runs)
}

func (p *coveragePage) cursor(t *target, seq uint64) *cursor {
	return &cursor{digest: p.r.digest, stream: t.key.stream, epoch: t.key.ordinal, seq: seq}
}

func (p *coveragePage) write(c *completeness) error {
	if err := p.r.requireComplete(c); err != nil {
		return err
	}
	w := &p.r.w
	w.open('{')
	w.key("device")
	w.str(p.r.device)
	w.key("epochs")
	w.open('[')
	for i := range p.epochs {
		e := &p.epochs[i]
		w.open('{')
		w.key("stream")
		w.str(e.key.stream)
		w.key("epoch")
		w.uint(uint64(e.key.ordinal))
		w.key("value")
		w.str(e.key.value)
		w.key("source")
		w.str(e.Epoch.Source)
		w.key("head")
		w.bound("first", e.Head.First, e.Head.Basis)
		w.key("tail")
		w.bound("last", e.Tail.Last, e.Tail.Basis)
		w.runs(e.Runs)
		w.close('}')
		p.r.rows += len(e.Runs)
	}
	w.close(']')
	p.r.writeState(p.asOf, c)
	w.next(p.next)
	w.close('}')
	return nil
}

// bound writes an end of an epoch: the number, null before any is known, and who said it.
func (w *writer) bound(name string, seq *uint64, basis string) {
	w.open('{')
	w.key(name)
	if seq == nil {
		w.null()
	} else {
		w.uint(*seq)
	}
	w.key("basis")
	w.str(basis)
	w.close('}')
}

func (w *writer) runs(runs []ledger.Run) {
	w.key("runs")
	w.open('[')
	for _, run := range runs {
		w.open('[')
		w.uint(run.First)
		w.uint(run.Last)
		w.close(']')
	}
	w.close(']')
}
