package query

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// epochCurrent names the epoch in which frames without an epoch value of their own are counted now.
const epochCurrent = "current"

// trace serves GET /v1/trace/{device}/{epoch}/{seq}: everything that the store knows of one number. Of a stored one where it was committed,
// where it lies now and what proves it; of any other all that tells where it was lost.
func (a *API) trace(r *request) error {
	p := &tracePage{api: a, r: r}
	if err := p.parse(); err != nil {
		return err
	}
	if err := a.view(r, p.collect); err != nil {
		return err
	}
	if err := p.finish(); err != nil {
		return err
	}
	if err := r.requireComplete(&p.completeness); err != nil {
		return err
	}
	if err := p.search(); err != nil {
		return err
	}
	return p.write()
}

// tracePage is the trace of one number. What the ledger knows of it is collected in one View; rows of layers and of the store's own devices are read
// outside of it.
type tracePage struct {
	api     *API
	r       *request
	sel     selection
	current bool // the epoch is to be found
	seq     uint64

	asOf         AsOf
	layers       *layers
	target       target
	report       ledger.EpochReport
	number       ledger.Trace
	part         *part // nil: the number is not expected
	completeness completeness

	row, before, after traced   // of the number, and the stored ones beside it
	elsewhere          []traced // as number.Elsewhere
	letters, conflicts recorder
	proof              *Inclusion
	unproven           error // why there is no proof here now
}

func (p *tracePage) parse() (err error) {
	r := p.r
	if p.sel, err = r.selection(); err != nil {
		return err
	}
	p.sel.stream = cmp.Or(p.sel.stream, frame.DefaultStream)
	epoch, _ := r.http.UserValue("epoch").(string)
	if p.current = epoch == epochCurrent; !p.current {
		n, err := strconv.ParseUint(epoch, 10, 32)
		if err != nil || n == 0 {
			return badParameter("epoch", epoch, "the server's ordinal of the epoch, from 1, or "+epochCurrent)
		}
		p.sel.epoch = uint32(n)
	}
	seq, _ := r.http.UserValue("seq").(string)
	if p.seq, err = strconv.ParseUint(seq, 10, 64); err != nil || p.seq > ledger.MaxSeq {
		return badParameter("seq", seq, "a number from 0 to "+strconv.FormatUint(ledger.MaxSeq, 10))
	}
	return nil
}

func (p *tracePage) collect(v *View) error {
	p.asOf, p.layers = v.AsOf, p.r.reading.capture(v)
	device := selection{tenant: p.sel.tenant, device: p.sel.device}
	if err := device.exist(v); err != nil { // the stream may be one that nobody named
		return err
	}
	if err := p.sel.exist(v); err != nil {
		return err
	}
	key := frame.StreamKey{Tenant: p.sel.tenant, Device: p.sel.device, Stream: p.sel.stream}
	id, _ := v.Ledger.ID(key)
	if p.current {
		sum, _ := v.Ledger.Summary(id)
		if p.sel.epoch = sum.Current; sum.Current == 0 {
			return noEpoch(key)
		}
	}
	p.target = targetOf(v, id, key, p.sel.epoch)
	reports, _ := v.Ledger.Report(id, ledger.ReportOptions{Epoch: p.sel.epoch, GapLimit: 1})
	p.number, _ = v.Ledger.Trace(id, p.sel.epoch, p.seq, p.api.opt.MaxTraceEvidence)
	if len(reports) != 1 {
		return fmt.Errorf("query: epoch %d of %s/%s is known and has no report", p.sel.epoch, key.Device, key.Stream)
	}
	p.report = reports[0]
	p.measure(v)
	p.look(v)
	p.letters, p.conflicts = recorderOf(v, key.Tenant, deviceDeadLetter), recorderOf(v, key.Tenant, deviceConflict)
	return nil
}

// noEpoch says that nothing was ever counted in a stream: it is known only because a frame of it was refused.
func noEpoch(key frame.StreamKey) error {
	return &Error{
		Status:  http.StatusNotFound,
		Code:    "unknown_epoch",
		Message: fmt.Sprintf("stream %.256q of device %.256q has no epoch yet", key.Stream, key.Device),
		Hint:    "no frame of it was stored, and nothing was declared",
	}
}

// measure is the completeness of the one number, as GET /v1/frames says it of that range.
func (p *tracePage) measure(v *View) {
	span := segment.All()
	span.FirstSeq, span.LastSeq = p.seq, p.seq
	p.part, _ = ofRange(v, &p.target, span, nil)
}

// look takes out of the newest head the rows that it has.
func (p *tracePage) look(v *View) {
	id, ordinal := p.target.id, p.target.key.ordinal
	p.row.take(v.Head.Get(id, ordinal, p.seq))
	p.before.take(v.Head.Before(id, ordinal, p.seq))
	p.after.take(v.Head.After(id, ordinal, p.seq))
	p.elsewhere = make([]traced, len(p.number.Elsewhere))
	for i := range p.elsewhere {
		p.elsewhere[i].take(v.Head.Get(id, p.number.Elsewhere[i].Epoch.Ordinal, p.number.Elsewhere[i].Seq))
	}
}

// finish reads what the newest head did not have.
func (p *tracePage) finish() (err error) {
	p.completeness.verdict = ledger.Indeterminate // of a number that is not expected nothing is known
	if p.part != nil {
		if err := p.layers.settle(p.part); err != nil {
			return err
		}
		p.completeness = p.part.completeness
	}
	if p.number.Stored && !p.row.found {
		if p.row, err = p.layers.row(&p.target, p.seq, segment.Columns{All: true}); err != nil {
			return err
		}
		if !p.row.found {
			return fmt.Errorf("query: number %d of epoch %d of %s/%s is stored and in no head and no segment",
				p.seq, p.target.key.ordinal, p.target.key.device, p.target.key.stream)
		}
	}
	if err := p.layers.beside(&p.target, p.seq, &p.before, &p.after); err != nil {
		return err
	}
	for i := range p.elsewhere {
		x, t := &p.number.Elsewhere[i], p.target
		if t.key.ordinal = x.Epoch.Ordinal; !x.Stored || p.elsewhere[i].found {
			continue
		}
		if p.elsewhere[i], err = p.layers.row(&t, x.Seq, segment.Columns{}); err != nil {
			return err
		}
	}
	return p.prove()
}

func (p *tracePage) prove() (err error) {
	if p.api.opt.Prover == nil || !p.row.found {
		return nil
	}
	row := &p.row.rec.Row
	p.proof, err = p.api.opt.Prover.ProveFrame(p.r.ctx, StoredFrame{
		Stream: p.target.stream(), Epoch: p.target.key.ordinal, Seq: p.seq,
		Position: frame.Position{History: p.asOf.History, Index: row.Index, Ordinal: row.Ordinal}, Seal: row.Seal,
	})
	if code := codeOf(err); err != nil && code != "internal" && code != "overloaded" {
		p.unproven, err = err, p.r.expired()
	}
	return err
}
