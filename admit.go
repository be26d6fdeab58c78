package gapless

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gaplessdb/gapless/raftfsm"
)

// A voter that lost what it acknowledged can elect a leader which never had it. So every second TICK notes in everybody's log how far
// each server's log is durable, and a starting node must not take part before another member has shown it that it is not behind its note.
// What is noted stands in the members' logs, committed or not, and members answer out of them also while they wait themselves:
// a whole cluster that lost its power starts again.

// errBehind marks a disk that is behind its note.
var errBehind = errors.New("the disk was put back to an older copy, or lost writes that were synced")

// entrant is a node that asks to take part.
type entrant struct {
	Node      string         `json:"node"`
	Server    string         `json:"server"`
	ClusterID string         `json:"cluster_id"` // "" while its disk belongs to none
	End       raftfsm.LogEnd `json:"end"`        // of its log, durable

	empty bool
	page  page // of its own log
}

// testimony is what one member says to an entrant.
type testimony struct {
	Status status         `json:"status"`
	Known  bool           `json:"known"`    // the entrant's server is in the newest configuration
	Ticked raftfsm.LogEnd `json:"ticked"`   // where the newest TICK stands in the log; zero: nowhere
	Noted  bool           `json:"has_note"` // the TICK has a note of the entrant
	Note   raftfsm.LogEnd `json:"note"`
}

// hearing is what was asked of one address.
type hearing struct {
	target
	testimony
	err error
}

// verdict is what the hearings come to: enter, never enter (refused), or wait, and why.
type verdict struct {
	enter   bool
	weakly  bool // whoever vouches may not know the entrant's newest acknowledgements
	refused error
	why     string
}

// judge weighs what all members that were asked said. Whoever shows that the entrant is behind its note decides. Else the member with the
// newest TICK does: one that is no older than the entrant's own is enough. An older one can only vouch weakly, unless nobody else is left
// to be asked.
func judge(e *entrant, hearings []hearing) verdict {
	var known, unknown *hearing // with the newest TICK of those that know the entrant, and of those that do not
	silent, why := 0, []string(nil)
	for i := range hearings {
		h := &hearings[i]
		switch {
		case h.err != nil:
			silent++
			why = append(why, fmt.Sprintf("%s at %s does not answer: %v", h.node, h.addr, h.err))
		case foreign(e.ClusterID, h.Status.ClusterID):
			silent++
			why = append(why, fmt.Sprintf("%s at %s belongs to cluster %s, this disk to cluster %s", h.Status.Node, h.addr, h.Status.ClusterID, e.ClusterID))
		case h.Noted && forgot(e.End, h.Note):
			return verdict{refused: &behindError{e.Node, e.End, h.Note, h.Status.Node}}
		case h.Status.Empty, len(h.Status.Servers) == 0 && h.Status.LastIndex == 0:
			why = append(why, h.Status.Node+" is empty")
		case len(h.Status.Servers) == 0: // it has a floor and nothing behind it: it cannot say who belongs
			silent++
			why = append(why, h.Status.Node+" does not know yet who belongs to the cluster")
		case h.Known:
			known = newer(known, h)
		default:
			unknown = newer(unknown, h)
		}
	}
	own := e.page.tickEnd
	switch {
	case unknown != nil && unknown.Ticked.Compare(own) >= 0 && newer(unknown, known) == unknown:
		return verdict{why: strangerHint(e, &unknown.Status)}
	case known != nil && (known.Ticked.Compare(own) >= 0 || silent == 0):
		return verdict{enter: true}
	case len(hearings) > 0 && silent == 0 && !e.empty && unknown == nil: // everybody else is empty: nobody can vote with it
		return verdict{enter: true}
	case e.page.alone(e.Server) && silent == 0:
		return verdict{enter: true}
	case e.page.alone(e.Server): // as far as this log goes; on an old copy the others know better
		return verdict{weakly: true, why: "this log knows of no other voter; waiting for the configured peers: " + strings.Join(why, "; ")}
	case known != nil:
		return verdict{weakly: true, why: "waiting for members with a newer log: " + strings.Join(why, "; ")}
	case unknown != nil:
		why = append(why, unknown.Status.Node+" has an older log and does not know this node")
	}
	return verdict{why: strings.Join(why, "; ")}
}

// newer is the hearing with the newer TICK, a where they are equal.
func newer(a, b *hearing) *hearing {
	if a == nil || b != nil && a.Ticked.Compare(b.Ticked) < 0 {
		return b
	}
	return a
}

