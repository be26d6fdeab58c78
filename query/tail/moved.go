//go:build !bug_tail_skip

package tail

import (
	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
)

// moves decides where frames are that may have moved since the last look. It keeps nothing: only the state at hand knows.
type moves struct{}

// files is the manifest of the segments that have what comes next behind a place, nil when that is in heads.
func (*moves) files(v *query.View, at segment.Commit) *segment.Manifest {
	if at.Before(flushed(v.Manifest)) {
		return v.Manifest
	}
	return nil
}
