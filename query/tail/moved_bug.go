//go:build bug_tail_skip

package tail

import (
	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
)

// Breaks: a frame that moves from a head into a segment between two looks is given. The segments of the first look are taken for all there are.
type moves struct {
	seen     bool
	manifest *segment.Manifest
}

func (m *moves) files(v *query.View, at segment.Commit) *segment.Manifest {
	if !m.seen {
		m.seen, m.manifest = true, v.Manifest
	}
	if at.Before(flushed(m.manifest)) {
		return m.manifest
	}
	return nil
}
