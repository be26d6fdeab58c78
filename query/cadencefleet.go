package query

import (
	"time"
)

// fleetCadence is what GET /v1/gaps says of the times of devices that have a cadence.
type fleetCadence struct {
	question cadenceQuestion
	devices  []pacedDevice
	sum      cadenceSum
	listed   []cadenceReport // devices that miss something, the first ones
	missing  int             // how many there are
}

// pacedDevice is a device with a cadence, as one View knows it.
type pacedDevice struct {
	device  string
	step    time.Duration
	group   *group
	targets []target
}

// collectCadence finds the devices. Their frames are read outside of the lock.
func (p *gapPage) collectCadence(v *View) (err error) {
	c := &p.cadence
	if !c.question.asked {
		return nil
	}
	left := p.api.opt.MaxStreams
	p.sel.eachDevice(v, "", func(d ownDevice) bool {
		if err = p.r.expired(); err != nil {
			return false
		}
		one := pacedDevice{device: d.name}
		if d.registered || c.question.step > 0 {
			one.step = c.question.of(v, p.sel.tenant, d.name)
		}
		if one.step == 0 {
			return true
		}
		if one.group, err = p.groups.of(v, p.sel.tenant, d.name); err != nil {
			return false
		}
		sel := selection{tenant: p.sel.tenant, device: d.name, stream: p.sel.stream, epoch: p.sel.epoch}
		if one.targets, err = sel.targets(v, left); err != nil {
			return false
		}
		left -= len(one.targets)
		c.devices = append(c.devices, one)
		return true
	})
	return err
}

// measureCadence reads the times of device after device.
func (p *gapPage) measureCadence() error {
	c := &p.cadence
	for i := range c.devices {
		d := &c.devices[i]
		report := cadenceReport{
			device: d.device, step: d.step, registered: c.question.step == 0, fromNS: p.fromNS, toNS: p.toNS,
		}
		if err := p.api.measureCadence(p.r, p.asOf, d.targets, &report); err != nil {
			return err
		}
		c.sum.add(&report.cadenceSum)
		if d.group != nil {
			d.group.cadence.add(&report.cadenceSum)
		}
		if report.expected() == report.stored {
			continue
		}
		if c.missing++; len(c.listed) < p.api.opt.MaxPageRows {
			c.listed = append(c.listed, report)
		}
	}
	return nil
}

// write appends the member cadence where it is asked for: the sum, and the devices that miss something.
func (c *fleetCadence) write(w *writer) {
	if !c.question.asked {
		return
	}
	w.key("cadence")
	w.open('{')
	w.key("sum")
	c.sum.write(w)
	w.key("incomplete")
	w.int(int64(c.missing))
	w.key("devices")
	w.open('[')
	for i := range c.listed {
		one := &c.listed[i]
		w.open('{')
		w.key("device")
		w.str(one.device)
		w.key("cadence_ms")
		w.int(one.step.Milliseconds())
		one.writeCounts(w)
		w.close('}')
	}
	w.close(']')
	w.close('}')
}
