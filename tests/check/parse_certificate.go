package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// certificateBody is what is judged of a certificate (docs/format/certificate.md).
type certificateBody struct {
	Scope struct {
		Devices []string `json:"devices"`
		Prefix  *string  `json:"prefix"`
		Seq     []uint64 `json:"seq"`
		Time    []string `json:"time"`
		Counts  bool     `json:"counts_only"`
	} `json:"scope"`
	AsOf struct {
		History uint64    `json:"history"`
		Index   uint64    `json:"index"`
		Time    time.Time `json:"time"`
	} `json:"as_of"`
	Verdict   string `json:"verdict"`
	Statement struct {
		Sums
		Absent []string `json:"absent"`
	} `json:"statement"`
	Streams []struct {
		Device string      `json:"device"`
		Stream string      `json:"stream"`
		Epochs []epochBody `json:"epochs"`
	} `json:"streams"`
	Proof struct {
		Checkpoint string `json:"checkpoint"`
		Log        []struct {
			Index  int64  `json:"index"`
			Record []byte `json:"record"`
		} `json:"log"`
		Census      inLog   `json:"census"`
		Seals       []inLog `json:"seals"`
		Consistency []Link  `json:"consistency"`
	} `json:"proof"`
}

// inLog is where a record is in the log.
type inLog struct {
	LogIndex int64 `json:"log_index"`
}

// epochBody has the members of a gap report, with names of its own for some of them.
type epochBody struct {
	gapReport
	Epoch   uint32   `json:"epoch"`
	Raw     string   `json:"raw"`
	Seq     []uint64 `json:"seq"` // nil where all numbers are in scope
	Reasons []string `json:"reasons"`
}

// ParseCertificate reads an answer to POST /v1/certificates. The certificate knows already what was asked, and when.
func ParseCertificate(body []byte, c *Certificate) error {
	var b certificateBody
	err := json.Unmarshal(body, &b)
	if err == nil {
		c.Raw, c.History, c.Index, c.Verdict, c.Sums, c.Absent = body, b.AsOf.History, b.AsOf.Index, b.Verdict, b.Statement.Sums, b.Statement.Absent
		c.At, c.Links, c.Counts = b.AsOf.Time, b.Proof.Consistency, b.Proof.Census.LogIndex
		c.Scope = Asked{Devices: b.Scope.Devices, Seq: b.Scope.Seq, Time: b.Scope.Time, Counts: b.Scope.Counts}
		if b.Scope.Prefix != nil {
			c.Scope.Prefix = *b.Scope.Prefix
		}
		c.Checkpoint = []byte(b.Proof.Checkpoint)
		c.Log, err = ParseCheckpoint(c.Checkpoint)
	}
	for _, s := range b.Streams {
		for i := range s.Epochs {
			c.Counted = append(c.Counted, s.Epochs[i].counted(Counter{s.Device, s.Stream, s.Epochs[i].Raw}, c.Answer))
		}
	}
	for _, e := range b.Proof.Log {
		if err == nil {
			err = c.record(&b, e.Index, e.Record)
		}
	}
	if err != nil {
		return fmt.Errorf("check: certificate: %w", err)
	}
	return nil
}

// counted is the epoch as a report. What a certificate has no balance for, its gaps add up to.
func (e *epochBody) counted(counter Counter, a Answer) Counted {
	r := e.report(a)
	r.Counter, r.Ordinal, r.GapsTotal = counter, e.Epoch, uint64(len(r.Gaps))
	r.A = BalanceA{Expected: r.Expected, Stored: r.Stored}
	for _, g := range r.Gaps {
		*r.A.term(g.Cause) += g.Count()
	}
	var whole []uint64
	if r.Known && r.First <= r.Last {
		whole = []uint64{r.First, r.Last}
	}
	if r.Part = e.Seq != nil; r.Part {
		if r.Known = len(e.Seq) == 2; r.Known {
			r.First, r.Last = e.Seq[0], e.Seq[1]
		} else {
			r.First, r.Last = 0, 0
		}
	}
	return Counted{r, e.Reasons, whole, e.Tail.DeclaredAt}
}

// term is the side of identity A that a cause is on.
func (a *BalanceA) term(cause string) *uint64 {
	switch {
	case cause == "":
		return &a.Open
	case cause == "declared_lost":
		return &a.Declared
	case strings.HasPrefix(cause, "rejected."):
		return &a.Rejected
	case strings.HasPrefix(cause, "shed."):
		return &a.Shed
	}
	return &a.Lost
}

// record takes in a record of the log: the certificate has one CENSUS, the SEALs of the ordinals that it shows, and the last record, whatever
// that is.
func (c *Certificate) record(b *certificateBody, index int64, data []byte) error {
	var r struct {
		Seal
		Type  string `json:"type"`
		Until uint32 `json:"seal"`
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	shown := slices.Contains(b.Proof.Seals, inLog{index})
	switch {
	case shown && r.Type == "SEAL":
		c.Seals = append(c.Seals, r.Seal)
	case index == b.Proof.Census.LogIndex && r.Type == "CENSUS":
		c.Sealed = r.Until
	case shown || index != c.Log.Size-1:
		return fmt.Errorf("a record of type %q at %d", r.Type, index)
	}
	return nil
}

// ParseCheckpoint reads which state of the log a signed checkpoint is of (c2sp.org/tlog-checkpoint). The signatures are for others to check.
func ParseCheckpoint(note []byte) (t Tree, err error) {
	lines := strings.SplitN(string(note), "\n", 4)
	if len(lines) < 4 {
		return t, fmt.Errorf("check: checkpoint of %d lines", len(lines))
	}
	t.Size, err = strconv.ParseInt(lines[1], 10, 64)
	if err == nil {
		t.Root, err = tlog.ParseHash(lines[2])
	}
	if err != nil {
		return t, fmt.Errorf("check: checkpoint: %w", err)
	}
	return t, nil
}

// ParseSealing reads GET /v1/proof; the caller sets Node, Invoke and Return.
func ParseSealing(body []byte) (s Sealing, err error) {
	var b struct {
		Sealed     uint32    `json:"sealed"`
		Pending    []any     `json:"pending"`
		Size       int64     `json:"log_records"`
		Root       tlog.Hash `json:"log_root"`
		Checkpoint *struct {
			Size    int64     `json:"records"`
			Root    tlog.Hash `json:"root"`
			Signers []string  `json:"signers"`
		} `json:"checkpoint"`
		Objection   string            `json:"objection"`
		Differences []json.RawMessage `json:"differences"`
	}
	err = json.Unmarshal(body, &b)
	if err == nil && (b.Checkpoint == nil || b.Differences == nil) {
		err = errors.New("no checkpoint or no differences")
	}
	if err != nil {
		return s, fmt.Errorf("check: proof: %w in %.200q", err, body)
	}
	s = Sealing{
		Sealed: b.Sealed, Pending: len(b.Pending), Log: Tree{b.Size, b.Root}, Signed: Tree{b.Checkpoint.Size, b.Checkpoint.Root},
		Objection: b.Objection,
	}
	for _, name := range b.Checkpoint.Signers { // origin/node
		s.Signers = append(s.Signers, name[strings.LastIndexByte(name, '/')+1:])
	}
	for _, d := range b.Differences {
		s.Differences = append(s.Differences, string(d))
	}
	slices.Sort(s.Signers)
	return s, nil
}
