package tail

import (
	"slices"
	"sort"
	"sync"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
)

// page is every frame that was committed in a stretch of the log, of all tenants, as heads have them. What is not said to be protected is immutable.
type page struct {
	history  uint64
	from, to segment.Commit // from is not included
	revision uint64         // of the registry, at the least, when to was committed
	rows     []row

	ring   *ring // that it was added to, nil for none
	listed bool  // it is still there; protected by ring.mu, as is
	size   int64 // bytes that it keeps alive, about

	mu    sync.Mutex // protects what follows
	texts map[string]*texts
}

// row is a frame whose values are still encoded.
type row struct {
	name *name
	segment.Row
}

// texts is the whole frames of one tenant in a page as JSON, one behind the other.
type texts struct {
	buf  []byte
	ends []int // of the text of each row; rows that are not here are to be written by who needs them
}

const (
	rowBytes  = 112     // of a row, about
	pageBytes = 1 << 20 // of bodies in a page, and one more
)

// copyRows copies out of a View what was committed after a place and is in heads, limit rows at most, in order of commit. It runs under
// the lock. What is in segments has to lie at or before the place.
func copyRows(v *query.View, names *namer, after segment.Commit, limit int) (*page, error) {
	p := &page{history: v.AsOf.History, from: after, to: after, revision: revisionOf(v)}
	size, full := 0, false
	var err error
	names.begin()
	take := func(id frame.StreamID, epoch uint32, r *segment.Row) bool {
		if full = len(p.rows) == limit || size >= pageBytes; full {
			return false
		}
		var n *name
		if n, err = names.of(v, id, epoch); err != nil {
			return false
		}
		p.rows = append(p.rows, row{n, *r})
		p.to, size = r.Commit(), size+r.Body.Size()
		return true
	}
	for i := 0; i <= len(v.Sealed) && !full && err == nil; i++ {
		head := v.Head
		if i < len(v.Sealed) {
			head = v.Sealed[i]
		}
		from := head.Arrived(after)
		p.rows = slices.Grow(p.rows, min(head.Frames()-from, limit-len(p.rows)))
		head.Arrivals(from, take)
	}
	if end := segment.EndOf(v.AsOf.Index); !full && p.to.Before(end) {
		p.to = end
	}
	p.size = int64(size + len(p.rows)*rowBytes)
	return p, err
}

// after is the place of the first row that was committed behind a place.
func (p *page) after(at segment.Commit) int {
	if !p.from.Before(at) {
		return 0
	}
	return sort.Search(len(p.rows), func(i int) bool { return at.Before(p.rows[i].Commit()) })
}

// text gives the texts of a tenant's frames, written once for all readers. Beyond limit bytes it leaves rows out.
func (p *page) text(tenant string, limit int) *texts {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.texts[tenant]
	if t != nil {
		return t
	}
	t = &texts{ends: make([]int, 0, len(p.rows))}
	enc := query.NewFrameEncoder(p.history, query.Shown{})
	var rec segment.Record
	for i := range p.rows {
		if r := &p.rows[i]; r.name.key.Tenant == tenant {
			rec.Row = r.Row
			t.buf = enc.Append(t.buf, &r.name.shown, &rec)
		}
		t.ends = append(t.ends, len(t.buf))
		if len(t.buf) >= limit {
			break
		}
	}
	if p.texts == nil {
		p.texts = map[string]*texts{}
	}
	p.texts[tenant] = t
	if p.ring != nil {
		p.ring.grow(p, int64(cap(t.buf)+8*cap(t.ends)))
	}
	return t
}

// of is the text of row i, false when it was left out.
func (t *texts) of(i int) ([]byte, bool) {
	if i >= len(t.ends) {
		return nil, false
	}
	from := 0
	if i > 0 {
		from = t.ends[i-1]
	}
	return t.buf[from:t.ends[i]], true
}
