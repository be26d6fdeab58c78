package gapless

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/raftfsm/floor"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/segment/shelf"
)

// Names in the data directory.
const (
	segmentsDir = "segments"
	floorsDir   = "floors"
)

// openFloors opens what is durable below the log: segments and floors.
func (n *Node) openFloors() (err error) {
	n.shelf, err = shelf.Open(n.dir, segmentsDir, shelf.Options{
		CacheBytes: n.cfg.CacheBytes, PullBytesPerSecond: n.cfg.PullBytesPerSec, Logger: n.log, Metrics: n.cfg.Registerer,
	})
	if err != nil {
		return err
	}
	first, last, err := n.logRange()
	if err != nil {
		return err
	}
	n.floors, err = floor.Open(n.dir, floorsDir, floor.Options{LogComplete: first == 1, Logger: n.log, Metrics: n.cfg.Registerer, OnFatal: n.fail})
	if err != nil {
		return err
	}
	return n.checkFloor(first, last)
}

func (n *Node) logRange() (first, last uint64, err error) {
	if first, err = n.cons.log.FirstIndex(); err != nil {
		return 0, 0, err
	}
	last, err = n.cons.log.LastIndex()
	return first, last, err
}

// checkFloor makes sure that log and floor meet: what lies between them would be lost. A log that ends below an installed floor is what a
// crash left between the install and the deletion of the log, which is done now.
func (n *Node) checkFloor(first, last uint64) error {
	newest := n.newestFloor()
	switch {
	case first > newest.Index+1:
		return fmt.Errorf("gapless: the log begins at %d and the newest floor is %d: what lies between was lost, and the node must not vote: empty its directory and run `gapless ctl replace %s`",
			first, newest.Index, n.cfg.Node)
	case last >= newest.Index:
		return nil
	case newest.Installed && last == 0:
		return nil
	case newest.Installed:
		return n.cons.log.DeleteRange(first, last)
	}
	return fmt.Errorf("gapless: the log ends at %d and this node flushed up to %d: the end of the log was lost, and the node must not vote: empty its directory and run `gapless ctl replace %s`",
		last, newest.Index, n.cfg.Node)
}

// newestFloor is the newest floor on this disk, zero before the first.
func (n *Node) newestFloor() floor.Published {
	if all := n.floors.Floors(); len(all) > 0 {
		return all[0]
	}
	return floor.Published{}
}

// flush turns sealed heads into segments until Close.
func (n *Node) flush() {
	raftfsm.NewFlusher(raftfsm.FlusherOptions{
		State: n.state, FS: n.dir, Dir: n.shelf.Dir(), Added: n.shelf.Added, Wanted: n.wantSegments, Done: n.noteFlush, Stuck: n.standAside, Floors: n.floors, Partition: partition,
		Logger: n.log, Metrics: n.metrics, Fatal: n.fail,
	}).Run(n.ctx)
}

// standAside hands leadership over when this node cannot flush: others may have room on their disks.
func (n *Node) standAside() {
	r := n.raft()
	if r == nil || r.State() != raft.Leader || n.state.Pressure() < 3 {
		return
	}
	if err := r.LeadershipTransfer().Error(); err != nil {
		n.log.Warn("leadership not handed over although the disk is full", "err", err)
	}
}

// wantSegments says which segments count. One that cannot be judged now is missing until a pull has looked again.
func (n *Node) wantSegments(m *segment.Manifest) {
	if err := n.shelf.Want(m); err != nil {
		n.log.Error("segments cannot be judged", "err", err)
	}
}

// noteFlush wakes keepFloors.
func (n *Node) noteFlush() {
	select {
	case n.flushed <- struct{}{}:
	default:
	}
}

// keepFloors reports each floor of this node to the cluster once every segment of it is here, and cuts the log as far as another node
// has reported the same.
func (n *Node) keepFloors() {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	var healed time.Time
	for {
		n.reportFloor()
		n.compareFloors(&healed)
		if err := n.cutLog(); err != nil {
			n.fail(err)
			return
		}
		select {
		case <-ticker.C:
		case <-n.flushed:
		case <-n.ctx.Done():
			return
		}
	}
}

// reportFloor commits that this node has the newest floor and a verified file of each of its segments.
func (n *Node) reportFloor() {
	var reported raftfsm.FloorReport
	var m *segment.Manifest
	var at, history uint64
	n.state.View(func(v raftfsm.View) {
		reported, _ = v.Floors.Newest(n.id.server())
		m, at, history = v.Manifest, v.Floor, v.Members.History()
	})
	newest := n.newestFloor()
	own := raftfsm.FloorReport{Server: n.id.server(), Index: newest.Index, Hash: hex.EncodeToString(newest.Hash[:])}
	if newest.Index == 0 || history == 0 || at != newest.Index || own == reported || !n.shelf.Complete(m) {
		return
	}
	body, err := json.Marshal(own)
	if err != nil {
		n.fail(err)
		return
	}
	if _, _, err := n.ProposeCommand(n.ctx, raftfsm.KindFlushed, 1, body); err != nil {
		n.log.Debug("floor not reported yet", "floor", own.Index, "err", err)
	}
}

// cutLog deletes the prefix of the log that is no longer needed: it is below the oldest floor kept here, which another node has, too
// (in a cluster of one the read-back after writing must do), and beyond what is kept for followers that are behind.
func (n *Node) cutLog() error {
	safe := n.safeFloor()
	n.cons.log.SetFloor(safe)
	if safe == 0 || len(n.shelf.Missing()) > 0 { // what a segment here has lost may still be in the log
		return nil
	}
	first, err := n.cons.log.FirstIndex()
	if err != nil {
		return err
	}
	last := min(safe-1, n.cons.log.KeepFrom(n.cfg.LogKeepBytes)-1)
	if first == 0 || last < first {
		return nil
	}
	return n.cons.log.DeleteRange(first, last)
}

// safeFloor is the floor below which this node may delete its log, 0 for none: one that another member has, too, with the same hash, but not
// above the oldest floor kept here, so that a damaged newest floor file still leaves a state to start from.
func (n *Node) safeFloor() (safe uint64) {
	oldest, ok := n.floors.Oldest()
	if !ok {
		return 0
	}
	servers := n.ownStatus().Servers
	if len(servers) == 1 && servers[0] == n.id.server() {
		return oldest.Index
	}
	n.state.View(func(v raftfsm.View) { safe = v.Floors.Common(n.id.server(), servers) })
	return min(safe, oldest.Index)
}
