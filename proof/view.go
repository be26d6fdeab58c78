package proof

import (
	"slices"

	"github.com/gaplessdb/gapless/proof/merkle"
)

// What a copy of the section tells. Nothing that is returned may be changed.

// Cuts lists the ordinals that have ended and are not done with, ascending.
func (s *Section) Cuts() []*Cut { return s.cuts }

// SealedThrough is the newest ordinal that has a SEAL, and so have all before it; 0 for none.
func (s *Section) SealedThrough() uint32 { return s.sealed }

// CutMS is the commit time of the newest cut, 0 before there was one.
func (s *Section) CutMS() int64 { return s.cutMS }

// LogSize is the number of records in the log.
func (s *Section) LogSize() int64 { return s.edge.Size }

// LogRoot is the root of the tree over them.
func (s *Section) LogRoot() merkle.Hash { return s.edge.Root() }

// Current is the tree that the nodes cosign at the moment. Its size is 0 before there is one.
func (s *Section) Current() Tree { return s.current }

// CountedThrough is the newest ordinal that has a CENSUS; of those before it some may have none. 0 for none.
func (s *Section) CountedThrough() uint32 { return s.counted }

// Wants reports whether a census at an index may still be asked for: it is in the newest checkpoint, in the log behind it, or not agreed on yet.
func (s *Section) Wants(index uint64) bool {
	return index == s.newest.Index || index == s.index || slices.ContainsFunc(s.cuts, func(c *Cut) bool { return c.Last == index })
}

// Signed reports whether a server has cosigned the current tree.
func (s *Section) Signed(server string) bool {
	return slices.ContainsFunc(s.signed, func(g signature) bool { return g.Server == server })
}

// Newest is the newest checkpoint, of size 0 before there is one.
func (s *Section) Newest() Checkpoint { return s.newest }

// Note is the newest checkpoint as a signed note, "" before there is one.
func (s *Section) Note() string { return s.newest.note(s.origin) }

// Origin is the name of the log, "" before the first key.
func (s *Section) Origin() string { return s.origin }

// Keys lists every key that a node has ever cosigned with, the oldest first.
func (s *Section) Keys() []Key { return s.keys }

// KeysLeft is how many more keys the log takes.
func (s *Section) KeysLeft() int { return maxKeys - len(s.keys) }

// KeyOf is the key that a node cosigns with now.
func (s *Section) KeyOf(node string) (Key, bool) {
	i, ok := s.key(node)
	if !ok {
		return Key{}, false
	}
	return s.keys[i], true
}

// Report is what a server said of a cut.
func (c *Cut) Report(server string) (Roots, bool) {
	for _, r := range c.Reports {
		if r.Server == server {
			return r, true
		}
	}
	return Roots{}, false
}
