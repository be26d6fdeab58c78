package gapless

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
)

// prover proves single frames, for query.
type prover struct{ n *Node }

// ProveFrame implements query.Prover.
func (p prover) ProveFrame(ctx context.Context, f query.StoredFrame) (*query.Inclusion, error) {
	n := p.n
	look := (&proofCatalog{n}).Look()
	seal, at, ok := n.sealer.SealOf(f.Seal)
	if !ok || at >= look.Section.Newest().Size {
		return nil, nil
	}
	select {
	case n.tracing <- struct{}{}:
		defer func() { <-n.tracing }()
	default:
		return nil, errTracing
	}
	inc, err := n.proveFrame(ctx, f, &look, seal, at)
	return inc, n.notReady(err)
}

// tracesAtOnce is how many frames are proven at once: each proof has a file of strips open, and hashes what its epoch has in the seal.
const tracesAtOnce = 2

var errTracing = &query.Error{
	Status: http.StatusTooManyRequests, Code: "overloaded", Message: fmt.Sprintf("%d frames are being proven", tracesAtOnce), Hint: "wait for one of them",
	Retry: time.Second,
}

// proveFrame proves a frame by the SEAL that is record at of the log.
func (n *Node) proveFrame(ctx context.Context, f query.StoredFrame, look *proof.Look, seal record.Seal, at int64) (*query.Inclusion, error) {
	inputs, release, err := n.segmentsOf(look.Manifest, seal.First, seal.Last)
	defer release()
	if err != nil {
		return nil, err
	}
	group, err := content.ProveFrame(ctx, inputs, f.Stream, f.Epoch, f.Seal, f.Seq)
	if err != nil {
		return nil, err
	}
	inc := &query.Inclusion{Group: query.ProvenLeaf{Index: group.Index, Size: group.Size, Data: group.Group, Proof: group.Proof}}
	if inc.Strip, err = n.provenStrip(f, seal.Root); err != nil {
		return nil, err
	}
	if inc.Seal, err = n.provenRecord(at, look.Section.Newest().Size); err != nil {
		return nil, err
	}
	inc.Checkpoint = string(n.checkpointNote(look))
	return inc, nil
}

// provenStrip is the strip of a frame and its path to the content root.
func (n *Node) provenStrip(f query.StoredFrame, root string) (l query.ProvenLeaf, err error) {
	file, err := n.counted(leaves.Strips, uint64(f.Seal), root)
	if err != nil {
		return l, err
	}
	defer file.Close()
	i, found, err := file.Find(leaves.Key{StreamKey: f.Stream, Epoch: f.Epoch})
	if err != nil || !found {
		return l, errors.Join(err, fmt.Errorf("gapless: seal %d has no strip of %s epoch %d", f.Seal, f.Stream, f.Epoch))
	}
	l.Index, l.Size = i, file.Count()
	if l.Data, err = file.Leaf(i); err != nil {
		return l, err
	}
	l.Proof, err = tlog.ProveRecord(l.Size, i, file)
	return l, err
}

// provenRecord is a record of the log and its path to the root at a size.
func (n *Node) provenRecord(at, size int64) (l query.ProvenLeaf, err error) {
	l = query.ProvenLeaf{Index: at, Size: size}
	var ok bool
	if l.Data, ok = n.sealer.RecordAt(at); !ok {
		return l, fmt.Errorf("%w: record %d of the log", proof.ErrNotCounted, at)
	}
	l.Proof, err = tlog.ProveRecord(size, at, logHashes{n})
	return l, err
}

// segmentsOf opens the segments of a manifest that may have frames of some Raft indexes. release is never nil.
func (n *Node) segmentsOf(m *segment.Manifest, first, last uint64) (in []*segment.Reader, release func(), err error) {
	list := slices.DeleteFunc(slices.Clone(m.Segments()), func(i segment.Info) bool { return i.LastIndex < first || i.FirstIndex > last })
	return segment.OpenAll(list, n.shelf.Open)
}

// uncertain lists for which times nodes cannot say what they refused: those counters are not replicated, and begin with the process.
func (n *Node) uncertain() []certificate.Uncertain {
	const what = "how many requests this node refused before it took them in"
	format := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	list := []certificate.Uncertain{{Node: n.cfg.Node, To: format(n.started), What: what}}
	for _, h := range n.peers.fresh(time.Now()) {
		if h.status.StartedMS > 0 {
			list = append(list, certificate.Uncertain{Node: h.status.Node, To: format(time.UnixMilli(h.status.StartedMS)), What: what})
		}
	}
	return list
}
