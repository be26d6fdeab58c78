//go:build !bug_merge_edit_early

package raftfsm

import "github.com/gaplessdb/gapless/segment"

// editsOf is the edits that belong to the floor of a sealed head: those that the sections had at its flush point, so that they are the same on every
// node, however far its flusher is.
func (f *Flusher) editsOf(sealed *Sealed) []segment.Edit { return sealed.edits }
