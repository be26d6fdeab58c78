package ingest

import (
	"context"

	"github.com/gaplessdb/gapless/frame"
)

// Request is one batch to be stored.
type Request struct {
	Tenant string
	// Batch is an encoded client batch (frame.Reader reads it without error). It belongs to the Proposer, which may keep it.
	Batch []byte
	// Key is the client's Idempotency-Key, "" for none.
	Key string
	// BodySHA256 is set when Key is: it tells a repeated request from another one under the same key. It covers the format and the
	// unpacked body, so a repetition may be packed differently.
	BodySHA256 [32]byte
}

// Result is what became of a batch. Accepted + Duplicate + Conflict + Unverified + len(Refused) is the number of its frames.
type Result struct {
	Position   frame.Position
	Accepted   int // stored
	Duplicate  int // there already, equal
	Conflict   int // there already, different: the first is kept, this one is evidence
	Unverified int // there already, too old to compare at once
	Rejected   int // rejects of the batch that the ledger recorded
	Refused    []Refusal
	// AtLeastOnce: a repetition of this request could be stored twice.
	AtLeastOnce bool
	// Replayed: the Idempotency-Key was known, this is the first answer again and nothing was stored now.
	Replayed bool
}

// Refusal is a frame that apply would not take. Ordinal is its place in the batch, in the order in which frame.Reader yields frames.
type Refusal struct {
	Ordinal       uint32
	Code, Message string
}

// Proposer stores batches and ledger commands. The root implements it. All methods may be called from any number of goroutines and
// return after commit and apply. Errors are *OverloadError, *NoLeaderError, *OutcomeUnknownError or *RefusedError; any other error is
// the store's own fault and answered with 500.
type Proposer interface {
	ProposeFrames(ctx context.Context, req Request) (Result, error)
	// ProposeCommand returns the position and the JSON object that the command resulted in. The body belongs to the Proposer.
	ProposeCommand(ctx context.Context, kind uint16, version uint8, body []byte) (pos frame.Position, resultJSON []byte, err error)
}
