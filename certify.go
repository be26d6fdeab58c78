package gapless

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/ledger/registry"
	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/segment"
)

// certifier is what this node can prove, for query/certify.
type certifier struct{ n *Node }

// Checkpoint implements certify.Node.
func (c certifier) Checkpoint() (msg []byte, size int64, err error) {
	look := (&proofCatalog{c.n}).Look()
	newest := look.Section.Newest()
	if newest.Size == 0 {
		return nil, 0, nil
	}
	return c.n.checkpointNote(&look), newest.Size, nil
}

// checkpointNote is the newest checkpoint, with what outside witnesses of this node's signed of it.
func (n *Node) checkpointNote(look *proof.Look) []byte {
	return []byte(look.Section.Note(n.cfg.outsideKeys()...))
}

// Policy implements certify.Node.
func (c certifier) Policy() ([]byte, error) {
	look := (&proofCatalog{c.n}).Look()
	p, err := c.n.proofPolicy(&look)
	if err != nil {
		return nil, err
	}
	return []byte(p.Text()), nil
}

// proofPolicy says whose signatures count at the moment: the nodes whose key in use is that of a server with a vote, each with every key that it ever had.
// A majority of those that vote is asked for, so that no two sets of signers can do without a common node. The keys of all other nodes stand there as
// removed: what those signed as long as they voted, receipts and words of certificates, can still be checked.
func (n *Node) proofPolicy(look *proof.Look) (*sign.Policy, error) {
	keys := look.Section.Keys()
	var nodes []sign.Node
	for _, k := range keys {
		if k.Until == 0 && slices.Contains(look.Voters, k.Server) {
			nodes = append(nodes, sign.Node{ID: k.Node})
		}
	}
	quorum := len(look.Voters)/2 + 1
	if len(nodes) < quorum {
		return nil, &httpError{http.StatusServiceUnavailable, "no_checkpoint",
			fmt.Sprintf("%d of the %d nodes with a vote have made their keys known", len(nodes), len(look.Voters)), "ask again; GET /v1/proof/keys lists them"}
	}
	for _, k := range keys {
		i := slices.IndexFunc(nodes, func(n sign.Node) bool { return n.ID == k.Node })
		if i < 0 {
			i, nodes = len(nodes), append(nodes, sign.Node{ID: k.Node, Removed: true})
		}
		nodes[i].Keys = append(nodes[i].Keys, k.VKey)
	}
	slices.SortFunc(nodes, func(a, b sign.Node) int { return strings.Compare(a.ID, b.ID) })
	outside, err := n.cfg.outside()
	if err != nil {
		return nil, err
	}
	return sign.Build(look.Section.Origin(), nodes, quorum, outside, 0)
}

// Log implements certify.Node.
func (c certifier) Log() tlog.HashReader { return logHashes(c) }

// logHashes reads the hashes of the log. They follow from its records: what cannot be read is made again.
type logHashes struct{ n *Node }

func (h logHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	list, err := h.n.sealer.Store().ReadHashes(indexes)
	if err != nil {
		return nil, unready(h.n.sealer.Suspect(err), "this node makes the hashes of the log again: ask again, or another one")
	}
	return list, nil
}

// Records implements certify.Node.
func (c certifier) Records(ctx context.Context, first int64, count int) (list [][]byte, err error) {
	err = c.n.logRecords(ctx, first, count, func(_ int64, data []byte) error {
		list = append(list, slices.Clone(data))
		return nil
	})
	return list, err
}

// Seal implements certify.Node.
func (c certifier) Seal(ctx context.Context) error {
	look, err := c.n.seal(ctx)
	if err != nil {
		return err
	}
	return c.n.followed(ctx, look.Section.Newest().Size)
}

// followed waits until this node has read the log up to a size.
func (n *Node) followed(ctx context.Context, size int64) error {
	patience, cancel := context.WithTimeout(ctx, n.cfg.RequestTimeout)
	defer cancel()
	if err := n.sealer.Followed(patience, size); err != nil {
		return cmp.Or(ctx.Err(), unready(err, "ask again, or another node"))
	}
	return nil
}

