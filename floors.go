package gapless

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
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
		MaxFiles: n.files.segments, CacheBytes: n.cfg.CacheBytes, PullBytesPerSecond: n.cfg.PullBytesPerSec, RetireAfter: n.retireAfter(),
		Logger: n.log, Metrics: n.cfg.Registerer,
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
	switch damaged := n.floors.Damaged(); {
	case damaged > max(newest.Index, last):
		return fmt.Errorf("gapless: the floor file %d is damaged, the newest that is whole is %d and the log ends at %d: what lies between was lost, and the node must not vote: empty its directory and run `gapless ctl replace %s`",
			damaged, newest.Index, last, n.cfg.Node)
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
func (n *Node) flush() { n.newFlusher().Run(n.ctx) }

func (n *Node) newFlusher() *raftfsm.Flusher {
	return raftfsm.NewFlusher(raftfsm.FlusherOptions{
		State: n.state, FS: n.dir, Dir: n.shelf.Dir(), Added: n.flushedSegment, Wanted: n.wantSegments, Done: n.noteFlush, Prune: n.prune, Stuck: n.standAside,
		Floors: n.floors, Partition: partition, Logger: n.log, Metrics: n.metrics, Fatal: n.fail,
	})
}

// prune removes segments that no floor lists and that no merge needs. While one is missing that a floor lists, they stay: after a divergence they may be all that is left of
// its frames.
func (n *Node) prune(keep func(segment.Name) bool) error {
	if len(n.shelf.Missing()) > 0 {
		return nil
	}
	return n.shelf.Prune(func(name segment.Name) bool { return keep(name) || n.merges.Keep(name) })
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
		repaired := n.shelf.Changed() // before looking, so that none is missed
		n.reportFloor()
		n.compareFloors(&healed)
		if err := n.cutLog(n.ownStatus().Servers); err != nil {
			n.fail(err)
			return
		}
		select {
		case <-ticker.C:
		case <-n.flushed:
		case <-repaired:
		case <-n.ctx.Done():
			return
		}
	}
}

// reportFloor commits that this node has the newest floor and a verified file of each of its segments, and takes the reports of this node back
// when one of the segments that they vouch for was lost: nobody is to delete anything because this node has it.
func (n *Node) reportFloor() {
	var reported raftfsm.FloorReport
	var m *segment.Manifest
	var at, history uint64
	n.state.View(func(v raftfsm.View) {
		reported, _ = v.Floors.Newest(n.id.server())
		m, at, history = v.Manifest, v.Floor, v.Members.History()
	})
	newest := n.newestFloor()
	report := raftfsm.FloorReport{Server: n.id.server(), Index: newest.Index, Hash: hex.EncodeToString(newest.Hash[:])}
	switch {
	case history == 0:
		return
	case reported.Index > 0 && n.lacksBelow(reported.Index):
		report = raftfsm.FloorReport{Server: n.id.server()}
	case newest.Index == 0 || at != newest.Index || report == reported || !n.shelf.Complete(m):
		return
	}
	body, err := json.Marshal(report)
	if err != nil {
		n.fail(err)
		return
	}
	if _, _, err := n.ProposeCommand(n.ctx, raftfsm.KindFlushed, 1, body); err != nil {
		n.log.Debug("floor not reported yet", "floor", report.Index, "err", err)
	} else if report.Index == 0 {
		n.log.Warn("took the report of a floor back: a segment of it is not here any more", "floor", reported.Index)
	}
}

// lacksBelow reports whether a segment with frames of entries up to index is missing.
func (n *Node) lacksBelow(index uint64) bool {
	return slices.ContainsFunc(n.shelf.Missing(), func(info segment.Info) bool { return info.FirstIndex <= index })
}

// cutLog deletes the prefix of the log that is no longer needed: it is below the oldest floor kept here, which another node has, too
// (in a cluster of one the read-back after writing must do), and beyond what is kept for followers that are behind.
func (n *Node) cutLog(servers []string) error {
	safe := n.safeFloor(servers)
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
