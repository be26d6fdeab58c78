package proof

import (
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/proof/record"
)

// settle writes the SEALs and CENSUSes on which a majority of the voters agrees. SEALs come in the order of their ordinals. A census that is not
// agreed on is left out when a later one is there, or many later seals wait for theirs: it says less. So a fault of a ledger keeps nothing from ending.
func (s *Section) settle(commitMS int64) {
	before := s.edge.Size
	s.cuts = slices.Clone(s.cuts)
	for i, c := range s.cuts {
		if root, ok := s.contentOf(c); ok {
			next := *c
			next.Sealed = true
			c, s.cuts[i], s.sealed = &next, &next, c.Ordinal
			s.append(&record.Seal{Head: record.NewHead(record.TypeSeal, commitMS), Ordinal: c.Ordinal, History: c.History, First: c.First, Last: c.Last,
				At: record.Time(c.TimeMS), Root: root.Root, Strips: root.Strips, Frames: root.Frames, Census: s.census})
		}
		if !c.Sealed {
			break
		}
		if root, ok := s.censusOf(c); ok {
			s.append(&record.Census{Head: record.NewHead(record.TypeCensus, commitMS), History: c.History, Index: c.Last, At: record.Time(c.TimeMS),
				Seal: c.Ordinal, Root: root.Root, Streams: root.Streams, Totals: root.Totals, Policy: root.Policy, Census: s.census})
			s.counted, s.index, s.census = c.Ordinal, c.Last, s.edge.Size-1
		}
	}
	s.cuts = slices.DeleteFunc(s.cuts, s.done)
	uncounted := len(s.cuts) - int(s.ordinal-1-s.sealed)
	s.cuts = s.cuts[max(uncounted-maxUncounted, 0):]
	if s.edge.Size > before {
		s.target()
	}
}

// contentOf is what the next SEAL says, where that is of this cut and a majority agrees.
func (s *Section) contentOf(c *Cut) (root ContentRoot, ok bool) {
	if c.Sealed || c.Ordinal != s.sealed+1 {
		return root, false
	}
	return majority(c, s.voters, (*Roots).content)
}

// censusOf is what the CENSUS of a sealed cut says, where a majority agrees.
func (s *Section) censusOf(c *Cut) (root CensusRoot, ok bool) {
	if !c.Sealed || c.Ordinal <= s.counted {
		return root, false
	}
	return majority(c, s.voters, (*Roots).census)
}

// done reports whether nothing more can come of a cut.
func (s *Section) done(c *Cut) bool {
	return c.Sealed && (c.Ordinal <= s.counted || c.reported(s.voters))
}

// Ripe reports whether the next report settles a cut, whatever it says: voters have gone, and those that stay agree.
func (s *Section) Ripe(c *Cut) bool {
	_, content := s.contentOf(c)
	_, census := s.censusOf(c)
	return content || census || s.done(c)
}

// append adds a record to the log.
func (s *Section) append(r record.Record) {
	b, err := record.Encode(r)
	if err != nil {
		s.fault = fmt.Errorf("proof: record %d of the log: %w", s.edge.Size, err)
		return
	}
	s.edge = s.edge.Clone()
	s.edge.Append(tlog.RecordHash(b))
	s.fresh = append(s.fresh, b)
}

// target makes the log as it is now what the nodes cosign. Audits and merges wait for the next seal or key: each tree costs a signature of every
// node.
func (s *Section) target() {
	s.current = Tree{Size: s.edge.Size, Root: s.edge.Root(), Seal: s.sealed}
	s.signed = nil
}
