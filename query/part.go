package query

// part is the completeness of a stream or epoch, as far as a View can tell: where the frame that it is complete through is not in the
// newest head, its time is still to be read.
type part struct {
	completeness
	target // of through
}

// reach says how far the part is complete, with the time of that frame where the newest head has it.
func (p *part) reach(v *View, t target, seq uint64) {
	p.target = t
	p.through = through{hasSeq: true, epoch: t.key.ordinal, seq: seq}
	if row, ok := v.Head.Get(t.id, t.key.ordinal, seq); ok {
		p.through.hasTime, p.through.timeNS = true, row.TimeNS
	}
}

// settle reads the times that are missing. A number that no layer holds keeps none.
func (l *layers) settle(parts ...*part) error {
	for _, p := range parts {
		if !p.through.hasSeq || p.through.hasTime {
			continue
		}
		holder, err := l.holder(&p.target, p.through.seq)
		if err != nil {
			return err
		}
		if holder == nil {
			continue
		}
		at, err := holder.point(p.through.seq, 1)
		if err != nil {
			return err
		}
		p.through.hasTime, p.through.timeNS = true, at.timeNS
	}
	return nil
}

// total settles the parts and adds them up.
func (l *layers) total(parts []*part) (completeness, error) {
	var s sum
	err := l.settle(parts...)
	for _, p := range parts {
		s.add(p.completeness)
	}
	return s.result(), err
}
