package query

import (
	"time"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/ledger/registry"
)

// devices serves GET /v1/devices: the devices of the tenant with their streams, sorted by name, and those that are registered and never
// said anything. A device is never split over two pages.
func (a *API) devices(r *request) error {
	p := &devicePage{api: a, r: r, streamsLeft: a.opt.MaxStreams}
	var err error
	if p.sel, err = r.selection(); err != nil {
		return err
	}
	if p.groups, err = a.groups(r); err != nil {
		return err
	}
	if p.overdue, err = r.args.bool("overdue"); err != nil {
		return err
	}
	if p.limit, err = a.limit(r); err != nil {
		return err
	}
	c, err := r.cursor()
	if err != nil {
		return err
	}
	if c != nil {
		p.after = c.device
	}
	if err := a.view(r, p.collect); err != nil {
		return err
	}
	return p.write()
}

// device serves GET /v1/devices/{device}: one of them.
func (a *API) device(r *request) error {
	p := &devicePage{api: a, r: r, limit: 1, streamsLeft: a.opt.MaxStreams, one: true}
	var err error
	if p.sel, err = r.selection(); err != nil {
		return err
	}
	if err := a.view(r, p.collect); err != nil {
		return err
	}
	return p.write()
}

// devicePage is one page of devices, collected in one View.
type devicePage struct {
	api         *API
	r           *request
	sel         selection
	groups      *groups // of all selected devices, whatever page they are on
	overdue     bool    // only devices that are
	limit       int
	after       string // the last device of the page before
	streamsLeft int    // that may still be looked at
	one         bool   // the answer is a device, not a list

	asOf   AsOf
	layers *layers
	list   []listedDevice
	last   string // device that was looked at
	more   bool
}

// listedDevice is a device on the page.
type listedDevice struct {
	device  string
	streams []listedStream
	entry   *registry.Device // nil: it is not registered
	silent  bool
	pace    pace
}

// listedStream is one stream of a listed device.
type listedStream struct {
	ownStream
	ledger.Summary
}

func (p *devicePage) collect(v *View) error {
	p.asOf, p.layers = v.AsOf, p.r.reading.capture(v)
	if err := p.sel.exist(v); err != nil {
		return err
	}
	if err := p.groups.exist(v, p.sel.tenant); err != nil {
		return err
	}
	if err := p.addUp(v); err != nil {
		return err
	}
	var err error
	p.sel.eachDevice(v, p.after, func(d ownDevice) bool {
		if p.more = len(p.list) == p.limit; p.more {
			return false
		}
		if p.streamsLeft -= max(len(d.streams), 1); p.streamsLeft < 0 {
			err = limitError("query.max_streams", p.api.opt.MaxStreams, "ask for a smaller limit, or select devices with prefix or match")
			return false
		}
		if err = p.r.expired(); err != nil {
			return false
		}
		p.last = d.name
		if listed := p.look(v, d); !p.overdue || listed.pace.mayBeOverdue() {
			p.list = append(p.list, listed)
		}
		return true
	})
	return err
}

// look reads what a View knows of a device.
func (p *devicePage) look(v *View, d ownDevice) listedDevice {
	listed := listedDevice{device: d.name, streams: make([]listedStream, len(d.streams))}
	said := false
	for i := range d.streams {
		s, _ := v.Ledger.Summary(d.streams[i].id)
		listed.streams[i] = listedStream{d.streams[i], s}
		said = said || s.Epochs > 0
	}
	if d.registered {
		entry, _ := v.registered().Get(p.sel.tenant, d.name)
		listed.entry, listed.silent = &entry, !said
		listed.pace = paceOf(v, listed.streams, time.Duration(entry.CadenceMS)*time.Millisecond)
	}
	return listed
}

// addUp fills the groups.
func (p *devicePage) addUp(v *View) (err error) {
	if p.groups == nil {
		return nil
	}
	if err := p.sel.count(v, p.api.opt.MaxStreams); err != nil {
		return err
	}
	p.sel.eachDevice(v, "", func(d ownDevice) bool {
		var g *group
		if err = p.r.expired(); err == nil {
			g, err = p.groups.of(v, p.sel.tenant, d.name)
		}
		if err != nil {
			return false
		}
		g.addDevice()
		said := false
		for i := range d.streams {
			s, _ := v.Ledger.Summary(d.streams[i].id)
			totals := totalsOf(&s.Totals)
			if g.addStreams(1, &totals); s.Epochs > 0 {
				said = true
				g.addGrade(s.Verdict)
			}
		}
		if !said && d.registered {
			g.addSilent()
		}
		return true
	})
	return err
}

// settle looks up what the View could not tell, and leaves the devices out that are not overdue after all.
func (p *devicePage) settle() error {
	kept := p.list[:0]
	for i := range p.list {
		d := &p.list[i]
		if err := d.pace.settle(p.layers); err != nil {
			return err
		}
		if !p.overdue || d.pace.overdue() {
			kept = append(kept, *d)
		}
	}
	p.list = kept
	return nil
}

// completeness is that of the listed devices.
func (p *devicePage) completeness() completeness {
	var all sum
	for i := range p.list {
		d := &p.list[i]
		for n := range d.streams {
			if s := &d.streams[n].Summary; s.Epochs > 0 {
				all.add(completeness{verdict: s.Verdict, expected: s.Totals.Expected, stored: s.Totals.Stored})
			}
		}
		if d.silent {
			all.add(nothingSaid())
		}
	}
	return all.result()
}
