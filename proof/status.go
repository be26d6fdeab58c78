package proof

import (
	"fmt"
	"slices"
	"strings"
)

// Status is what a node can say of the proof.
type Status struct {
	Active      bool         `json:"active"`
	Origin      string       `json:"origin"`
	Ordinal     uint32       `json:"ordinal"` // of the frames that are stored now
	Sealed      uint32       `json:"sealed"`  // ordinals up to this one have a SEAL
	Pending     []Pending    `json:"pending"` // ended, and not agreed on yet
	LogSize     int64        `json:"log_records"`
	LogRoot     string       `json:"log_root"`
	Checkpoint  CheckpointOf `json:"checkpoint"`
	Checked     uint32       `json:"checked"`             // ordinals up to this one were counted here, too
	Objection   string       `json:"objection,omitempty"` // why this node does not sign the newest tree
	Differences []Difference `json:"differences"`         // ordinals of which this node computed another root than the cluster
}

// CheckpointOf is the newest checkpoint.
type CheckpointOf struct {
	Records int64    `json:"records"`
	Root    string   `json:"root"`
	Census  uint64   `json:"census"`  // Raft index of the newest census in it
	Signers []string `json:"signers"` // names of the cosigners: nodes, and outside witnesses
}

// Pending is an ordinal that has ended.
type Pending struct {
	Ordinal  uint32   `json:"ordinal"`
	Index    uint64   `json:"index"`
	Reported []string `json:"reported"` // servers whose roots are known
	Roots    int      `json:"roots"`    // that differ among them; more than 1 is an alarm
}

// Status looks at the newest state of this node.
func (s *Sealer) Status() Status {
	look := s.opt.Catalog.Look()
	section := &look.Section
	newest := section.Newest()
	st := Status{
		Active: look.Active, Origin: section.Origin(), Ordinal: section.Ordinal(), Sealed: section.SealedThrough(), Pending: []Pending{},
		LogSize: section.LogSize(), LogRoot: hashText(section.LogRoot()), Differences: s.Differences(),
		Checkpoint: CheckpointOf{Records: newest.Size, Root: hashText(newest.Root), Census: newest.Index, Signers: []string{}},
	}
	for _, line := range slices.Concat(newest.Signatures, newest.Witnesses) {
		if name, _, _ := strings.Cut(line, " "); name != section.Origin() {
			st.Checkpoint.Signers = append(st.Checkpoint.Signers, name)
		}
	}
	for _, c := range section.Cuts() {
		p := Pending{Ordinal: c.Ordinal, Index: c.Last, Reported: []string{}}
		roots := map[string]bool{}
		for _, r := range c.Reports {
			p.Reported = append(p.Reported, r.Server)
			roots[r.Content.Root] = true
		}
		p.Roots = len(roots)
		st.Pending = append(st.Pending, p)
	}
	if tree := section.Current(); tree.Size > 0 {
		st.Objection = s.objection(tree)
	}
	s.mu.Lock()
	st.Checked = s.checked
	s.mu.Unlock()
	return st
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
		return fmt.Sprintf("%d nodes have said its root (%s), and %d different ones", len(p.Reported), strings.Join(p.Reported, ", "), p.Roots)
	}
	if st.Sealed >= ordinal {
		return "it is in the log, and too few nodes have signed"
	}
	return "it has not ended yet"
}
