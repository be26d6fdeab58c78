package check

import (
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Certificate is an answer to POST /v1/certificates (ParseCertificate): its index is that of its census, and Consistency is Now or Newest.
type Certificate struct {
	Answer
	Asked Asked
	Raw   []byte // as it came

	Scope      Asked // as it says itself
	Verdict    string
	Sums       Sums
	Absent     []string // devices of which it knows nothing
	Counted    []Counted
	Log        Tree   // of its checkpoint,
	Checkpoint []byte // which is a signed note
	Links      []Link // the proofs that what was asked for Since are beginnings of Log
	Counts     int64  // number of the CENSUS in the log
	Seals      []Seal // of the ordinals whose strips it shows, in their order
	Sealed     uint32 // the ordinal that its census counts last

	Verified []Verification // none: nobody checked it offline
}

// What a certificate may be asked for: everything acknowledged until now, or the newest that is signed anyhow.
const (
	Now    = "now"
	Newest = "newest"
)

// Asked is what a certificate is to be about.
type Asked struct {
	Devices []string // sorted; none: Prefix
	Prefix  string
	Seq     []uint64 // first and last number of each counter; nil: all
	Time    []string // device times, RFC 3339: from, and to, which is excluded; nil: all
	Counts  bool     // counts only: nothing of the frames' bytes
	Since   []int64  // sizes of earlier states of the log, ascending
}

// holds reports whether a counter is in scope. A prefix leaves out the store's own devices.
func (a *Asked) holds(c Counter) bool {
	if len(a.Devices) > 0 {
		return slices.Contains(a.Devices, c.Device)
	}
	return strings.HasPrefix(c.Device, a.Prefix) && !c.system()
}

// numbers is what is in scope of any counter, whatever its times.
func (a *Asked) numbers() Numbers {
	if len(a.Seq) == 0 {
		return NumbersOf(Span{0, 1<<64 - 2})
	}
	return NumbersOf(Span{a.Seq[0], a.Seq[1]})
}

// Counted is what a certificate says of one counter. Where it was asked for some numbers only (Part), the ends are those of what there is of
// them.
type Counted struct {
	GapReport
	Reasons []string // why the verdict is not better
	Whole   []uint64 // first and last expected number of the counter, in scope or not; nil: none is expected

	DeclaredAt time.Time // when the device last named its end, by the cluster's clock; zero unless it is a watermark
}

// Sums is a certificate's sum of all counters.
type Sums struct {
	Expected uint64            `json:"expected"`
	Stored   uint64            `json:"stored"`
	Missing  uint64            `json:"missing"`
	Open     uint64            `json:"open"`
	Causes   map[string]uint64 `json:"causes"`
}

// Tree is a state of the proof's log: its first so many records.
type Tree struct {
	Size int64     `json:"size"`
	Root tlog.Hash `json:"root"`
}

// Link is the proof that an earlier state of the log is a beginning of a later one.
type Link struct {
	Tree
	Proof tlog.TreeProof `json:"proof"`
}

// Seal is a SEAL record: which Raft indexes an ordinal has.
type Seal struct {
	Ordinal uint32 `json:"ordinal"`
	First   uint64 `json:"first"`
	Last    uint64 `json:"last"`
	At      string `json:"at"` // when Last was committed
	Root    string `json:"root"`
}

// Verification is what checking a certificate offline came to, as `gapless verify` does it.
type Verification struct {
	Disk   string // node on whose stopped disk the segments were, "" for none
	Code   int    // exit code
	Failed string // name of the check that failed, "" for none
	Text   string // of that
}

// Recorded is the tree of the records that a node gave, all of them up to its newest checkpoint.
type Recorded struct {
	Tree
	Node string
	At   time.Duration
}

// Sealing is one sample of GET /v1/proof (ParseSealing): how far the proof is on a node.
type Sealing struct {
	Invoke, Return time.Duration
	Node           string
	Sealed         uint32   // ordinals up to this one have a SEAL
	Log            Tree     // all of it
	Signed         Tree     // the newest checkpoint; Size is 0 before there is one
	Signers        []string // nodes that signed it
	Differences    []string // what this node counted otherwise than the cluster
	Objection      string   // why it does not sign
	Pending        int      // ordinals that wait for their roots
}
