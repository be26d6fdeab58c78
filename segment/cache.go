package segment

import (
	"sync"
	"sync/atomic"
)

// Cache keeps decoded columns and index pages of any number of readers, the most recently used ones, by bytes. It is safe for concurrent
// use. What it gives out is immutable and stays valid after it was dropped here.
type Cache struct {
	hits, misses, evictions atomic.Uint64
	unnamed                 atomic.Uint64 // readers without a name so far
	shards                  [cacheShards]cacheShard
}

// cacheShards is a power of two. A shard has an equal share of the bytes.
const cacheShards = 16

type cacheShard struct {
	mu      sync.Mutex // protects what follows
	entries map[cacheKey]*cacheEntry
	newest  cacheEntry // sentinel of a ring: newest.next is the most recently used
	bytes   int64
	limit   int64
}

// cacheKey names a part of a file: the segment, where the block or page begins, and what of it.
type cacheKey struct {
	file   Name
	offset int64
	part   int32
}

// Parts of a block that the cache keeps; columns follow from partColumns on by their place in the directory.
const (
	cachePage int32 = iota
	cacheDirectory
	cacheRows
	cacheTimes
	cacheColumns
)

type cacheEntry struct {
	key        cacheKey
	value      any
	size       int64
	next, prev *cacheEntry
}

// entryOverhead is what an entry takes beside its value, about.
const entryOverhead = 192

// CacheStats are the counters of a Cache.
type CacheStats struct {
	Hits, Misses, Evictions uint64
	Bytes, Entries          int64
}

// NewCache returns a cache of at most maxBytes of decoded data. What is larger than a sixteenth of that is served and not kept.
func NewCache(maxBytes int64) *Cache {
	c := &Cache{}
	for i := range c.shards {
		s := &c.shards[i]
		s.entries, s.limit = map[cacheKey]*cacheEntry{}, maxBytes/cacheShards
		s.newest.next, s.newest.prev = &s.newest, &s.newest
	}
	return c
}

// Stats reads the counters.
func (c *Cache) Stats() CacheStats {
	st := CacheStats{Hits: c.hits.Load(), Misses: c.misses.Load(), Evictions: c.evictions.Load()}
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		st.Bytes += s.bytes
		st.Entries += int64(len(s.entries))
		s.mu.Unlock()
	}
	return st
}

// shard spreads by file and place. Names are hashes already.
func (c *Cache) shard(k *cacheKey) *cacheShard {
	h := uint64(k.file[0]) + uint64(k.offset)*0x9e3779b97f4a7c15 + uint64(k.part)*0xbf58476d1ce4e5b9
	return &c.shards[h>>59&(cacheShards-1)]
}

// get returns what is kept under the key, nil when nothing is. A nil cache keeps nothing.
func (c *Cache) get(k cacheKey) any {
	if c == nil {
		return nil
	}
	s := c.shard(&k)
	s.mu.Lock()
	e := s.entries[k]
	var v any
	if e != nil {
		v = e.value
		s.unlink(e)
		s.link(e)
	}
	s.mu.Unlock()
	if v == nil {
		c.misses.Add(1)
	} else {
		c.hits.Add(1)
	}
	return v
}

// put keeps a value, and drops the ones that were not used for longest where it would be too much.
func (c *Cache) put(k cacheKey, v any, size int64) {
	if c == nil {
		return
	}
	s := c.shard(&k)
	size += entryOverhead
	if size > s.limit {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries[k] != nil {
		return // somebody else decoded the same
	}
	e := &cacheEntry{key: k, value: v, size: size}
	s.entries[k] = e
	s.link(e)
	for s.bytes += size; s.bytes > s.limit; c.evictions.Add(1) {
		old := s.newest.prev
		s.unlink(old)
		delete(s.entries, old.key)
		s.bytes -= old.size
	}
}

func (s *cacheShard) link(e *cacheEntry) {
	e.prev, e.next = &s.newest, s.newest.next
	e.prev.next, e.next.prev = e, e
}

func (s *cacheShard) unlink(e *cacheEntry) {
	e.prev.next, e.next.prev = e.next, e.prev
}
