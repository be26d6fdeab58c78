package proof

import (
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/proof/sign"
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

// waiting counts the ordinals that keep others from being ended on demand: those without a SEAL, and if the last one ended a moment ago all that are
// newer than the newest census in a checkpoint. Where that was longer ago one more may come: whoever could not take a census, or sign, may do so by now.
func (s *Section) waiting(nowMS int64) int {
	done := s.sealed
	if nowMS-s.cutMS < patience.Milliseconds() {
		done = min(done, s.newest.Counted)
	}
	return int(s.ordinal - 1 - done)
}

// Signed reports whether a server has cosigned the current tree.
func (s *Section) Signed(server string) bool {
	return slices.ContainsFunc(s.signed, func(g signature) bool { return g.Server == server })
}

// Newest is the newest checkpoint, of size 0 before there is one.
func (s *Section) Newest() Checkpoint { return s.newest }

// Note is the newest checkpoint as a signed note, "" before there is one. Of the lines of outside witnesses it has those that these keys made: the log
// takes them unseen, and one wrong line would make the note worthless to whoever knows the witness.
func (s *Section) Note(witnesses ...sign.VerifierKey) string {
	c := s.newest
	of := sign.Checkpoint{Origin: s.origin, Size: c.Size, Root: c.Root}
	c.Witnesses = slices.DeleteFunc(slices.Clone(c.Witnesses), func(line string) bool {
		_, err := sign.Verified(of, noteLine(line), witnesses...)
		return err != nil
	})
	return c.note(s.origin)
}

// Signers names who cosigned the newest checkpoint: nodes, and those outside witnesses whose lines Note shows.
func (s *Section) Signers(witnesses ...sign.VerifierKey) []string {
	names := []string{}
	for line := range strings.Lines(s.Note(witnesses...)) {
		signature, ok := strings.CutPrefix(line, notePrefix)
		if name, _, _ := strings.Cut(signature, " "); ok && name != s.origin {
			names = append(names, name)
		}
	}
	return names
}

// Origin is the name of the log, "" before the first key.
func (s *Section) Origin() string { return s.origin }

// Keys lists every key that a node has ever cosigned with, the oldest first.
func (s *Section) Keys() []Key { return s.keys }

// KeysLeft is how many more keys of a node the log takes.
func (s *Section) KeysLeft(node string) int {
	return min(maxKeys-len(s.keys), maxNodeKeys-s.keysOf(node))
}

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
