package segment

import (
	"bytes"
	"cmp"
	"sort"
)

// epochWalk goes through the epochs of a segment in order of the file: they ascend, which page.check makes sure of.
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
		w.epoch.join(e)
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

// seek goes on to the first epoch that is not below one, if the epoch at hand is. It is false at the end.
func (w *epochWalk) seek(key []byte, ordinal uint32) (ok bool, err error) {
	if w.compare(key, ordinal) >= 0 {
		return true, nil
	}
	if i := firstPage(w.r.top, key, ordinal); i >= w.pages {
		w.pages, w.page = i, nil
	}
	if more, err := w.fill(); err != nil || !more {
		return false, err
	}
	rest := len(w.page.entries) - w.at
	w.at += sort.Search(rest, func(i int) bool {
		return compareEpochs(w.page.keys[w.at+i], w.page.entries[w.at+i].Ordinal, key, ordinal) >= 0
	})
	return w.next()
}

func (w *epochWalk) compare(key []byte, ordinal uint32) int {
	return compareEpochs(w.key, w.epoch.Ordinal, key, ordinal)
}

// compareEpochs orders epochs as they stand in a segment.
func compareEpochs(a []byte, epoch uint32, b []byte, other uint32) int {
	return cmp.Or(bytes.Compare(a, b), cmp.Compare(epoch, other))
}
