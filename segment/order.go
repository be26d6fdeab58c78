package segment

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/gaplessdb/gapless/frame"
)

// writeTo gives the head's frames to a writer in the order of a file.
func (h *Head) writeTo(w *Writer, key func(frame.StreamID) (frame.StreamKey, bool)) error {
	order, err := h.order(w, key)
	if err != nil {
		return err
	}
	var f frame.Frame
	for i := range order {
		s := order[i].stream
		for k := range s.epochs {
			e := &s.epochs[k]
			w.begin(order[i].key, e.ordinal)
			for _, c := range e.chunks {
				for r := range c.rows {
					row := &c.rows[r]
					row.Body.Decode(&f)
					if err := w.add(row, f.Fields, f.Raw); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// keyedStream is a stream with its key. Keys mostly begin alike and differ in the few bytes after: those are compared as a number.
type keyedStream struct {
	differs uint64
	key     []byte
	stream  *stream
}

func (k *keyedStream) compare(o *keyedStream) int {
	if k.differs != o.differs {
		return cmp.Compare(k.differs, o.differs)
	}
	return bytes.Compare(k.key, o.key)
}

// order lists the streams by key.
func (h *Head) order(w *Writer, key func(frame.StreamID) (frame.StreamKey, bool)) ([]keyedStream, error) {
	list := make([]keyedStream, 0, len(h.streams))
	for id, s := range h.streams {
		k, ok := key(id)
		if !ok {
			return nil, fmt.Errorf("segment: stream %d has frames and no name", id)
		}
		b := w.keep(k)
		if !isKey(b) {
			return nil, fmt.Errorf("segment: stream %d has the name %q", id, b)
		}
		list = append(list, keyedStream{key: b, stream: s})
	}
	common := list[0].key
	for i := range list {
		common = common[:sharedPrefix(common, list[i].key)]
	}
	for i := range list {
		var b [8]byte
		copy(b[:], list[i].key[len(common):])
		list[i].differs = binary.BigEndian.Uint64(b[:])
	}
	slices.SortFunc(list, func(a, b keyedStream) int { return a.compare(&b) })
	for i := 1; i < len(list); i++ {
		if list[i].compare(&list[i-1]) == 0 {
			return nil, fmt.Errorf("segment: two streams have the name %q", list[i].key)
		}
	}
	return list, nil
}