// foreign reports whether two cluster ids are known and differ.
func foreign(a, b string) bool { return a != "" && b != "" && a != b }

// behindError refuses an entrant for good.
type behindError struct {
	node      string
	end, note raftfsm.LogEnd
	witness   string
}

func (e *behindError) Error() string {
	return fmt.Sprintf("gapless: the log of this node ends at %s, but %s has a note that it stored up to %s: %v. It must not vote without what it acknowledged, "+
		"and starts no more on this disk; %s", e.end, e.witness, e.note, errBehind, replaceHint(e.node))
}

func (e *behindError) Is(target error) bool { return target == errBehind }

// strangerHint says how a node gets into a cluster that does not know it.
func strangerHint(e *entrant, st *status) string {
	in := fmt.Sprintf("%s is in a cluster of %v, which does not know %s: ", st.Node, st.Servers, e.Server)
	other := slices.IndexFunc(st.Servers, func(server string) bool { return nodeOf(server) == e.Node })
	switch {
	case other >= 0 && e.empty:
		return in + fmt.Sprintf("this disk is empty or new; run `gapless ctl replace %s`", e.Node)
	case other >= 0:
		return in + fmt.Sprintf("this disk was replaced by %s; to use the node again start it on an empty directory", st.Servers[other])
	case e.empty:
		return in + fmt.Sprintf("this node is new; run `gapless ctl join %s ADDRESS`", e.Node)
	}
	return in + fmt.Sprintf("this node was removed; run `gapless ctl join %s ADDRESS` to take it in again", e.Node)
}

// entrant describes this node before Raft runs.
func (n *Node) entrant() (*entrant, error) {
	e := &entrant{Node: n.cfg.Node, Server: n.id.server(), ClusterID: n.knownClusterID(), empty: n.empty}
	end, err := logEnd(n.cons.log)
	if err != nil {
		return nil, err
	}
	given, err := gaveUp(n.cons.stable)
	if err != nil {
		return nil, err
	}
	e.End = end.Max(n.floorEnd()).Max(given)
	e.page, err = n.membership.notes.newest(n.cons.log)
	return e, err
}

// hear asks every address where a member may be, all at once.
func (n *Node) hear(ctx context.Context, e *entrant) []hearing {
	var hearings []hearing
	for _, t := range n.targets() {
		hearings = append(hearings, hearing{target: t})
	}
	var asking sync.WaitGroup
	for i := range hearings {
		h := &hearings[i]
		asking.Go(func() { h.testimony, h.err = n.askNote(ctx, h.addr, e) })
	}
	asking.Wait()
	return n.distinct(hearings)
}

// distinct leaves out this node itself and members that were heard twice, and keeps one fault for each node that was not heard at all.
func (n *Node) distinct(hearings []hearing) (list []hearing) {
	heard := map[string]bool{n.cfg.Node: true}
	for _, h := range hearings {
		if h.err == nil && h.Status.Node != n.cfg.Node && !heard[h.Status.Server] {
			heard[h.Status.Server], heard[h.Status.Node] = true, true
			list = append(list, h)
		}
	}
	for _, h := range hearings {
		if heard[h.node] {
			continue
		}
		heard[h.node] = true
		if h.err == nil {
			h.err = fmt.Errorf("%s answers there: correct peers", h.Status.Node)
		}
		list = append(list, h)
	}
	return list
}

// testify answers an entrant out of this node's log.
func (n *Node) testify(e *entrant) (testimony, error) {
	t := testimony{Status: n.ownStatus()}
	p, err := n.membership.notes.newest(n.cons.log)
	if err != nil {
		return t, err
	}
	if t.Ticked = p.tickEnd; p.tickEnd.Index == 0 { // the log begins at a floor
		n.state.View(func(v raftfsm.View) { p.tick = v.Tick })
		if len(p.tick.Notes) > 0 {
			t.Ticked = n.floorEnd()
		}
	}
	t.Known = p.has(e.Server)
	if n.raft() != nil {
		t.Known = slices.Contains(t.Status.Servers, e.Server)
	}
	note, _ := p.tick.Note(e.Server)
	heard, _ := n.peers.of(e.Server)
	t.Note = note.LogEnd.Max(heard.furthest)
	t.Noted = t.Note.Index > 0
	n.noteRefusal(e, &t)
	return t, nil
}
