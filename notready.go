package gapless

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/segment/shelf"
)

// notReadyRetry is how long a client should wait before it asks again for what this node counts, or gets, again.
const notReadyRetry = 2 * time.Second

// notReady answers for what the proof needs and is not here now: not counted yet, damaged, not pulled. Every error of a reader of the proof's files goes
// through here, so that what is damaged is made again. Others stay as they are.
func (n *Node) notReady(err error) error {
	switch err = n.sealer.Suspect(err); {
	case err == nil:
		return nil
	case errors.Is(err, proof.ErrNotCounted):
		return unready(err, "this node counts it (GET /v1/proof): ask again, or another one")
	case errors.Is(err, shelf.ErrNotHere), errors.Is(err, segment.ErrCorrupt):
		return unready(err, "this node gets the segment from another one: ask again, or another one")
	}
	return err
}

func unready(err error, hint string) error {
	return &query.Error{Status: http.StatusServiceUnavailable, Code: "not_ready", Message: err.Error(), Hint: hint, Retry: notReadyRetry}
}

// counted opens a file of what this node counted. One with another root than the log has proves nothing: another node may have the right one.
func (n *Node) counted(kind leaves.Kind, number uint64, root string) (*leaves.File, error) {
	f, err := n.sealer.Archive().Open(kind, number)
	if err != nil {
		return nil, err
	}
	if got := f.Root().String(); got != root {
		err := unready(fmt.Errorf("gapless: %s %d have the root %s here, the log says %s", kind, number, got, root), "ask another node; GET /v1/proof shows what differs here")
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
