package query

func (p *devicePage) write() error {
	if err := p.settle(); err != nil {
		return err
	}
	c := p.completeness()
	if err := p.r.requireComplete(&c); err != nil {
		return err
	}
	w := &p.r.w
	w.open('{')
	if p.one {
		if err := p.writeDevice(w, &p.list[0]); err != nil {
			return err
		}
	} else if err := p.writeList(w); err != nil {
		return err
	}
	p.groups.write(w, false, false)
	p.r.writeState(p.asOf, &c)
	if !p.one {
		var next *cursor
		if p.more {
			next = &cursor{digest: p.r.digest, device: p.last}
		}
		w.next(next)
	}
	w.close('}')
	return nil
}

func (p *devicePage) writeList(w *writer) error {
	w.key("devices")
	w.open('[')
	for i := range p.list {
		w.open('{')
		if err := p.writeDevice(w, &p.list[i]); err != nil {
			return err
		}
		w.close('}')
	}
	w.close(']')
	return nil
}

// writeDevice writes the members of one device's object.
func (p *devicePage) writeDevice(w *writer, d *listedDevice) error {
	p.r.rows++
	w.key("device")
	w.str(d.device)
	w.key("streams")
	w.open('[')
	for i := range d.streams {
		d.streams[i].write(w)
	}
	w.close(']')
	w.key("registry")
	if d.entry == nil {
		w.null()
		return nil
	}
	if err := w.marshal(d.entry); err != nil {
		return err
	}
	if d.silent {
		w.key("silent")
		w.bool(true)
	}
	d.pace.write(w)
	return nil
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
