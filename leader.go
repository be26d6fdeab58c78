package gapless

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/raftfsm"
)

// tickEvery is how often the leader replicates clocks and durable positions.
const tickEvery = time.Second

// followLeadership opens the proposer when this node wins an election and its term's barrier is applied, ticks while it leads,
// and closes the proposer when it no longer does. It returns true when Raft must be opened anew, false when the node closes.
func (n *Node) followLeadership() bool {
	r := n.raft()
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	var lastTick time.Time
	for {
		select {
		case leads := <-r.LeaderCh():
			if leads && n.proposer.Term() == r.CurrentTerm() {
				continue // the ticker was first
			}
			n.proposer.End()
			n.watchdog.Reset()
			lastTick = time.Time{}
			if leads {
				n.takeOffice(r, &lastTick)
			}
		case <-ticker.C:
			if r.State() == raft.Leader && n.proposer.Term() == 0 {
				n.takeOffice(r, &lastTick)
			} else if n.proposer.Term() != 0 {
				n.tick(r, &lastTick)
				n.watch(r)
			}
		case <-n.reopen:
			return true
		case <-n.ctx.Done():
			return false
		}
	}
}

// takeOffice makes sure that everything committed before this term is applied, founds the history if there is none, sets the
// clock, and then takes requests.
func (n *Node) takeOffice(r *raftfsm.Instance, lastTick *time.Time) {
	term := r.CurrentTerm()
	if err := r.Barrier(0).Error(); err != nil {
		n.log.Info("barrier failed", "term", term, "err", err)
		return
	}
	if r.State() != raft.Leader || r.CurrentTerm() != term {
		return
	}
	var history uint64
	n.state.View(func(v raftfsm.View) { history = v.Members.History() })
	if history == 0 && !n.found() {
		return
	}
	if !n.tick(r, lastTick) || n.clock().NowMS == 0 {
		return // without a majority of clocks there is no time to start with: the next tick tries again
	}
	n.proposer.Begin(term)
	n.log.Info("leading", "term", term)
}

// found commits the first command of the first history.
func (n *Node) found() bool {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		n.log.Error("no random cluster id", "err", err)
		return false
	}
	body, err := json.Marshal(map[string]any{
		"cluster_id": hex.EncodeToString(random[:]), "history": 1, "cluster_version": raftfsm.SupportedVersion,
	})
	if err != nil {
		n.log.Error("founding command", "err", err)
		return false
	}
	if _, err := n.proposer.Command(raftfsm.KindFound, 2, body); err != nil {
		n.log.Warn("founding failed", "err", err)
		return false
	}
	return true
}

// tick commits one clock tick from what the others said lately. But for the first of a term, which must not be late, it asks them anew:
// what they acknowledged since their last note is all that a disk put back to an older copy could lose unnoticed.
func (n *Node) tick(r *raftfsm.Instance, last *time.Time) bool {
	if !last.IsZero() {
		n.poll(pollWithin)
	}
	now := time.Now() // monotonic
	t := raftfsm.Tick{Voters: n.voters(r), Readings: n.readings(now)}
	if !last.IsZero() {
		t.ElapsedMS = now.Sub(*last).Milliseconds()
	}
	var err error
	if t.Notes, err = n.notes(); err != nil {
		n.log.Error("tick", "err", err)
		return false
	}
	body, err := raftfsm.MarshalTick(t)
	if err != nil {
		n.log.Error("tick", "err", err)
		return false
	}
	if _, err := n.proposer.Command(raftfsm.KindTick, 1, body); err != nil {
		n.log.Info("tick not committed", "err", err)
		return false
	}
	*last = now
	n.noteClock()
	return true
}

// noteClock alarms when the replicated clock stands still for want of a majority.
func (n *Node) noteClock() {
	clock := n.clock()
	if n.metrics.SetClockPaused(clock.Paused) && clock.Paused {
		n.log.Warn("no majority of clocks: gaps do not become final and nothing expires", "clock_ms", clock.NowMS)
	}
}

func (n *Node) clock() (clock raftfsm.Clock) {
	n.state.View(func(v raftfsm.View) { clock = v.Clock })
	return clock
}

// watch hands leadership over when a follower is in contact and yet stores nothing.
func (n *Node) watch(r *raftfsm.Instance) {
	stuck, to, ok := n.watchdog.Observe(time.Now(), r.LastIndex(), n.followers())
	if !ok {
		return
	}
	n.metrics.Handovers.Inc()
	n.log.Warn("follower answers but stores nothing: handing leadership over", "stuck", stuck, "to", to)
	if err := n.transfer(to); err != nil {
		n.log.Warn("handover failed", "to", to, "err", err)
	}
}

// voters counts the voters of the latest configuration.
func (n *Node) voters(r *raftfsm.Instance) int {
	voters := 0
	for _, s := range r.GetConfiguration().Configuration().Servers {
		if s.Suffrage == raft.Voter {
			voters++
		}
	}
	return voters
}

// register tells the cluster who this node is whenever what is replicated of it differs.
func (n *Node) register() {
	self := raftfsm.Member{
		Node: n.cfg.Node, Server: n.id.server(), Raft: n.cfg.Advertise, HTTP: n.cfg.AdvertiseHTTP, Versions: raftfsm.SupportedVersion,
	}
	body, err := json.Marshal(self)
	if err != nil {
		n.fail(err)
		return
	}
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		var known raftfsm.Member
		var history uint64
		n.state.View(func(v raftfsm.View) {
			known, _ = v.Members.Get(n.cfg.Node)
			history = v.Members.History()
		})
		if history != 0 && known != self && n.isMember() {
			if _, _, err := n.ProposeCommand(n.ctx, raftfsm.KindMember, 1, body); err != nil {
				n.log.Debug("not registered yet", "err", err)
			}
		} else if leader, ok := n.unreached(); ok {
			err := n.registerAt(leader, body)
			n.log.Info("told the leader where this node is", "leader", leader, "err", err)
		}
		if err := n.keepClusterID(); err != nil {
			n.fail(err)
			return
		}
		select {
		case <-ticker.C:
		case <-n.ctx.Done():
			return
		}
	}
}
