package frame

import "slices"

// Finish appends the encoded batch to dst. An error returns dst as it was. The builder can be finished again or Reset.
func (b *Builder) Finish(dst []byte) ([]byte, error) {
	if err := b.header.validate(); err != nil {
		return dst, err
	}
	start := len(dst)
	dst = slices.Grow(dst, b.size)
	dst = appendPreamble(dst, b.header.Replicated)
	dst = appendHeader(dst, &b.header)
	dst = append(appendUvarint(dst, uint64(b.ndefs)), b.defs...)
	dst = append(appendUvarint(dst, uint64(b.shapes.count)), b.shapes.table...)
	dst = b.appendGroups(dst)
	dst = append(appendUvarint(dst, uint64(b.nrejects)), b.rejects...)
	return seal(dst, start)
}

func (b *Builder) appendGroups(dst []byte) []byte {
	b.arrange()
	used := 0
	for i := range b.groups {
		if b.groups[i].frames > 0 {
			used++
		}
	}
	dst = appendUvarint(dst, uint64(used))
	order := b.order
	for i := range b.groups {
		g := &b.groups[i]
		if g.frames == 0 {
			continue
		}
		dst = appendCounter(dst, &g.Group)
		dst = appendUvarint(dst, uint64(g.frames))
		dst = appendUvarint(dst, uint64(g.bytes))
		dst = b.appendRuns(dst, order[:g.frames])
		order = order[g.frames:]
	}
	return dst
}

// arrange fills order: a stable counting sort of the frames by group.
func (b *Builder) arrange() {
	b.order = slices.Grow(b.order[:0], len(b.added))[:len(b.added)]
	next := 0
	for i := range b.groups {
		b.groups[i].place = next
		next += b.groups[i].frames
	}
	for i := range b.added {
		g := &b.groups[b.added[i].group]
		b.order[g.place] = uint32(i)
		g.place++
	}
}

// appendRuns copies the frames of one group; those added one after the other are copied at once.
func (b *Builder) appendRuns(dst []byte, order []uint32) []byte {
	for len(order) > 0 {
		n := 1
		for n < len(order) && order[n] == order[0]+uint32(n) {
			n++
		}
		from := uint32(0)
		if order[0] > 0 {
			from = b.added[order[0]-1].end
		}
		dst = append(dst, b.data[from:b.added[order[n-1]].end]...)
		order = order[n:]
	}
	return dst
}
