package raftfsm

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/gaplessdb/gapless/frame"
)

// Part is one request's batch. Several parts travel in one batch command:
//
//	uvarint count, then per part:
//	  flags u8 (1 = has an idempotency key)
//	  [uvarint length, tenant] [uvarint length, key] [32 bytes SHA-256 of the request]   with a key
//	  uvarint length, replicated frame batch (docs/format/frame.md)
type Part struct {
	Tenant string   // owner of the idempotency key
	Key    string   // "" for none
	Sum    [32]byte // SHA-256 of the request body, compared when the key comes again
	Batch  []byte
}

const partKeyed = 1

func appendPart(dst []byte, p *Part, batch []byte) []byte {
	if p.Key == "" {
		dst = append(dst, 0)
	} else {
		dst = append(dst, partKeyed)
		dst = appendString(dst, p.Tenant)
		dst = appendString(dst, p.Key)
		dst = append(dst, p.Sum[:]...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(batch)))
	return append(dst, batch...)
}

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

var errShortPart = errors.New("raftfsm: batch command ends inside a part")

// parsePart reads the next part of a batch body and returns the rest.
func parsePart(b []byte) (p Part, tail []byte, err error) {
	if len(b) == 0 {
		return p, nil, errShortPart
	}
	flags := b[0]
	b = b[1:]
	if flags&^partKeyed != 0 {
		return p, nil, fmt.Errorf("raftfsm: part has unknown flags %#x", flags)
	}
	if flags&partKeyed != 0 {
		var tenant, key []byte
		if tenant, b, err = parseBytes(b); err != nil {
			return p, nil, err
		}
		if key, b, err = parseBytes(b); err != nil {
			return p, nil, err
		}
		if len(b) < len(p.Sum) {
			return p, nil, errShortPart
		}
		p.Tenant, p.Key = string(tenant), string(key)
		b = b[copy(p.Sum[:], b):]
	}
	p.Batch, b, err = parseBytes(b)
	return p, b, err
}

func parseBytes(b []byte) (value, tail []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, errShortPart
	}
	return b[size : size+int(n)], b[size+int(n):], nil
}

// PartResult is what apply did with one part.
type PartResult struct {
	Position   frame.Position `json:"position"` // of the part's last frame
	Accepted   int            `json:"accepted"`
	Duplicate  int            `json:"duplicate"`
	Conflict   int            `json:"conflict"`
	Unverified int            `json:"unverified"`
	Rejected   int            `json:"rejected"`           // numbers recorded as rejected by the door
	Unnumbered int            `json:"unnumbered"`         // accepted frames that the server numbered
	Refused    []Refusal      `json:"refused,omitempty"`  // frames that apply refused, by position in the batch
	Replayed   bool           `json:"replayed,omitempty"` // the first answer to this idempotency key
	Err        error          `json:"-"`                  // ErrStale or ErrKeyMismatch: nothing was applied
	Unsettled  []Unsettled    `json:"-"`                  // duplicates older than the fingerprint ring
}

// Refusal is a run of consecutive frames of a batch that apply refused for one reason.
type Refusal struct {
	First uint32 `json:"first"`
	Last  uint32 `json:"last"`
	Code  string `json:"code"`
}

// refuse notes that frame n was refused.
func (r *PartResult) refuse(n uint32, code string) {
	if i := len(r.Refused) - 1; i >= 0 && r.Refused[i].Last+1 == n && r.Refused[i].Code == code {
		r.Refused[i].Last = n
		return
	}
	r.Refused = append(r.Refused, Refusal{n, n, code})
}

// Unsettled is a duplicate whose bytes apply could not compare: the leader does, and commits the verdict.
type Unsettled struct {
	Stream frame.StreamID
	Epoch  uint32
	Seq    uint64
	Item   frame.Item
}

var (
	// ErrStale says that the batch was numbered for another term or another state of the ledger; the proposer sends it again.
	ErrStale = errors.New("raftfsm: the batch's stream numbers are stale")
	// ErrKeyMismatch says that an idempotency key came again with another body.
	ErrKeyMismatch = errors.New("raftfsm: idempotency key was used for another body")
)
