package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Version is the format of every record here.
const Version = 1

// MaxBytes is the longest record.
const MaxBytes = 1<<16 - 1

// Type tells records apart.
type Type string

// The types of records.
const (
	TypeSeal   Type = "SEAL"
	TypeCensus Type = "CENSUS"
	TypeKey    Type = "KEY"
	TypeMerge  Type = "MERGE"
	TypePolicy Type = "POLICY"
	TypeAudit  Type = "AUDIT"
)

// Seal says what the frames of one seal ordinal are.
type Seal struct {
	Head
	Ordinal uint32 `json:"ordinal"` // 1, 2, ... without a gap
	History uint64 `json:"history"`
	First   uint64 `json:"first"` // Raft indexes whose frames have the ordinal, both included
	Last    uint64 `json:"last"`
	Root    string `json:"root"`   // content root: tree over the strips, standard base64
	Strips  int64  `json:"strips"` // leaves of that tree
	Frames  uint64 `json:"frames"`
}

// Census says what the ledger knew of every stream at one index.
type Census struct {
	Head
	History uint64 `json:"history"`
	Index   uint64 `json:"index"` // Raft index up to which everything is in it
	Seal    uint32 `json:"seal"`  // the ordinal that ends at Index
	Root    string `json:"root"`  // tree over the census leaves, standard base64
	Streams int64  `json:"streams"`
	Totals  Totals `json:"totals"`
	Policy  string `json:"policy"` // SHA-256 of the policy in force at Index, hex
}

// Totals adds up every epoch of every stream: identity A of the ledger. Expected is all the others together; Stored is what still is.
type Totals struct {
	Expected uint64 `json:"expected"`
	Stored   uint64 `json:"stored"`
	Open     uint64 `json:"open"`
	Lost     uint64 `json:"lost"`
	Declared uint64 `json:"declared"`
	Shed     uint64 `json:"shed"`
	Rejected uint64 `json:"rejected"`
	Expired  uint64 `json:"expired"` // and erased
}

// Key says that a node signs with a key from this record on.
type Key struct {
	Head
	Node     string `json:"node"`
	Server   string `json:"server"`   // node and incarnation
	VKey     string `json:"vkey"`     // of its cosignatures
	LogVKey  string `json:"log_vkey"` // of its signatures as the log, with the same key
	Replaces string `json:"replaces"` // vkey of the node's key until now, "" for its first
	By       string `json:"by"`       // principal, or the server itself
}

// Merge says which segments the floors behind an index have no more, and which in their place.
type Merge struct {
	Head
	Index uint64   `json:"index"` // Raft index of the command that ended the merge
	Drop  []string `json:"drop"`  // SHA-256, hex
	Add   []string `json:"add"`
}

// Policy says which settings are in force from an index on.
type Policy struct {
	Head
	Index    uint64 `json:"index"`
	Revision uint64 `json:"revision"`
	By       string `json:"by"`
	SHA256   string `json:"sha256"` // of the policy as JSON, hex
}

// Audit says that a command changed replicated settings. The frame of `_audit` with the same index has its words.
type Audit struct {
	Head
	Index   uint64 `json:"index"`
	Tenant  string `json:"tenant"`
	Action  string `json:"action"`
	Subject string `json:"subject"`
	By      string `json:"by"`
	SHA256  string `json:"sha256"` // of the command's words, hex
}

// Head is what every record begins with.
type Head struct {
	V    int    `json:"v"`
	Type Type   `json:"type"`
	Time string `json:"time"` // commit time, RFC 3339 with milliseconds, UTC
}

// NewHead is the head of a record at a commit time in milliseconds.
func NewHead(t Type, commitMS int64) Head {
	return Head{Version, t, time.UnixMilli(commitMS).UTC().Format("2006-01-02T15:04:05.000Z07:00")}
}

// Record is one of the types above.
type Record interface{ head() *Head }

func (h *Head) head() *Head { return h }

// ErrTooLong means that a record would be longer than MaxBytes.
var ErrTooLong = errors.New("record: longer than a bundle of entries can hold")

// Encode is a record's bytes. Members have a fixed order and no spaces, so equal records have equal bytes.
func Encode(r Record) ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("%w: %s of %d bytes", ErrTooLong, r.head().Type, len(b))
	}
	return b, nil
}

// Parse reads a record strictly. An unknown type or version is an error that says so.
func Parse(b []byte) (Record, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLong, len(b))
	}
	var h Head
	if err := json.Unmarshal(b, &h); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	if h.V != Version {
		return nil, fmt.Errorf("record: version %d, this program knows %d: use a newer one", h.V, Version)
	}
	r := empty(h.Type)
	if r == nil {
		return nil, fmt.Errorf("record: unknown type %.32q: use a newer program", h.Type)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(r); err != nil {
		return nil, fmt.Errorf("record: %s: %w", h.Type, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("record: something follows the %s", h.Type)
	}
	return r, nil
}

func empty(t Type) Record {
	switch t {
	case TypeSeal:
		return &Seal{}
	case TypeCensus:
		return &Census{}
	case TypeKey:
		return &Key{}
	case TypeMerge:
		return &Merge{}
	case TypePolicy:
		return &Policy{}
	case TypeAudit:
		return &Audit{}
	}
	return nil
}
