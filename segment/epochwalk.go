package segment

import "bytes"

// epochWalk goes through the epochs of a segment in order of the file.
type epochWalk struct {
	r     *Reader
	pages int   // how many were read
	page  *page // the last of them
	at    int   // place in it

	key   []byte // immutable
	epoch Epoch  // put together from one or more entries
}

// next goes to the next epoch. It is false behind the last one.
func (w *epochWalk) next() (ok bool, err error) {
	if more, err := w.fill(); err != nil || !more {
		return false, err
	}
	w.key, w.epoch = w.page.keys[w.at], w.page.entries[w.at]
	for w.at++; ; w.at++ {
		if more, err := w.fill(); err != nil || !more {
			return err == nil, err
		}
		e := &w.page.entries[w.at]
		if e.Ordinal != w.epoch.Ordinal || !bytes.Equal(w.page.keys[w.at], w.key) {
			return true, nil
		}
		if !w.epoch.join(e) {
			err := damaged("index page", 0, "entries of an epoch in order", e.FirstSeq)
			return false, w.r.fail(locate(err, w.r.opt.Path, "", w.r.top[w.pages-1].offset))
		}
	}
}

// fill makes sure that there is an entry at hand. It is false at the end.
func (w *epochWalk) fill() (bool, error) {
	for w.page == nil || w.at == len(w.page.entries) {
		if w.pages == len(w.r.top) {
			return false, nil
		}
		p, err := w.r.page(w.pages)
		if err != nil {
			return false, err
		}
		w.page, w.at = p, 0
		w.pages++
	}
	return true, nil
}
