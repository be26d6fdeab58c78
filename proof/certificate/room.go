package certificate

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/gaplessdb/gapless/proof/merkle"
)

// room is how much a certificate may still grow, and for how long. It is asked before what it counts is kept, so that no request takes more memory
// than its answer has bytes. Nil has no end.
type room struct {
	ctx         context.Context
	limit, left int64
}

// take counts n bytes of the document.
func (r *room) take(n int64) error {
	if r == nil {
		return nil
	}
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if r.left -= n; r.left < 0 {
		return fmt.Errorf("%w: it would have more than %d bytes: ask for fewer devices, fewer numbers, or counts only", ErrLimit, r.limit)
	}
	return nil
}

// What things take in the document, about.
const (
	epochBytes = 320 // of an epoch without its gaps
	gapBytes   = 100 // of a gap without its reason
	hashBytes  = 47  // of a hash in a list
	rangeBytes = 40  // of an entry or a range without what is in it
)

// leaf counts a leaf, or a record.
func (r *room) leaf(b []byte) error { return r.take(int64(base64.StdEncoding.EncodedLen(len(b))) + 3) }

// proof counts the hashes of one.
func (r *room) proof(p []merkle.Hash) error { return r.take(rangeBytes + hashBytes*int64(len(p))) }
