package wal

// kick tells the housekeeper that there is work. An inline log has none (see tidyInline).
func (l *Log) kick() {
	select {
	case l.wake <- struct{}{}:
	default: // it has not yet begun with what it was told before
	}
}

// housekeeper prepares the next file and removes spares, so that StoreLogs does not have to wait for either.
func (l *Log) housekeeper() {
	defer close(l.done)
	for {
		select {
		case <-l.quit:
			return
		case <-l.wake:
			_ = l.tidy() // a failure has poisoned the log: the next call returns it
		}
	}
}

// tidyInline does the housekeeper's work if there is none.
func (l *Log) tidyInline() error {
	if !l.opt.Inline {
		return nil
	}
	return l.tidy()
}

// tidy prepares the next file if there is none and removes spares that are too many.
func (l *Log) tidy() error {
	l.changing.Lock()
	defer l.changing.Unlock()
	if err := l.prepare(); err != nil {
		return err
	}
	return l.trim()
}

// prepare makes sure that there is a next file, named by the meta file. The caller holds changing.
func (l *Log) prepare() error {
	l.mu.RLock()
	err, ready := l.failed, l.next != nil
	l.mu.RUnlock()
	if err != nil || ready {
		return err
	}
	f, err := l.allocate()
	if err != nil {
		return err
	}
	m := l.description()
	m.files = append(m.files, metaFile{generation: f.generation})
	if err := l.commit(m); err != nil {
		return err
	}
	l.mu.Lock()
	l.next = f
	l.mu.Unlock()
	return nil
}
