package gapless

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
)

// prover proves single frames, for query.
type prover struct{ n *Node }

// ProveFrame implements query.Prover.
func (p prover) ProveFrame(ctx context.Context, f query.StoredFrame) (*query.Inclusion, error) {
	n := p.n
	look := (&proofCatalog{n}).Look()
	newest := look.Section.Newest()
	seal, at, ok := n.sealer.SealOf(f.Seal)
	if !ok || at >= newest.Size {
		return nil, nil
	}
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
	if inc.Strip, err = n.provenStrip(f); err != nil {
		return nil, err
	}
	if inc.Seal, err = n.provenRecord(ctx, at, newest.Size); err != nil {
		return nil, err
	}
	inc.Checkpoint = look.Section.Note()
	return inc, nil
}

// provenStrip is the strip of a frame and its path to the content root.
func (n *Node) provenStrip(f query.StoredFrame) (l query.ProvenLeaf, err error) {
	file, err := n.sealer.Archive().Open(leaves.Strips, uint64(f.Seal))
	if err != nil {
		return l, n.notCounted(err)
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
func (n *Node) provenRecord(ctx context.Context, at, size int64) (l query.ProvenLeaf, err error) {
	l = query.ProvenLeaf{Index: at, Size: size}
	err = n.logRecords(ctx, at, 1, func(_ int64, data []byte) error {
		l.Data = append([]byte(nil), data...)
		return nil
	})
	if err != nil {
		return l, err
	}
	l.Proof, err = tlog.ProveRecord(size, at, n.sealer.Store())
	return l, err
}

// segmentsOf opens the segments of a manifest that may have frames of some Raft indexes.
func (n *Node) segmentsOf(m *segment.Manifest, first, last uint64) (in []*segment.Reader, release func(), err error) {
	var releases []func()
	release = func() {
		for _, r := range releases {
			r()
		}
	}
	for _, info := range m.Segments() {
		if info.LastIndex < first || info.FirstIndex > last {
			continue
		}
		r, done, err := n.shelf.Open(info.Name)
		if err != nil {
			return nil, release, err
		}
		in, releases = append(in, r), append(releases, done)
	}
	return in, release, nil
}

// notCounted turns a file that is missing here into an answer.
func (n *Node) notCounted(err error) error {
	if !errors.Is(err, proof.ErrNotCounted) {
		return err
	}
	return &httpError{http.StatusServiceUnavailable, "not_ready", err.Error(), "this node still counts what is stored (GET /v1/proof): ask another one, or later"}
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
