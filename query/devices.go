package query

import (
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// devices serves GET /v1/devices: the devices of the tenant with their streams, sorted by name. A device is never split over two pages.
func (a *API) devices(r *request) error {
	p := &devicePage{r: r, streamsLeft: a.opt.MaxStreams}
	var err error
	if p.sel, err = r.selection(); err != nil {
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
	p := &devicePage{r: r, limit: 1, streamsLeft: a.opt.MaxStreams, one: true}
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
	r           *request
	sel         selection
	limit       int
	after       string // the last device of the page before
	streamsLeft int    // that may still be looked at
	one         bool   // the answer is a device, not a list

	asOf    AsOf
	streams []listedStream
	ends    []int // streams[:ends[i]] are those of the first i+1 devices
	sum     sum
	more    bool
}

// listedStream is one stream of a listed device.
type listedStream struct {
	key frame.StreamKey
	ledger.Summary
}

func (p *devicePage) collect(v *View) error {
	p.asOf = v.AsOf
	if err := p.sel.exist(v); err != nil {
		return err
	}
	var err error
	p.sel.each(v, p.after, lastStream, func(id frame.StreamID, key frame.StreamKey) bool {
		if n := len(p.streams); n == 0 || p.streams[n-1].key.Device != key.Device {
			if p.more = len(p.ends) == p.limit; p.more {
				return false
			}
			p.ends = append(p.ends, n)
		}
		if p.streamsLeft--; p.streamsLeft < 0 {
			err = limitError("query.max_streams", len(p.streams), "ask for a smaller limit")
			return false
		}
		p.add(v, id, key)
		return true
	})
	return err
}

func (p *devicePage) add(v *View, id frame.StreamID, key frame.StreamKey) {
	s, _ := v.Ledger.Summary(id)
	p.streams = append(p.streams, listedStream{key, s})
	p.ends[len(p.ends)-1] = len(p.streams)
	if s.Epochs > 0 {
		p.sum.add(completeness{verdict: s.Verdict, expected: s.Totals.Expected, stored: s.Totals.Stored})
	}
}

func (p *devicePage) write() error {
	c := p.sum.result()
	if err := p.r.requireComplete(&c); err != nil {
		return err
	}
	w := &p.r.w
	w.open('{')
	if p.one {
		p.writeDevice(w, p.streams)
	} else {
		p.writeList(w)
	}
	p.r.writeState(p.asOf, &c)
	if !p.one {
		var next *cursor
		if p.more {
			next = &cursor{digest: p.r.digest, device: p.streams[len(p.streams)-1].key.Device}
		}
		w.next(next)
	}
	w.close('}')
	return nil
}

func (p *devicePage) writeList(w *writer) {
	w.key("devices")
	w.open('[')
	start := 0
	for _, end := range p.ends {
		w.open('{')
		p.writeDevice(w, p.streams[start:end])
		w.close('}')
		start = end
	}
	w.close(']')
}

// writeDevice writes the members of one device's object.
func (p *devicePage) writeDevice(w *writer, streams []listedStream) {
	p.r.rows++
	w.key("device")
	w.str(streams[0].key.Device)
	w.key("streams")
	w.open('[')
	for i := range streams {
		streams[i].write(w)
	}
	w.close(']')
}

func (s *listedStream) write(w *writer) {
	w.open('{')
	w.key("stream")
	w.str(s.key.Stream)
	w.key("epochs")
	w.int(int64(s.Epochs))
	w.key("epoch")
	w.uint(uint64(s.Current))
	w.key("last_seq")
	if s.HasLast {
		w.uint(s.LastSeq)
	} else {
		w.null()
	}
	w.key("last_time")
	if s.HasTime {
		w.timeNS(s.LastTimeNS)
	} else {
		w.null()
	}
	w.key("expected")
	w.uint(s.Totals.Expected)
	w.key("stored")
	w.uint(s.Totals.Stored)
	w.key("missing")
	w.uint(s.Totals.Missing())
	w.key("verdict")
	if s.Epochs > 0 {
		w.str(s.Verdict.String())
	} else {
		w.null()
	}
	w.close('}')
}
