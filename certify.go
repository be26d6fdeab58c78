package gapless

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/ledger/registry"
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
	return []byte(look.Section.Note()), newest.Size, nil
}

// Policy implements certify.Node.
func (c certifier) Policy() ([]byte, error) {
	look := (&proofCatalog{c.n}).Look()
	keys := look.Section.Keys()
	if len(keys) == 0 {
		return nil, &httpError{http.StatusServiceUnavailable, "no_checkpoint", "no node has made its key known yet", "GET /v1/proof tells what the nodes wait for"}
	}
	var nodes []sign.Node
	for _, k := range keys {
		i := slices.IndexFunc(nodes, func(n sign.Node) bool { return n.ID == k.Node })
		if i < 0 {
			i, nodes = len(nodes), append(nodes, sign.Node{ID: k.Node})
		}
		nodes[i].Keys = append(nodes[i].Keys, k.VKey)
	}
	slices.SortFunc(nodes, func(a, b sign.Node) int { return strings.Compare(a.ID, b.ID) })
	outside, err := c.n.cfg.outside()
	if err != nil {
		return nil, err
	}
	p, err := sign.Build(look.Section.Origin(), nodes, c.n.quorum(), outside, 0)
	if err != nil {
		return nil, err
	}
	return []byte(p.Text()), nil
}

// quorum is how many voters are a majority.
func (n *Node) quorum() int { return n.voterCount()/2 + 1 }

// Log implements certify.Node.
func (c certifier) Log() (tlog.HashReader, int64) {
	store := c.n.sealer.Store()
	return store, store.Size()
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
func (c certifier) Seal(context.Context) error {
	look, err := c.n.seal()
	if err != nil {
		return err
	}
	return c.n.followed(look.Section.Newest().Size)
}

// followed waits until this node has read the log up to a size.
func (n *Node) followed(size int64) error {
	ctx, cancel := context.WithTimeout(n.ctx, n.cfg.RequestTimeout)
	defer cancel()
	if err := n.sealer.Followed(ctx, size); err != nil {
		return &httpError{http.StatusServiceUnavailable, "not_ready", err.Error(), "ask again, or another node"}
	}
	return nil
}

// Source implements certify.Node.
func (c certifier) Source(ctx context.Context, tenant string) (certificate.Source, func(), error) {
	s := &certificateSource{n: c.n, ctx: ctx, look: (&proofCatalog{c.n}).Look()}
	s.newest = s.look.Section.Newest()
	if s.newest.Index == 0 {
		return nil, nil, &httpError{http.StatusServiceUnavailable, "no_checkpoint", "no census is signed yet", "ask with at=now, or see GET /v1/proof"}
	}
	if err := c.n.followed(s.newest.Size); err != nil {
		return nil, nil, err
	}
	return s, s.close, nil
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
