package ledger

import (
	"iter"
	"slices"

	"github.com/gaplessdb/gapless/frame"
)

// pageStreams is how many ids a page of the table has.
const pageStreams = 256

// table has the streams by id, in pages, so that a fork costs a pointer a page, and the first change of a page after it a copy of that page.
type table struct {
	pages []*page
	slots uint64 // highest id + 1
	count int    // streams
}

type page struct {
	version uint32 // of the ledger when it was made: a page of an older version may be read by a frozen checkpoint
	streams [pageStreams]*stream
}

// fork is a table of the same streams. From now on pages of t that are older than the ledger's next version are copied before they change.
func (t *table) fork() table { return table{slices.Clone(t.pages), t.slots, t.count} }

// get is nil for an id without a stream.
func (t *table) get(id frame.StreamID) *stream {
	p := uint64(id) / pageStreams
	if p >= uint64(len(t.pages)) {
		return nil
	}
	return t.pages[p].streams[id%pageStreams]
}

// set puts a stream in its place.
func (t *table) set(s *stream) {
	p := uint64(s.id) / pageStreams
	for uint64(len(t.pages)) <= p {
		t.pages = append(t.pages, &page{version: s.version})
	}
	if t.pages[p].version != s.version {
		own := *t.pages[p]
		own.version = s.version
		t.pages[p] = &own
	}
	at := &t.pages[p].streams[s.id%pageStreams]
	if *at == nil {
		t.count++
		t.slots = max(t.slots, uint64(s.id)+1)
	}
	*at = s
}

// all yields the streams, ascending by id.
func (t *table) all() iter.Seq[*stream] {
	return func(yield func(*stream) bool) {
		for _, p := range t.pages {
			for _, s := range p.streams {
				if s != nil && !yield(s) {
					return
				}
			}
		}
	}
}
