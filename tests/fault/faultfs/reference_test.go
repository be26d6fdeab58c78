//go:build linux

package faultfs

import "slices"

// reference is what the model must do, as plainly as it can be said: whole copies, and marks of what was changed since the last sync.
type reference struct {
	files []*refFile
	names map[string]int  // live: path -> file
	kept  map[string]int  // durable
	fresh map[string]bool // changed since the last sync of the directory
}

type refFile struct {
	live, durable []byte
	dirty         map[int]bool // pages
	resized       bool
}

func (f *refFile) resize(size int) {
	for at := size / pageSize; size < len(f.live) && at*pageSize < len(f.live); at++ {
		f.dirty[at] = true
	}
	f.resized = f.resized || size != len(f.live)
	f.live = resized(f.live, size)
}

func resized(b []byte, size int) []byte {
	if size <= len(b) {
		return b[:size:size]
	}
	return append(b, make([]byte, size-len(b))...)
}

func (f *refFile) write(off int, data []byte) {
	if len(data) == 0 {
		return
	}
	if end := off + len(data); end > len(f.live) {
		f.live, f.resized = resized(f.live, end), true
	}
	copy(f.live[off:], data)
	for at := off / pageSize; at*pageSize < off+len(data); at++ {
		f.dirty[at] = true
	}
}

// sync takes the dirty pages over; where the size was not changed, it reaches as far as they do.
func (f *refFile) sync() {
	size := len(f.durable)
	if f.resized {
		size = len(f.live)
	}
	for at := range f.dirty {
		if end := min(len(f.live), (at+1)*pageSize); !f.resized {
			size = max(size, end)
		}
	}
	f.durable = f.overlay(f.durable, f.live, size)
	f.clean()
}

func (f *refFile) fail(drop bool) {
	if drop {
		f.live = f.overlay(f.live, f.durable, len(f.live))
	}
	f.clean()
}

func (f *refFile) clean() { f.dirty, f.resized = map[int]bool{}, false }

// overlay is base with the dirty pages of other, of a size.
func (f *refFile) overlay(base, other []byte, size int) []byte {
	long := max(size, len(base), len(other)) + pageSize
	out, from := resized(slices.Clone(base), long), resized(slices.Clone(other), long)
	for at := range f.dirty {
		if end := (at + 1) * pageSize; end <= long {
			copy(out[at*pageSize:end], from[at*pageSize:end])
		}
	}
	return out[:size]
}
