package registry

import (
	"iter"
	"slices"
	"sort"
	"strings"
)

// chunkRecords is how many entries a chunk of the table holds at most.
const chunkRecords = 512

// table has the entries of all tenants, ascending by (tenant, device), in chunks, so that a fork costs a pointer a chunk, and the first change of a chunk
// after it a copy of that chunk.
type table struct {
	version uint32 // raised with each fork: a chunk of an older one may be read by a frozen checkpoint
	chunks  []*chunk
	count   int
}

type chunk struct {
	version uint32
	records []*record // ascending, never empty
}

func (r *record) compare(tenant, device string) int {
	if c := strings.Compare(r.tenant, tenant); c != 0 {
		return c
	}
	return strings.Compare(r.device, device)
}

// fork is a table of the same entries that never changes.
func (t *table) fork() table {
	f := table{chunks: slices.Clone(t.chunks), count: t.count}
	t.version++
	return f
}

// find is the place of an entry, or the one where it would be inserted.
func (t *table) find(tenant, device string) (c, at int, ok bool) {
	c = sort.Search(len(t.chunks), func(i int) bool {
		records := t.chunks[i].records
		return records[len(records)-1].compare(tenant, device) >= 0
	})
	if c == len(t.chunks) {
		return c, 0, false
	}
	at, ok = slices.BinarySearchFunc(t.chunks[c].records, device, func(r *record, device string) int { return r.compare(tenant, device) })
	return c, at, ok
}

// own makes a chunk ready to be written.
func (t *table) own(c int) *chunk {
	if k := t.chunks[c]; k.version != t.version {
		t.chunks[c] = &chunk{t.version, slices.Clone(k.records)}
	}
	return t.chunks[c]
}

// put enters an entry, in place of the one that its device has.
func (t *table) put(rec *record) {
	c, at, replaces := t.find(rec.tenant, rec.device)
	if replaces {
		t.own(c).records[at] = rec
		return
	}
	t.count++
	if c == len(t.chunks) { // behind all others
		if c == 0 || len(t.chunks[c-1].records) >= chunkRecords {
			t.chunks = append(t.chunks, &chunk{version: t.version})
		} else {
			c--
		}
		k := t.own(c)
		k.records = append(k.records, rec)
		return
	}
	k := t.own(c)
	k.records = slices.Insert(k.records, at, rec)
	if len(k.records) > chunkRecords {
		half := len(k.records) / 2
		behind := &chunk{t.version, slices.Clone(k.records[half:])}
		k.records = slices.Clip(k.records[:half])
		t.chunks = slices.Insert(t.chunks, c+1, behind)
	}
}

// remove takes out the entry of a device that has one. A chunk that became small is joined with a small neighbour.
func (t *table) remove(tenant, device string) {
	c, at, _ := t.find(tenant, device)
	t.count--
	k := t.own(c)
	k.records = slices.Delete(k.records, at, at+1)
	switch {
	case len(k.records) == 0:
		t.chunks = slices.Delete(t.chunks, c, c+1)
	case t.small(c, c+1):
		t.join(c)
	case c > 0 && t.small(c-1, c):
		t.join(c - 1)
	}
}

// small reports whether two neighbours together fill at most half a chunk.
func (t *table) small(a, b int) bool {
	return b < len(t.chunks) && len(t.chunks[a].records)+len(t.chunks[b].records) <= chunkRecords/2
}

// join moves the entries of the next chunk into this one.
func (t *table) join(c int) {
	k := t.own(c)
	k.records = append(k.records, t.chunks[c+1].records...)
	t.chunks = slices.Delete(t.chunks, c+1, c+2)
}

// all yields every entry, ascending.
func (t *table) all() iter.Seq[*record] { return t.from(0, 0) }

// tenant yields a tenant's entries, ascending.
func (t *table) tenant(tenant string) iter.Seq[*record] {
	return func(yield func(*record) bool) {
		c, at, _ := t.find(tenant, "")
		for rec := range t.from(c, at) {
			if rec.tenant != tenant || !yield(rec) {
				return
			}
		}
	}
}

func (t *table) from(c, at int) iter.Seq[*record] {
	return func(yield func(*record) bool) {
		for _, k := range t.chunks[min(c, len(t.chunks)):] {
			for _, rec := range k.records[at:] {
				if !yield(rec) {
					return
				}
			}
			at = 0
		}
	}
}
