package segment

// FirstSince is the lowest number of the epoch in this segment filed at or after ns (at), and the highest below it (before). Without
// one, before is the highest number of all. Head.FirstSince says how layers combine.
func (r *Reader) FirstSince(e *Epoch, ns int64) (at, before uint64, hasAt, hasBefore bool, err error) {
	b, err := r.firstSince(e, ns)
	return b.at, b.beside, b.hasAt, b.hasBeside, err
}

// LastUntil is the highest number of the epoch in this segment filed at or before ns (at), and the lowest above it (after). Without one,
// after is the lowest number of all.
func (r *Reader) LastUntil(e *Epoch, ns int64) (at, after uint64, hasAt, hasAfter bool, err error) {
	b, err := r.lastUntil(e, ns)
	return b.at, b.beside, b.hasAt, b.hasBeside, err
}

// Window is Head.Window over this segment's rows of the epoch.
func (r *Reader) Window(e *Epoch, fromNS, toNS int64) (first, last uint64, ok bool, err error) {
	if fromNS > toNS {
		return 0, 0, false, nil
	}
	since, err := r.firstSince(e, fromNS)
	if err != nil {
		return 0, 0, false, err
	}
	until, err := r.lastUntil(e, toNS)
	if err != nil {
		return 0, 0, false, err
	}
	first, last, ok = window(since, until)
	return first, last, ok, nil
}

func (r *Reader) firstSince(e *Epoch, ns int64) (b bound, err error) {
	for i := range e.refs {
		ref := &e.refs[i]
		if ref.minNS >= ns {
			b.step(ref.firstSeq, true)
			return b, nil
		}
		if ref.maxNS >= ns {
			err = r.eachFiled(ref, func(rows *blockRows, from, to int) {
				for row := from; row < to && !b.hasAt; row++ {
					b.step(rows.seq[row], rows.filed(row) >= ns)
				}
			})
			if err != nil || b.hasAt {
				return b, err
			}
		}
		b.step(ref.lastSeq, false)
	}
	return b, nil
}

func (r *Reader) lastUntil(e *Epoch, ns int64) (b bound, err error) {
	for i := len(e.refs) - 1; i >= 0; i-- {
		ref := &e.refs[i]
		if ref.maxNS <= ns {
			b.step(ref.lastSeq, true)
			return b, nil
		}
		if ref.minNS <= ns {
			err = r.eachFiled(ref, func(rows *blockRows, from, to int) {
				for row := to - 1; row >= from && !b.hasAt; row-- {
					b.step(rows.seq[row], rows.filed(row) <= ns)
				}
			})
			if err != nil || b.hasAt {
				return b, err
			}
		}
		b.step(ref.firstSeq, false)
	}
	return b, nil
}

// step takes the next number on the way to the bound.
func (b *bound) step(seq uint64, found bool) {
	if found {
		b.at, b.hasAt = seq, true
	} else {
		b.beside, b.hasBeside = seq, true
	}
}

// eachFiled gives fn the rows of a run.
func (r *Reader) eachFiled(ref *blockRef, fn func(rows *blockRows, from, to int)) error {
	l := r.loader(ref)
	defer l.release()
	b, err := l.times()
	if err == nil {
		run := &b.runs[ref.run]
		fn(b, run.first, run.first+run.rows)
	}
	return err
}
