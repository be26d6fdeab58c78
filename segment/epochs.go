package segment

import (
	"bytes"
	"slices"
	"sort"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// Epoch is what the device index says of one epoch in this segment. It is immutable, and belongs to the Reader it came from.
type Epoch struct {
	Ordinal           uint32
	Frames            uint64
	FirstSeq, LastSeq uint64
	FirstNS, LastNS   int64 // bounds of FiledNS

	refs []blockRef
	runs []ledger.Run
}

// Coverage lists the stored numbers as runs, ascending. The slice is shared: do not change it.
func (e *Epoch) Coverage() []ledger.Run { return e.runs }

// Blocks is how many blocks hold the epoch's frames.
func (e *Epoch) Blocks() int { return len(e.refs) }

// bound computes the epoch's bounds from its blocks.
func (e *Epoch) bound() {
	e.FirstSeq, e.LastSeq = e.refs[0].firstSeq, e.refs[len(e.refs)-1].lastSeq
	e.FirstNS, e.LastNS = e.refs[0].minNS, e.refs[0].maxNS
	for i := range e.refs {
		e.FirstNS, e.LastNS = min(e.FirstNS, e.refs[i].minNS), max(e.LastNS, e.refs[i].maxNS)
	}
}

// join puts the next entry of the same epoch behind this one, without changing what either shares with others.
func (e *Epoch) join(next *Epoch) {
	e.refs = append(slices.Clip(e.refs), next.refs...)
	last := e.runs[len(e.runs)-1]
	if first := next.runs[0]; first.First == last.Last+1 {
		e.runs = append(slices.Clip(e.runs[:len(e.runs)-1]), ledger.Run{First: last.First, Last: first.Last})
		e.runs = append(e.runs, next.runs[1:]...)
	} else {
		e.runs = append(slices.Clip(e.runs), next.runs...)
	}
	e.Frames += next.Frames
	e.LastSeq = next.LastSeq
	e.FirstNS, e.LastNS = min(e.FirstNS, next.FirstNS), max(e.LastNS, next.LastNS)
}

// Epochs lists the stream's epochs in this segment, ascending; nil when it has none. It reads one page of the device index, more for a
// stream with very many epochs, blocks or holes.
func (r *Reader) Epochs(key frame.StreamKey) ([]Epoch, error) {
	var list []Epoch
	err := r.entries(appendKey(nil, key), 0, func(e *Epoch) bool {
		list = append(list, *e)
		return true
	})
	return list, err
}

// Epoch finds one epoch of a stream.
func (r *Reader) Epoch(key frame.StreamKey, ordinal uint32) (found Epoch, ok bool, err error) {
	err = r.entries(appendKey(nil, key), ordinal, func(e *Epoch) bool {
		if e.Ordinal == ordinal {
			found, ok = *e, true
		}
		return false
	})
	return found, ok, err
}

// entries calls fn for the key's epochs from the ordinal on, until fn returns false.
func (r *Reader) entries(key []byte, ordinal uint32, fn func(*Epoch) bool) error {
	var whole Epoch // put together from one or more entries
	for i := firstPage(r.top, key, ordinal); i < len(r.top) && bytes.Compare(r.top[i].key, key) <= 0; i++ {
		p, err := r.page(i)
		if err != nil {
			return err
		}
		at := sort.Search(len(p.keys), func(k int) bool { return bytes.Compare(p.keys[k], key) >= 0 })
		for ; at < len(p.keys) && bytes.Equal(p.keys[at], key); at++ {
			e := &p.entries[at]
			switch {
			case e.Ordinal < ordinal:
			case len(whole.refs) == 0:
				whole = *e
			case whole.Ordinal == e.Ordinal:
				whole.join(e)
			default:
				if !fn(&whole) {
					return nil
				}
				whole = *e
			}
		}
	}
	if len(whole.refs) > 0 {
		fn(&whole)
	}
	return nil
}

// page reads a page of the device index.
func (r *Reader) page(i int) (*page, error) {
	t := &r.top[i]
	key := cacheKey{r.id, t.offset, cachePage}
	if p, ok := r.opt.Cache.get(key).(*page); ok {
		return p, nil
	}
	s := takeScratch()
	defer s.release()
	b, err := r.read(byteSpan{t.offset, t.offset + int64(t.length)}, s.buf)
	if err != nil {
		return nil, r.fail(err)
	}
	s.buf = b
	p, err := parsePage(&s.dec, b, r.footer.body)
	if err == nil {
		err = p.check(t, r.pageBehind(i))
	}
	if err != nil {
		return nil, r.fail(locate(err, r.opt.Path, "index page", t.offset))
	}
	r.opt.Cache.put(key, p, p.size())
	return p, nil
}

// pageBehind is where the next page begins, nil behind the last one.
func (r *Reader) pageBehind(i int) *topEntry {
	if i+1 == len(r.top) {
		return nil
	}
	return &r.top[i+1]
}

// Each calls fn for every epoch in order of the file, and returns the first error of fn.
func (r *Reader) Each(fn func(key frame.StreamKey, e *Epoch) error) error {
	w := epochWalk{r: r}
	for {
		if ok, err := w.next(); err != nil || !ok {
			return err
		}
		if err := fn(parseKey(w.key), &w.epoch); err != nil {
			return err
		}
	}
}
