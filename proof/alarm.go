package proof

import (
	"maps"
	"slices"
)

// alarm tells of seals that are done with, and have no CENSUS, and of those that wait for one on which the nodes do not agree: they differ in their
// ledgers, or too few took one. Certificates go on growing old. Each seal is told of once.
func (s *Sealer) alarm(look *Look) {
	section := &look.Section
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.alarms { // what was done with before this life was told of then
		s.alarms, s.alarmed = true, section.CountedThrough()
	}
	for n := s.alarmed + 1; n <= section.SealedThrough() && !section.pending(n); n++ {
		if n <= section.CountedThrough() && s.index.size < section.LogSize() { // its CENSUS may be on its way here
			break
		}
		s.alarmed = n
		if n <= section.CountedThrough() && s.index.counts(n) {
			continue
		}
		s.metrics.uncounted.Inc()
		s.log.Error("a seal has no census: no majority of the nodes took one, or their ledgers differ; certificates are as of an older one", "seal", n)
	}
	maps.DeleteFunc(s.disputed, func(n uint32, _ bool) bool { return !section.pending(n) })
	for _, c := range section.Cuts() {
		if c.censusDisputed(look.Voters) && !s.disputed[c.Ordinal] {
			s.disputed[c.Ordinal] = true
			s.log.Error("a majority of the nodes has counted the streams at the end of a seal, and they differ: compare their ledgers", "seal", c.Ordinal, "index", c.Last)
		}
	}
}

// censusDisputed reports whether a majority has said a census of a cut, and no majority says the same.
func (c *Cut) censusDisputed(voters []string) bool {
	said, votes, most := 0, map[CensusRoot]int{}, 0
	for _, r := range c.Reports {
		if r.Census == nil || !slices.Contains(voters, r.Server) {
			continue
		}
		said++
		votes[*r.Census]++
		most = max(most, votes[*r.Census])
	}
	return 2*said > len(voters) && 2*most <= len(voters)
}

// disputedCensuses is how many seals wait whose censuses differ.
func (l *Look) disputedCensuses() (n int) {
	for _, c := range l.Section.Cuts() {
		if c.censusDisputed(l.Voters) {
			n++
		}
	}
	return n
}

// counts reports whether an ordinal has a CENSUS among the records that were read.
func (x *logIndex) counts(ordinal uint32) bool {
	return slices.ContainsFunc(x.censuses, func(p censusPlace) bool { return p.Census.Seal == ordinal })
}
