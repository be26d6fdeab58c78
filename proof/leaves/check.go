package leaves

import (
	"context"
	"fmt"
	"slices"

	"github.com/gaplessdb/gapless/proof/merkle"
	"golang.org/x/mod/sumdb/tlog"
)

// Check reads every byte of the file, computes every hash from the leaves again, and returns the first thing that is wrong.
func (r *File) Check(ctx context.Context) error {
	c, err := r.newCursor(0, r.trailer.count)
	if err != nil {
		return err
	}
	if c.to != headerSize {
		return corrupt(r.path, headerSize, "records behind the header", fmt.Sprintf("%d bytes of something else", c.to-headerSize))
	}
	k := checker{File: r}
	for c.more() {
		if err := c.next(ctx); err != nil {
			return err
		}
		if err := k.record(c); err != nil {
			return err
		}
	}
	if c.sum != r.trailer.offSum {
		return corruptSum(r.path, r.trailer.index, r.trailer.offSum, c.sum)
	}
	if root := k.edge.Root(); root != r.trailer.root {
		return corrupt(r.path, r.size-trailerSize, fmt.Sprintf("root %s of the leaves", root), r.trailer.root)
	}
	return nil
}

// checker has what was there before the record at hand.
type checker struct {
	*File
	edge merkle.Edge
	done []merkle.Hash
	last Key
}

// record checks what a read of one record alone cannot.
func (k *checker) record(c *cursor) error {
	key := c.rec.key()
	if err := key.check(k.header.kind); err != nil {
		return corrupt(k.path, c.from, fmt.Sprintf("the key of record %d", c.i), err)
	}
	if c.i > 0 && key.Compare(k.last) <= 0 {
		return corrupt(k.path, c.from, fmt.Sprintf("record %d after %s", c.i, k.last), key)
	}
	k.last = key
	k.done = k.edge.Grow(tlog.RecordHash(c.rec.leaf), k.done[:0])
	for level, want := range slices.All(k.done) {
		if got := c.rec.hash(level); got != want {
			return corrupt(k.path, c.from, fmt.Sprintf("hash %s of the %d leaves up to %d", want, 1<<level, c.i), got)
		}
	}
	return nil
}
