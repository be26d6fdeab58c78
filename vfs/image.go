package vfs

const pageSize = 4096

// image is the contents of a file in memory. Pages that were never written, or only with zeros, are absent, and clones share
// pages until one side writes: a preallocated log file costs nothing, and neither does a crash clone.
// Bytes of the last page beyond size are zero.
type image struct {
	size  int64
	pages map[int64]page // by page number
}

// page belongs to one image if owned, else it may be shared and is never written.
type page struct {
	b     *[pageSize]byte
	owned bool
}

// clone returns an independent copy. Both sides give up ownership of their pages.
func (im *image) clone() image {
	c := image{size: im.size, pages: make(map[int64]page, len(im.pages))}
	for i, p := range im.pages {
		p.owned = false
		im.pages[i], c.pages[i] = p, p
	}
	return c
}

// readAt copies what there is at off and returns how much that was.
func (im *image) readAt(p []byte, off int64) int {
	if off >= im.size {
		return 0
	}
	p = p[:min(int64(len(p)), im.size-off)]
	for n := 0; n < len(p); {
		pos := off + int64(n)
		part := p[n:min(len(p), n+pageSize-int(pos%pageSize))]
		if pg, ok := im.pages[pos/pageSize]; ok {
			copy(part, pg.b[pos%pageSize:])
		} else {
			clear(part)
		}
		n += len(part)
	}
	return len(p)
}

func (im *image) writeAt(p []byte, off int64) {
	im.size = max(im.size, off+int64(len(p)))
	for len(p) > 0 {
		i, at := off/pageSize, int(off%pageSize)
		part := p[:min(len(p), pageSize-at)]
		if _, ok := im.pages[i]; ok || !allZero(part) {
			copy(im.own(i)[at:], part)
		}
		p, off = p[len(part):], off+int64(len(part))
	}
}

// zero writes n zeros at off.
func (im *image) zero(off, n int64) {
	im.size = max(im.size, off+n)
	for end := off + n; off < end; {
		i, at := off/pageSize, off%pageSize
		k := min(end-off, pageSize-at)
		if k == pageSize {
			delete(im.pages, i)
		} else if _, ok := im.pages[i]; ok {
			clear(im.own(i)[at : at+k])
		}
		off += k
	}
}

// truncate sets the size; a longer file ends in zeros.
func (im *image) truncate(size int64) {
	if size < im.size {
		for i := range im.pages {
			if i*pageSize >= size {
				delete(im.pages, i)
			}
		}
		if _, ok := im.pages[size/pageSize]; ok {
			clear(im.own(size / pageSize)[size%pageSize:])
		}
	}
	im.size = size
}

// own returns page i, ready to be written.
func (im *image) own(i int64) *[pageSize]byte {
	p := im.pages[i]
	if p.owned {
		return p.b
	}
	b := new([pageSize]byte)
	if p.b != nil {
		*b = *p.b
	}
	if im.pages == nil {
		im.pages = map[int64]page{}
	}
	im.pages[i] = page{b: b, owned: true}
	return b
}

func allZero(p []byte) bool {
	for _, c := range p {
		if c != 0 {
			return false
		}
	}
	return true
}
