//go:build bug_merge_edit_early

package raftfsm

import (
	"slices"

	"github.com/gaplessdb/gapless/segment"
)

// Breaks: an edit belongs to the first flush point behind it. It takes effect at whichever floor this node's flusher is at.
func (f *Flusher) editsOf(sealed *Sealed) []segment.Edit {
	s := f.opt.State
	s.mu.Lock()
	defer s.mu.Unlock()
	edits := slices.Clone(sealed.edits)
	for _, sec := range s.extra {
		if e, ok := sec.(editor); ok {
			edits = append(edits, e.TakeEdits()...)
		}
	}
	return edits
}
