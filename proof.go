package gapless

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/compact"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/raftfsm/floor"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/segment/shelf"
)

// proofDir has what this node counted, and the hashes of the log. All of it but the newest censuses can be made again.
const proofDir = "proof"

// openProof makes the sealer, which does nothing before Run.
func (n *Node) openProof() (err error) {
	n.sealer, err = proof.New(proof.Options{
		Catalog: &proofCatalog{n}, FS: n.dir, Dir: proofDir, Node: n.cfg.Node, Server: n.id.server(), Now: n.cfg.Clock, Witnesses: n.cfg.outsideKeys(),
		Limit: compact.Throttle(n.cfg.MergeBytesPerSec, n.state.Pressure), Logger: n.log, Metrics: n.cfg.Registerer,
	})
	return err
}

// replay waits until the state has all that was committed when this node started.
func (n *Node) replay() {
	for n.upToDate(n.ctx) != nil {
		select {
		case <-time.After(time.Second):
		case <-n.ctx.Done():
			return
		}
	}
	n.replayed.Store(true)
}

// proofCatalog is the replicated state as the sealer sees it.
type proofCatalog struct{ n *Node }

// Look implements proof.Catalog.
func (c *proofCatalog) Look() (l proof.Look) {
	n := c.n
	server := n.id.server()
	n.state.View(func(v raftfsm.View) {
		section := proofOf(&v)
		seal := v.Policy.Seal.WithDefaults()
		l = proof.Look{
			Active: v.Members.Version() >= section.Since(), Section: *section, Manifest: v.Manifest, Floor: v.Floor, NowMS: v.Clock.NowMS, Cluster: v.Members.ClusterID(),
			Interval: time.Duration(seal.IntervalMS) * time.Millisecond, Voters: v.Voters,
		}
		if seal.Off {
			l.Interval = 0
		}
		for _, m := range v.Members.All() {
			if m.Server != server {
				l.Peers = append(l.Peers, m.Server)
			}
		}
	})
	l.Leads, l.Replays = n.proposer.Term() != 0, !n.replayed.Load()
	for _, s := range n.servers() {
		l.Votes = l.Votes || string(s.ID) == server && s.Suffrage == raft.Voter
	}
	return l
}

// Changed implements proof.Catalog.
func (c *proofCatalog) Changed() <-chan struct{} { return c.n.state.Changed() }

// Propose implements proof.Catalog.
func (c *proofCatalog) Propose(ctx context.Context, kind uint16, version uint8, body []byte) error {
	_, _, err := c.n.ProposeCommand(ctx, kind, version, body)
	return proofRefusal(err)
}

// proofRefusal makes a *proof.Refusal of an error that is one.
func proofRefusal(err error) error {
	var refused *ingest.RefusedError
	if errors.As(err, &refused) {
		return &proof.Refusal{Code: refused.Code, Message: refused.Message, Hint: refused.Hint, Conflict: refused.Status == 409}
	}
	return err
}

// ProposeOverdue implements proof.Catalog.
func (c *proofCatalog) ProposeOverdue(_ context.Context, kind uint16, version uint8, body []byte) error {
	_, err := c.n.commandBehind(overdueBehind, kind, version, body)
	return proofRefusal(c.n.clientError(err))
}

// Ledger implements proof.Catalog.
func (c *proofCatalog) Ledger(index uint64) (*ledger.Ledger, []byte, error) {
	l, policy, err := raftfsm.ReadLedger(c.n.floors, index)
	if errors.Is(err, floor.ErrNotFound) {
		return nil, nil, fmt.Errorf("%w: %w", proof.ErrNotCounted, err)
	}
	return l, policy, err
}

// Segment implements proof.Catalog.
func (c *proofCatalog) Segment(name segment.Name) (*segment.Reader, func(), error) {
	r, release, err := c.n.shelf.Open(name)
	if errors.Is(err, shelf.ErrNotHere) {
		err = fmt.Errorf("%w: %w", proof.ErrNotYet, err)
	}
	return r, release, err
}

// recordsAtOnce is how many records of the log are read at once.
const recordsAtOnce = 1024

// Records implements proof.Catalog.
func (c *proofCatalog) Records(ctx context.Context, from int64, fn func(n int64, data []byte) error) error {
	return c.n.logRecords(ctx, from, recordsAtOnce, fn)
}

// logRecords reads records of the proof's log: frames whose number is one more.
func (n *Node) logRecords(ctx context.Context, from int64, limit int, fn func(n int64, data []byte) error) error {
	key := frame.StreamKey{Tenant: raftfsm.TenantSystem, Device: raftfsm.DeviceLog, Stream: frame.DefaultStream}
	return n.queries.Ascending(ctx, key, uint64(from)+1, limit, func(f *frame.Frame) error { return fn(int64(f.Seq)-1, f.Raw) })
}

// Leaves implements proof.Catalog.
func (c *proofCatalog) Leaves(ctx context.Context, server string, kind leaves.Kind, number uint64, offset int64, size int) ([]byte, error) {
	return c.n.fetchRange(ctx, server, opLeaves, rangeHead{leaves.FileName(kind, number), offset, size})
}

// leavesAtOnce is how many other nodes' calls for them have a file open at once; others wait.
const leavesAtOnce = 2

// serveLeaves answers Leaves.
func (n *Node) serveLeaves(payload []byte) ([]byte, error) {
	var head rangeHead
	if err := json.Unmarshal(payload, &head); err != nil {
		return nil, fmt.Errorf("gapless: head of a call: %w", err)
	}
	kind, number, ok := leaves.ParseFileName(head.Name)
	if !ok {
		return nil, fmt.Errorf("gapless: %q is no file of strips, and no census", head.Name)
	}
	if err := head.check(); err != nil {
		return nil, err
	}
	if err := n.reading.take(n.ctx); err != nil {
		return nil, err
	}
	defer n.reading.give()
	b, err := n.sealer.Archive().ReadRange(kind, number, head.Offset, head.Bytes)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b, err
}

// proofOf is the section of the proof of a state.
func proofOf(v *raftfsm.View) *proof.Section {
	return v.Section(proof.SectionName).(*proof.Section)
}