// Certify implements certify.Node.
func (c certifier) Certify(ctx context.Context, req certificate.Request) (*certificate.Certificate, error) {
	src, err := c.source(ctx)
	if err != nil {
		return nil, err
	}
	defer src.close()
	made, err := certificate.Build(ctx, src, req)
	return made, c.n.notReady(err)
}

// source is what this node has for a certificate. The caller closes it.
func (c certifier) source(ctx context.Context) (*certificateSource, error) {
	s := &certificateSource{n: c.n, ctx: ctx, look: (&proofCatalog{c.n}).Look()}
	s.newest = s.look.Section.Newest()
	if s.newest.Index == 0 {
		return nil, &httpError{http.StatusServiceUnavailable, "no_checkpoint", "no census is signed yet", "ask with at=now, or see GET /v1/proof"}
	}
	if err := s.believable(); err != nil {
		return nil, err
	}
	if err := c.n.followed(ctx, s.newest.Size); err != nil {
		return nil, err
	}
	return s, nil
}

// believable refuses what the policy of this moment would not believe: the word of a node without a vote, or without a key in the log, and a checkpoint
// that those who vote since a moment ago have not signed yet.
func (s *certificateSource) believable() (err error) {
	server, known := s.n.id.server(), false
	if s.key, known = s.n.sealer.Signer(&s.look); !known || !slices.Contains(s.look.Voters, server) {
		return unready(fmt.Errorf("gapless: %s has no vote, or the log does not have its key yet: nobody could believe its word", server),
			"ask a node with a vote; GET /v1/proof/keys lists them")
	}
	policy, err := s.n.proofPolicy(&s.look)
	if err != nil {
		return err
	}
	if _, err := policy.Check(s.n.checkpointNote(&s.look)); err != nil {
		return unready(fmt.Errorf("gapless: those who vote now have not signed the newest checkpoint yet: %w", err), "ask again, or end a seal")
	}
	return nil
}

// Devices implements certify.Node.
func (c certifier) Devices(tenant string, match []string, limit int) (list []string, err error) {
	matchers := make([]registry.Matcher, len(match))
	for i, text := range match {
		if matchers[i], err = registry.ParseMatcher(text); err != nil {
			return nil, &httpError{http.StatusBadRequest, "bad_parameter", fmt.Sprintf("match is %.100q", text), "label=value"}
		}
	}
	c.n.state.View(func(v raftfsm.View) { list = registryOf(&v).Match(tenant, matchers) })
	return list[:min(len(list), limit)], nil
}

// Segment implements certify.Node.
func (c certifier) Segment(text string) (io.ReadCloser, int64, error) {
	name, err := segment.ParseName(text)
	if err != nil {
		return nil, 0, err
	}
	r, release, err := c.n.shelf.Open(name)
	if err != nil {
		return nil, 0, err
	}
	return &segmentFile{n: c.n, name: name, size: r.Info().Bytes, release: release}, r.Info().Bytes, nil
}

// segmentFile reads a segment's file from its beginning.
type segmentFile struct {
	n        *Node
	name     segment.Name
	at, size int64
	release  func()
}

func (f *segmentFile) Read(b []byte) (int, error) {
	if f.at >= f.size {
		return 0, io.EOF
	}
	part, err := f.n.shelf.ReadRange(f.name, f.at, int(min(int64(len(b)), maxRange, f.size-f.at)))
	f.at += int64(len(part))
	if errors.Is(err, io.EOF) && len(part) > 0 {
		err = nil
	}
	return copy(b, part), err
}

func (f *segmentFile) Close() error {
	f.release()
	return nil
}

// voterCount is how many servers have a vote, as the state knows it.
func (n *Node) voterCount() (count int) {
	n.state.View(func(v raftfsm.View) { count = len(v.Voters) })
	return count
}
