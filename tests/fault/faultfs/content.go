//go:build linux

package faultfs

import "slices"

// pageSize is the unit in which content survives a power cut, and the one in which room is counted.
const pageSize = 4096

// maxFileBytes bounds the table of pages of one file.
const maxFileBytes = 1 << 34

// page is never changed once it is part of a content: contents share pages.
type page [pageSize]byte

// content is the bytes of a file. A page that is nil, or beyond the table, is a hole. There are no pages, and only zeros, beyond the size.
type content struct {
	size  int64
	pages []*page
	used  int64 // pages that are not holes
}

func (c *content) at(i int64) *page {
	if i < int64(len(c.pages)) {
		return c.pages[i]
	}
	return nil
}

func (c *content) set(i int64, p *page) {
	if i >= int64(len(c.pages)) {
		if p == nil {
			return
		}
		c.pages = append(c.pages, make([]*page, i+1-int64(len(c.pages)))...)
	}
	if c.pages[i] != nil {
		c.used--
	}
	if p != nil {
		c.used++
	}
	c.pages[i] = p
}

// trim takes away what is beyond the size.
func (c *content) trim() {
	for n := pagesOf(c.size); int64(len(c.pages)) > n; {
		last := int64(len(c.pages)) - 1
		c.set(last, nil)
		c.pages = c.pages[:last]
	}
	tail := c.size % pageSize
	p := c.at(c.size / pageSize)
	if tail == 0 || p == nil || zero(p[tail:]) {
		return
	}
	short := new(page)
	copy(short[:tail], p[:])
	c.set(c.size/pageSize, short)
}

// read fills dst from off, and returns how much there was.
func (c *content) read(dst []byte, off int64) int {
	if off >= c.size {
		return 0
	}
	dst = dst[:min(int64(len(dst)), c.size-off)]
	for n := 0; n < len(dst); {
		at, from := (off+int64(n))/pageSize, (off+int64(n))%pageSize
		part := dst[n:min(len(dst), n+int(pageSize-from))]
		if p := c.at(at); p != nil {
			copy(part, p[from:])
		} else {
			clear(part)
		}
		n += len(part)
	}
	return len(dst)
}

// clone shares the pages.
func (c *content) clone() content {
	return content{size: c.size, pages: slices.Clone(c.pages), used: c.used}
}

func pagesOf(size int64) int64 { return (size + pageSize - 1) / pageSize }

func zero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
