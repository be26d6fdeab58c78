package proof

import (
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/proof/record"
)

// SectionName is the section's name in a floor file.
const SectionName = "proof"

// Totals adds up every epoch of every stream.
type Totals = record.Totals

// Section is the replicated state of the proof (docs/format/proof.md): which ordinals have ended and wait for their roots, the right edge of the
// log's tree, the keys, and the newest checkpoint. The records themselves are frames. Apply and what changes the section has one caller, in log
// order; other methods may run beside each other, but not beside those.
type Section struct {
	ordinal uint32 // of the frames that are applied now
	first   uint64 // Raft index behind the last cut, 1 before there was one
	cutMS   int64  // commit time of the last cut, 0 before there was one
	sealed  uint32 // ordinals up to this one have a SEAL
	counted uint32 // the newest one that has a CENSUS
	index   uint64 // at which that was counted
	census  int64  // number of its record, -1 before there is one
	cuts    []*Cut // ended and not done with, ascending
	edge    merkle.Edge
	origin  string
	keys    []Key
	current Tree        // to be cosigned
	signed  []signature // of current
	newest  Checkpoint  // what a majority cosigned last

	// Of the command at hand, and no part of the section checkpoint.
	history uint64
	cluster string   // its id
	voters  []string // servers with a vote, ascending
	fresh   [][]byte // records that it added
	cutting bool     // it is a cut
	fault   error    // it added a record that cannot be encoded: the node must not go on
}

// Cut is an ordinal that has ended.
type Cut struct {
	Ordinal uint32  `json:"ordinal"`
	First   uint64  `json:"first"`   // Raft indexes whose frames have the ordinal, both included
	Last    uint64  `json:"last"`    // of the cut itself: where the census is taken
	History uint64  `json:"history"` // and its history,
	TimeMS  int64   `json:"time_ms"` // and commit time
	Reports []Roots `json:"reports"` // ascending by server
	Sealed  bool    `json:"sealed"`  // the SEAL is in the log; the CENSUS is not
}

// Tree is a state of the log.
type Tree struct {
	Size int64
	Root merkle.Hash
	Seal uint32 // ordinals up to this one have their SEAL in it
}

// signature is a server's word for a tree, with its key in both roles.
type signature struct {
	Server string `json:"server"`
	Line   string `json:"line"`   // its cosignature: a line of a note, without "— "
	AsLog  string `json:"as_log"` // likewise, as the log
}

// NewSection is the section before the first command.
func NewSection() *Section { return &Section{ordinal: 1, first: 1, census: -1} }

// Name implements raftfsm.Section.
func (s *Section) Name() string { return SectionName }

// Commands implements raftfsm.Section.
func (s *Section) Commands() (first, last uint16) { return KindCut, lastKind }

// Since is the cluster version from which the section exists.
func (s *Section) Since() int { return 3 }

// Supports reports whether this binary can apply a command.
func (s *Section) Supports(kind uint16, version uint8) bool {
	return kind >= KindCut && kind <= KindRetire && version == CommandVersion
}

// LimitBytes bounds a section checkpoint: cuts with all their reports, every key, signatures and the newest checkpoint.
func (s *Section) LimitBytes() int64 {
	return (maxCuts+maxUncounted)*maxReports*2048 + maxKeys*2048 + 1<<20
}

// Apply implements raftfsm.Section.
func (s *Section) Apply(index, _ uint64, commitMS int64, kind uint16, _ uint8, body []byte) ([]byte, error) {
	switch kind {
	case KindCut:
		return s.applyCut(index, commitMS, body)
	case KindRoots:
		return nil, s.applyRoots(commitMS, body)
	case KindKey:
		return nil, s.applyKey(commitMS, body)
	case KindCosign:
		return nil, s.applyCosign(body)
	case KindWitness:
		return nil, s.applyWitness(body)
	case KindRetire:
		return nil, s.applyRetire(commitMS, body)
	}
	return nil, refuse(CodeBadProof, "upgrade this node", "unknown command %d", kind)
}

func (s *Section) applyCut(index uint64, commitMS int64, body []byte) ([]byte, error) {
	var c cutCommand
	if err := parse(body, &c); err != nil {
		return nil, err
	}
	if c.Ordinal != s.ordinal {
		return nil, refuse(CodeNotCurrent, "wait for that seal", "ordinal %d is open, not %d", s.ordinal, c.Ordinal)
	}
	if waiting := s.ordinal - 1 - s.sealed; waiting >= maxCuts {
		return nil, refuse(CodeProofLimit, "see GET /v1/proof: a majority of the nodes must agree on the roots first", "%d ordinals wait for their roots", waiting)
	}
	s.cuts = append(slices.Clone(s.cuts), &Cut{Ordinal: c.Ordinal, First: s.first, Last: index, History: s.history, TimeMS: commitMS})
	s.ordinal, s.first, s.cutMS, s.cutting = s.ordinal+1, index+1, commitMS, true
	return json.Marshal(map[string]uint64{"ordinal": uint64(c.Ordinal), "index": index})
}

// hashText is a hash as records and commands have it.
func hashText(h merkle.Hash) string { return base64.StdEncoding.EncodeToString(h[:]) }
