package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
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
	At      string `json:"at"`     // commit time of Last, where the ordinal ended; History is that of the same moment
	Root    string `json:"root"`   // content root: tree over the strips, standard base64
	Strips  int64  `json:"strips"` // leaves of that tree
	Frames  uint64 `json:"frames"`
	Census  int64  `json:"census"` // number of the newest CENSUS before this record, -1 for none
}

// Census says what the ledger knew of every stream at one index.
type Census struct {
	Head
	History uint64 `json:"history"`
	Index   uint64 `json:"index"` // Raft index up to which everything is in it
	At      string `json:"at"`    // commit time of Index; History is that of the same moment
	Seal    uint32 `json:"seal"`  // the ordinal that ends at Index
	Root    string `json:"root"`  // tree over the census leaves, standard base64
	Streams int64  `json:"streams"`
	Totals  Totals `json:"totals"`
	Policy  string `json:"policy"` // SHA-256 of the policy in force at Index, hex
	Census  int64  `json:"census"` // number of the newest CENSUS before this record, -1 for none
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

// Key says that a node signs with a key from this record on, or, without VKey, that the key which it replaces is in use no more.
type Key struct {
	Head
	Node           string `json:"node"`
	Server         string `json:"server"`          // node and incarnation
	VKey           string `json:"vkey"`            // of its cosignatures
	LogVKey        string `json:"log_vkey"`        // of its signatures as the log, with the same key
	Replaces       string `json:"replaces"`        // vkey of the node's key until now, "" for its first
	By             string `json:"by"`              // principal, or the server itself; "" where the key is retired
	Signed         string `json:"signed"`          // signature line of the word for the key (package sign), by the new key; "" where it is retired
	ReplacedSigned string `json:"replaced_signed"` // likewise by the replaced key; "" where its server had no vote any more, or there is none
	Census         int64  `json:"census"`          // number of the newest CENSUS before this record, -1 for none
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

// Audit says that a command changed replicated settings. The frame of `_audit` with the same index has its words, and who said them of what: names of
// one tenant are not for all who read the log.
type Audit struct {
	Head
	Index  uint64 `json:"index"`
	Tenant string `json:"tenant"`
	Action string `json:"action"`
	SHA256 string `json:"sha256"` // AuditHash, hex
}

// AuditHash is the SHA-256 of the JSON object of subject, by and detail_sha256: of the whole texts, and of what the audit has of the command's words.
func AuditHash(subject, by string, detail []byte) (string, error) {
	sum := sha256.Sum256(detail)
	b, err := json.Marshal(struct {
		Subject string `json:"subject"`
		By      string `json:"by"`
		Detail  string `json:"detail_sha256"`
	}{subject, by, hex.EncodeToString(sum[:])})
	if err != nil {
		return "", fmt.Errorf("record: %w", err)
	}
	sum = sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// Head is what every record begins with.
type Head struct {
	V    int    `json:"v"`
	Type Type   `json:"type"`
	Time string `json:"time"` // commit time, RFC 3339 with milliseconds, UTC
}

// NewHead is the head of a record at a commit time in milliseconds.
func NewHead(t Type, commitMS int64) Head {
	return Head{Version, t, Time(commitMS)}
}

const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// Time is a commit time in milliseconds as records have it.
func Time(commitMS int64) string { return time.UnixMilli(commitMS).UTC().Format(timeLayout) }

// ParseTime reads what Time wrote, and nothing that merely resembles it.
func ParseTime(text string) (time.Time, error) {
	t, err := time.Parse(timeLayout, text)
	if err == nil && Time(t.UnixMilli()) != text {
		err = fmt.Errorf("%.40q is not UTC with three digits of a second", text)
	}
	return t, err
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

// Parse reads a record strictly: what it takes, Encode gives back byte for byte. An unknown type or version is an error that says so.
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
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("record: %s: %w", h.Type, err)
	}
	for _, t := range times(r) {
		if _, err := ParseTime(t); err != nil {
			return nil, fmt.Errorf("record: %s: %w", h.Type, err)
		}
	}
	again, err := Encode(r)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(b, again) {
		return nil, fmt.Errorf("record: %s is not written in the one way that is allowed: %.200q, want %.200q", h.Type, b, again)
	}
	return r, nil
}

// times are the times that a record tells.
func times(r Record) []string {
	switch r := r.(type) {
	case *Seal:
		return []string{r.Time, r.At}
	case *Census:
		return []string{r.Time, r.At}
	}
	return []string{r.head().Time}
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
