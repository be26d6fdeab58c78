package certificate

import "github.com/gaplessdb/gapless/proof/merkle"

// Version and Kind begin every certificate.
const (
	Version = 1
	Kind    = "gapless/certificate"
)

// Certificate is the document. The order of its members is that of the encoding.
type Certificate struct {
	V          int         `json:"v"`
	Kind       string      `json:"kind"`
	Origin     string      `json:"origin"` // name of the cluster's log
	Issued     string      `json:"issued"` // by the issuer's clock, RFC 3339 with seconds, UTC
	Scope      Scope       `json:"scope"`
	AsOf       AsOf        `json:"as_of"`
	Verdict    string      `json:"verdict"` // the worst of the epochs in scope
	Statement  Statement   `json:"statement"`
	Streams    []Stream    `json:"streams"`
	Durability Durability  `json:"durability"`
	Uncertain  []Uncertain `json:"uncertain"`
	NotProven  []Caveat    `json:"not_proven"`
	Segments   []Segment   `json:"segments"` // that held the frames when it was issued; merges replace them
	Proof      Proof       `json:"proof"`
}

// AsOf is the moment that a certificate speaks of: a place in the Raft log, and its commit time.
type AsOf struct {
	History uint64 `json:"history"`
	Index   uint64 `json:"index"`
	Time    string `json:"time"`
}

// Statement sums up the streams.
type Statement struct {
	Devices  int               `json:"devices"`
	Streams  int               `json:"streams"`
	Epochs   int               `json:"epochs"`
	Expected uint64            `json:"expected"`
	Stored   uint64            `json:"stored"`
	Missing  uint64            `json:"missing"` // expected less stored: open and causes add up to it
	Open     uint64            `json:"open"`    // may still come
	Causes   map[string]uint64 `json:"causes"`
	Absent   []string          `json:"absent,omitempty"` // devices of the scope of which the census knows nothing
}

// Stream is one stream of the scope.
type Stream struct {
	Device string  `json:"device"`
	Stream string  `json:"stream"`
	Epochs []Epoch `json:"epochs"`
}

// Epoch is one life of a stream's counter, as far as it is in scope.
type Epoch struct {
	Epoch     uint32   `json:"epoch"`
	Raw       string   `json:"raw"` // the device's own value
	Source    string   `json:"source"`
	Numbering string   `json:"numbering"` // "device" or "server"
	Head      Head     `json:"head"`
	Tail      Tail     `json:"tail"`
	Seq       []uint64 `json:"seq,omitzero"` // first and last number in scope; empty when none lies in the scope's time; absent when all are in scope
	Expected  uint64   `json:"expected"`
	Stored    uint64   `json:"stored"`
	Verdict   string   `json:"verdict"`
	Reasons   []string `json:"reasons"` // why it is not better
	Gaps      []Gap    `json:"gaps"`
}

// Head is the first expected number and who said so.
type Head struct {
	First *uint64 `json:"first,omitempty"`
	Basis string  `json:"basis"`
}

// Tail is the last expected number and who said so.
type Tail struct {
	Last       *uint64 `json:"last,omitempty"`
	Basis      string  `json:"basis"`
	DeclaredAt string  `json:"declared_at,omitempty"` // of a watermark: when it was taken in, by commit time, RFC 3339 with milliseconds
}

// Gap is consecutive missing numbers with one cause.
type Gap struct {
	From       uint64 `json:"from"`
	To         uint64 `json:"to"`
	Count      uint64 `json:"count"`
	State      string `json:"state"`
	Cause      string `json:"cause,omitempty"` // absent while they may still come
	Confidence string `json:"confidence,omitempty"`
	Reason     string `json:"reason,omitempty"` // the device's words
}

// Durability is how frames were kept before they were acknowledged.
type Durability struct {
	Fsync  string `json:"fsync"` // "before_ack"
	Voters int    `json:"voters"`
	Quorum int    `json:"quorum"`
}

// Uncertain is a time in which counters of one node are not sure, as after a crash.
type Uncertain struct {
	Node string `json:"node"`
	From string `json:"from"`
	To   string `json:"to"`
	What string `json:"what"`
}

// Caveat is something that the certificate does not prove.
type Caveat struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Segment is a file with frames. Its name is the SHA-256 of its bytes, hexadecimal.
type Segment struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	Frames uint64 `json:"frames"`
}

// Proof leads from the checkpoint to the leaves.
type Proof struct {
	Checkpoint  string        `json:"checkpoint"` // signed note
	Log         []Entry       `json:"log"`        // the CENSUS, the SEALs of Seals and the last record of the checkpoint, by index
	Census      Tree          `json:"census"`
	Seals       []SealTree    `json:"seals"`       // of the ordinals with strips that the scope needs, ascending
	Consistency []Consistency `json:"consistency"` // with earlier checkpoints, by size
	Issuer      string        `json:"issuer"`      // signed note: who issued all that stands before this
}

// Entry is a record of the log and the proof that it is in it, as tlog.RecordProof.
type Entry struct {
	Index  int64         `json:"index"`
	Record []byte        `json:"record"`
	Proof  []merkle.Hash `json:"proof"`
}

// Tree is leaves of the tree whose root a record of the log has.
type Tree struct {
	LogIndex int64   `json:"log_index"`
	Ranges   []Range `json:"ranges"`
}

// SealTree is a Tree of strips.
type SealTree struct {
	LogIndex int64   `json:"log_index"`
	Ordinal  uint32  `json:"ordinal"`
	Ranges   []Range `json:"ranges"`
}

// Range is leaves that follow each other, and the proof of package merkle. Ranges of a tree ascend and do not touch.
type Range struct {
	First  int64         `json:"first"`
	Leaves [][]byte      `json:"leaves"`
	Proof  []merkle.Hash `json:"proof"`
}

// Consistency proves that an earlier state of the log is a beginning of this one, as tlog.TreeProof.
type Consistency struct {
	Size  int64         `json:"size"`
	Root  merkle.Hash   `json:"root"`
	Proof []merkle.Hash `json:"proof"`
}
