package proof

import (
	"fmt"
	"strings"
)

// Status is what a node can say of the proof.
type Status struct {
	Active      bool         `json:"active"`
	Origin      string       `json:"origin"`
	Ordinal     uint32       `json:"ordinal"` // of the frames that are stored now
	Sealed      uint32       `json:"sealed"`  // ordinals up to this one have a SEAL
	Counted     uint32       `json:"counted"` // the newest one that has a CENSUS
	Pending     []Pending    `json:"pending"` // ended, and not agreed on yet
	LogSize     int64        `json:"log_records"`
	LogRoot     string       `json:"log_root"`
	Checkpoint  CheckpointOf `json:"checkpoint"`
	Checked     uint32       `json:"checked"`             // ordinals up to this one were counted here, too
	Objection   string       `json:"objection,omitempty"` // why this node does not sign
	Differences []Difference `json:"differences"`         // ordinals of which this node computed another root than the cluster
}

// CheckpointOf is the newest checkpoint.
type CheckpointOf struct {
	Records int64    `json:"records"`
	Root    string   `json:"root"`
	Census  uint64   `json:"census"`      // Raft index of the newest census in it
	Time    string   `json:"census_time"` // commit time of that, "" where this node has not read it
	Signers []string `json:"signers"`     // names of the cosigners: nodes, and outside witnesses
}

// Pending is an ordinal that has ended.
type Pending struct {
	Ordinal  uint32   `json:"ordinal"`
	Index    uint64   `json:"index"`
	Reported []string `json:"reported"` // servers whose roots are known
	Roots    int      `json:"roots"`    // of the content, that differ among them; more than 1 is an alarm
	Censuses int      `json:"censuses"` // roots of the census, likewise; 0: no node has said one
}

// Status looks at the newest state of this node.
func (s *Sealer) Status() Status {
	look := s.opt.Catalog.Look()
	section := &look.Section
	newest := section.Newest()
	st := Status{
		Active: look.Active, Origin: section.Origin(), Ordinal: section.Ordinal(), Sealed: section.SealedThrough(), Counted: section.CountedThrough(),
		LogSize: section.LogSize(), LogRoot: hashText(section.LogRoot()), Pending: []Pending{}, Differences: s.Differences(),
		Checkpoint: CheckpointOf{Records: newest.Size, Root: hashText(newest.Root), Census: newest.Index, Signers: section.Signers(s.opt.Witnesses...)},
	}
	if c, _, ok := s.CensusOf(newest.Index); ok {
		st.Checkpoint.Time = c.At
	}
	for _, c := range section.Cuts() {
		st.Pending = append(st.Pending, c.status())
	}
	st.Objection = s.reluctance(&look)
	s.mu.Lock()
	st.Checked = s.checked
	s.mu.Unlock()
	return st
}

func (c *Cut) status() Pending {
	p := Pending{Ordinal: c.Ordinal, Index: c.Last, Reported: []string{}}
	roots, censuses := map[ContentRoot]bool{}, map[CensusRoot]bool{}
	for _, r := range c.Reports {
		p.Reported = append(p.Reported, r.Server)
		roots[r.Content] = true
		if r.Census != nil {
			censuses[*r.Census] = true
		}
	}
	p.Roots, p.Censuses = len(roots), len(censuses)
	return p
}

// waitsFor says in words what an ordinal waits for.
func (st *Status) waitsFor(ordinal uint32) string {
	for _, p := range st.Pending {
		if p.Ordinal != ordinal {
			continue
		}
		if len(p.Reported) == 0 {
			return "no node has said its root yet"
		}
		return fmt.Sprintf("%d nodes have said its root (%s), and %d different ones, with %d different censuses", len(p.Reported), strings.Join(p.Reported, ", "), p.Roots, p.Censuses)
	}
	if st.Sealed >= ordinal {
		return "it is in the log, and too few nodes have signed"
	}
	return "it has not ended yet"
}
