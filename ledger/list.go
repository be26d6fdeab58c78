package ledger

import (
	"iter"
	"slices"
	"sort"
)

// listChunk is how many items a chunk of a list holds at most: small enough to move and to copy, large enough that few chunks exist.
const listChunk = 256

// list is an ordered list in chunks, so that a change in the middle moves little, and a fork costs a few words a chunk. The zero value is empty.
type list[T any] struct {
	chunks []chunk[T] // none empty, but a single one that keeps its memory
	count  int
}

// chunk is some consecutive items. Those of a shared one are read through another list too: a copy takes its place before one of them changes. Adding behind
// them is no change, as only the newest of the lists is ever written, and none of the others looks further than it did.
type chunk[T any] struct {
	items  []T
	shared bool
}

// spot is the place of an item, or the end of a list.
type spot struct{ chunk, at int }

// fork is a list of the same items. From now on only the fork may be written, and what is read through l stays as it is.
func (l *list[T]) fork() list[T] {
	if l.count == 0 {
		return list[T]{}
	}
	f := list[T]{slices.Clone(l.chunks), l.count}
	for i := range f.chunks {
		f.chunks[i].shared = true
	}
	return f
}

// own makes a chunk ready to be written.
func (l *list[T]) own(c int) *chunk[T] {
	k := &l.chunks[c]
	if k.shared {
		k.items, k.shared = slices.Clone(k.items), false
	}
	return k
}

// search is the spot of the first item that satisfies ok. As with sort.Search, ok is false for a prefix and true for the rest.
func (l *list[T]) search(ok func(T) bool) spot {
	if l.count == 0 {
		return spot{}
	}
	c := 0
	if len(l.chunks) > 1 {
		c = sort.Search(len(l.chunks), func(i int) bool { return ok(l.chunks[i].items[len(l.chunks[i].items)-1]) })
	}
	if c == len(l.chunks) {
		return spot{chunk: c}
	}
	items := l.chunks[c].items
	at := sort.Search(len(items), func(i int) bool { return ok(items[i]) })
	if at == len(items) {
		return spot{chunk: c + 1}
	}
	return spot{c, at}
}

// end is the spot behind the last item.
func (l *list[T]) end() spot { return spot{chunk: len(l.chunks)} }

// at is the item at a spot, false at the end.
func (l *list[T]) at(p spot) (v T, ok bool) {
	if p.chunk >= len(l.chunks) || p.at >= len(l.chunks[p.chunk].items) {
		return v, false
	}
	return l.chunks[p.chunk].items[p.at], true
}

// last is the last item, false when there is none.
func (l *list[T]) last() (v T, ok bool) {
	return l.before(l.end())
}

// before is the item before a spot, false at the first.
func (l *list[T]) before(p spot) (v T, ok bool) {
	p, ok = l.prev(p)
	if !ok {
		return v, false
	}
	return l.at(p)
}

// prev is the spot before another, false at the first.
func (l *list[T]) prev(p spot) (spot, bool) {
	if p.at > 0 {
		return spot{p.chunk, p.at - 1}, true
	}
	if p.chunk == 0 || l.count == 0 {
		return p, false
	}
	return spot{p.chunk - 1, len(l.chunks[p.chunk-1].items) - 1}, true
}

// next is the spot behind that of an item.
func (l *list[T]) next(p spot) spot {
	if p.at+1 < len(l.chunks[p.chunk].items) {
		return spot{p.chunk, p.at + 1}
	}
	return spot{chunk: p.chunk + 1}
}

// all yields every item.
func (l *list[T]) all() iter.Seq[T] { return l.from(spot{}) }

// from yields the items from a spot on.
func (l *list[T]) from(p spot) iter.Seq[T] {
	return func(yield func(T) bool) {
		at := p.at
		for c := p.chunk; c < len(l.chunks); c++ {
			for _, v := range l.chunks[c].items[at:] {
				if !yield(v) {
					return
				}
			}
			at = 0
		}
	}
}

// push adds an item at the end. Items that come in order fill chunk after chunk.
func (l *list[T]) push(v T) {
	last := len(l.chunks) - 1
	if last < 0 || len(l.chunks[last].items) >= listChunk {
		l.chunks = append(l.chunks, chunk[T]{})
		last++
	}
	l.chunks[last].items = append(l.chunks[last].items, v)
	l.count++
}

// reserve makes room in an empty list for n items that will be pushed, at most for a chunk of them.
func (l *list[T]) reserve(n uint64) {
	l.chunks = []chunk[T]{{items: make([]T, 0, min(n, listChunk))}}
}

// replace puts items in the place of those from p up to q, which is excluded. Spots that were found before mean nothing afterwards.
func (l *list[T]) replace(p, q spot, with ...T) {
	if p.chunk >= len(l.chunks) {
		for _, v := range with {
			l.push(v)
		}
		return
	}
	k := l.own(p.chunk)
	before := len(k.items)
	if q.chunk == p.chunk {
		k.items = slices.Replace(k.items, p.at, q.at, with...)
	} else {
		k.items = slices.Replace(k.items, p.at, before, with...)
		l.dropChunks(p.chunk+1, q.chunk)
		if q.at > 0 {
			rest := l.own(p.chunk + 1)
			rest.items = slices.Delete(rest.items, 0, q.at)
			l.count -= q.at
		}
	}
	l.count += len(l.chunks[p.chunk].items) - before
	l.fit(p.chunk)
}

// dropChunks takes whole chunks out.
func (l *list[T]) dropChunks(first, end int) {
	for c := first; c < end; c++ {
		l.count -= len(l.chunks[c].items)
	}
	l.chunks = slices.Delete(l.chunks, first, end)
}

// fit splits a chunk that is too long, drops an empty one, and joins a short one with a short neighbour.
func (l *list[T]) fit(c int) {
	switch n := len(l.chunks[c].items); {
	case n > listChunk:
		l.split(c)
	case n == 0 && len(l.chunks) > 1:
		l.dropChunks(c, c+1)
	case l.short(c, c+1):
		l.join(c)
	case c > 0 && l.short(c-1, c):
		l.join(c - 1)
	}
}

// split moves what does not fit a chunk into new ones behind it.
func (l *list[T]) split(c int) {
	items := l.chunks[c].items
	keep := min(len(items)/2, listChunk)
	var behind []chunk[T]
	for part := range slices.Chunk(items[keep:], listChunk) {
		behind = append(behind, chunk[T]{items: slices.Clone(part)})
	}
	l.chunks[c].items = slices.Delete(items, keep, len(items))
	l.chunks = slices.Insert(l.chunks, c+1, behind...)
}

// short reports whether two neighbours together fill at most half a chunk.
func (l *list[T]) short(a, b int) bool {
	return b < len(l.chunks) && len(l.chunks[a].items)+len(l.chunks[b].items) <= listChunk/2
}

// join moves the items of the next chunk into this one.
func (l *list[T]) join(c int) {
	k := l.own(c)
	k.items = append(k.items, l.chunks[c+1].items...)
	l.chunks = slices.Delete(l.chunks, c+1, c+2)
}
