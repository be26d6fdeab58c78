package query

import (
	"context"
	"errors"

	"github.com/gaplessdb/gapless/segment"
)

// reading is what one request reads outside of the lock: the segments it has open, and what that cost. A segment stays open until the
// request ends, so that all looks at one state read the same files.
type reading struct {
	ctx                 context.Context
	opener              Opener
	maxBlocks, maxBytes int

	open                map[segment.Name]*openSegment
	rows, blocks, bytes int // looked at; bytes are those of files, not of the cache

	paidBlocks, paidBytes int          // of these, those that the limits no longer count (renew)
	refused               segment.Name // the last one that could not be opened
}

type openSegment struct {
	*segment.Reader
	release func()
}

var errNoSegments = errors.New("query: the state names segments, and this API was built without an opener")

// segment opens a segment, once.
func (g *reading) segment(name segment.Name) (*segment.Reader, error) {
	if s := g.open[name]; s != nil {
		return s.Reader, nil
	}
	if g.opener == nil {
		return nil, errNoSegments
	}
	reader, release, err := g.opener.Open(name)
	if err != nil {
		g.refused = name
		return nil, missingSegment(name, err)
	}
	if g.open == nil {
		g.open = map[segment.Name]*openSegment{}
	}
	g.open[name] = &openSegment{reader, release}
	return reader, nil
}

// release gives all segments back.
func (g *reading) release() {
	for _, s := range g.open {
		s.release()
	}
	g.open = nil
}

// keep gives back the segments that a manifest does not name. No layer of an earlier state may be read after it.
func (g *reading) keep(m *segment.Manifest) {
	for name, s := range g.open {
		if _, ok := m.Find(name); !ok {
			s.release()
			delete(g.open, name)
		}
	}
}

// renew begins a piece of an answer that has the time and the reads of a whole one.
func (g *reading) renew(ctx context.Context) {
	g.ctx, g.paidBlocks, g.paidBytes = ctx, g.blocks, g.bytes
}

// spend counts what a scan did.
func (g *reading) spend(s segment.Scanned) {
	g.rows += s.Rows
	g.blocks += s.Blocks
	g.bytes += s.Bytes
}

// ready is asked before every read: has the request time left, and may it read more?
func (g *reading) ready() error {
	if err := g.ctx.Err(); err != nil {
		return err
	}
	return g.spent()
}

// spent is the error of the limit that was reached, nil before.
func (g *reading) spent() error {
	const hint = "ask for less: one device, stream or epoch, a narrower range"
	switch {
	case g.blocks-g.paidBlocks >= g.maxBlocks:
		return limitError("query.max_read_blocks", g.maxBlocks, hint)
	case g.bytes-g.paidBytes >= g.maxBytes:
		return limitError("query.max_read_bytes", g.maxBytes, hint)
	}
	return nil
}

// write appends what was read: the member stats of an answer.
func (g *reading) write(w *writer) {
	w.key("stats")
	w.open('{')
	w.key("segments")
	w.int(int64(len(g.open)))
	w.key("blocks")
	w.int(int64(g.blocks))
	w.key("bytes")
	w.int(int64(g.bytes))
	w.key("rows")
	w.int(int64(g.rows))
	w.close('}')
}
