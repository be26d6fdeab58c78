package segment

import "math"

// Seals are the lowest and the highest seal ordinal of the segment's rows. They are found in the seal column of each block: nothing else of a
// block is read but its directory. Rows without an ordinal count as 1.
func (r *Reader) Seals() (first, last uint32, err error) {
	s := newSealSource(r, newSealRooms(), 0, 0, func(int) error { return nil })
	first = math.MaxUint32
	at := int64(-1)
	w := epochWalk{r: r}
	for {
		if ok, err := w.next(); err != nil || !ok {
			return first, last, err
		}
		for i := range w.epoch.refs {
			ref := &w.epoch.refs[i]
			if ref.offset == at { // other runs of the same block
				continue
			}
			if err := s.front(ref); err != nil {
				return 0, 0, err
			}
			at = ref.offset
			for _, v := range s.seal {
				first, last = min(first, v), max(last, v)
			}
		}
	}
}
