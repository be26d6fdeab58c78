package gapless

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/ingest"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/raftfsm/port"
)

// add takes a server in as a non-voter, if its disk has nothing of another cluster.
func (c *change) add(st *located) (changeAnswer, error) {
	if own := c.knownClusterID(); !st.Empty && st.LastIndex > 0 && (own == "" || st.ClusterID != own) {
		return changeAnswer{}, c.conflict("not_empty", "%s has a log of its own (%s, cluster id %q)",
			"stop it, empty its directory and start it again", c.node, st.logEnd(), st.ClusterID)
	}
	for _, s := range c.servers {
		if hostPort(s) == st.addr && nodeOf(string(s.ID)) != c.node {
			return changeAnswer{}, c.conflict("address_in_use", "%s is the address of %s", "give each node an address of its own", st.addr, s.ID)
		}
	}
	err := c.raft.AddNonvoter(raft.ServerID(st.Server), raft.ServerAddress(port.JoinAddress(st.Server, st.addr)), 0, changeWaits).Error()
	return c.changed(st.Server, "added %s as a non-voter", st.Server), changeError(err)
}

func (c *change) vote(s raft.Server) (changeAnswer, error) {
	voters := append(c.voters(""), string(s.ID))
	if err := c.needQuorum(voters, "let "+string(s.ID)+" vote"); err != nil {
		return changeAnswer{}, err
	}
	err := c.raft.AddVoter(s.ID, s.Address, 0, changeWaits).Error()
	return c.changed(string(s.ID), "%s may vote", s.ID), changeError(err)
}

func (c *change) drop(id raft.ServerID) (changeAnswer, error) {
	err := c.raft.RemoveServer(id, 0, changeWaits).Error()
	return c.changed(string(id), "removed %s", id), changeError(err)
}

// canLose refuses to take away a voter that the others need.
func (c *change) canLose(id raft.ServerID) error {
	voters := c.voters(id)
	if len(voters) == 0 {
		return c.conflict("last_voter", "%s is the only voter", "let another node vote first", id)
	}
	return c.needQuorum(voters, "remove "+string(id))
}

// needQuorum refuses a configuration of voters of which fewer than a quorum answer, now, and hold everything.
func (c *change) needQuorum(voters []string, what string) error {
	began := time.Now()
	c.poll(askWithin)
	var missing []string
	for _, v := range voters {
		if h, _ := c.peers.of(v); v != c.id.server() && h.at.Before(began) || !c.verifiedCopy(v) {
			missing = append(missing, v)
		}
	}
	quorum := len(voters)/2 + 1
	if holding := len(voters) - len(missing); holding < quorum {
		return c.conflict("would_lose_quorum", "cannot %s: of the voters %v only %d would answer and hold everything, and %d are needed; missing %v",
			"start the missing nodes and wait until `gapless ctl members` shows them near the leader", what, voters, holding, quorum, missing)
	}
	return nil
}

// catchUp goes on with next once the server that answered holds everything.
func (c *change) catchUp(st *located, next func() (changeAnswer, error)) (changeAnswer, error) {
	behind, running := c.behind(st.Server)
	if running && c.verifiedCopy(st.Server) {
		return next()
	}
	a := changeAnswer{Node: c.node, Server: st.Server, Step: stepCatchingUp, Behind: behind}
	if a.Message = fmt.Sprintf("%s is catching up", st.Server); !running {
		a.Message = fmt.Sprintf("%s is starting: %s", st.Server, st.Waiting)
	}
	return a, nil
}

// located is what a node said of itself, and the address where it did.
type located struct {
	status
	addr string
}

// find asks where the node may be, and returns what it says of itself; or how the change waits for that.
func (c *change) find() (*located, changeAnswer, error) {
	addrs := []string{c.addr}
	if c.addr == "" {
		addrs = nil
		for _, t := range c.targets() {
			if t.node == c.node {
				addrs = append(addrs, t.addr)
			}
		}
		if c.node == c.cfg.Node {
			st := c.ownStatus()
			return &located{st, st.Raft}, changeAnswer{}, nil
		}
	}
	var found *located
	var silent []string
	for _, addr := range addrs {
		st, err := c.askStatus(c.ctx, addr)
		switch {
		case err != nil:
			silent = append(silent, err.Error())
		case st.Node != c.node && c.addr != "":
			return nil, changeAnswer{}, c.conflict("wrong_node", "%s is the address of %s", "name the address of NODE", addr, st.Node)
		case st.Node != c.node:
			silent = append(silent, fmt.Sprintf("%s is the address of %s", addr, st.Node))
		case found != nil && found.Server != st.Server:
			return nil, changeAnswer{}, c.conflict("two_nodes", "%s answers as %s and as %s", "stop one of them", st.Node, found.Server, st.Server)
		default:
			c.peers.note(st, addr, time.Now())
			found = &located{st, addr}
		}
	}
	if found != nil {
		return found, changeAnswer{}, nil
	}
	if len(addrs) == 0 {
		return nil, changeAnswer{}, c.refuse(http.StatusBadRequest, "no_address", "no address of %s is known",
			"name the address of its cluster port", c.node)
	}
	return nil, changeAnswer{Node: c.node, Step: stepWaiting, Message: fmt.Sprintf("%s does not answer: %s", c.node, strings.Join(silent, "; "))}, nil
}

func (c *change) voter() (raft.Server, bool) {
	i := slices.IndexFunc(c.own, func(s raft.Server) bool { return s.Suffrage == raft.Voter })
	if i < 0 {
		return raft.Server{}, false
	}
	return c.own[i], true
}

// voters lists the voters without one.
func (c *change) voters(without raft.ServerID) (list []string) {
	for _, s := range c.servers {
		if s.Suffrage == raft.Voter && s.ID != without {
			list = append(list, string(s.ID))
		}
	}
	return list
}

func ids(servers []raft.Server) (list []string) {
	for _, s := range servers {
		list = append(list, string(s.ID))
	}
	return list
}

func (c *change) done(server, message string, args ...any) changeAnswer {
	return changeAnswer{Node: c.node, Server: server, Step: stepDone, Done: true, Message: fmt.Sprintf(message, args...)}
}

func (c *change) changed(server, message string, args ...any) changeAnswer {
	return changeAnswer{Node: c.node, Server: server, Step: stepChanged, Message: fmt.Sprintf(message, args...)}
}

func (c *change) refuse(status int, code, message, hint string, args ...any) error {
	return &ingest.RefusedError{Status: status, Code: code, Message: fmt.Sprintf(message, args...), Hint: strings.ReplaceAll(hint, "NODE", c.node)}
}

func (c *change) conflict(code, message, hint string, args ...any) error {
	return c.refuse(http.StatusConflict, code, message, hint, args...)
}

// changeError makes everything that ends with leadership a question to the next leader: asking again changes nothing twice.
func changeError(err error) error {
	for _, gone := range []error{
		raft.ErrNotLeader, raft.ErrLeadershipLost, raft.ErrLeadershipTransferInProgress, raft.ErrRaftShutdown, raft.ErrEnqueueTimeout, raft.ErrAbortedByRestore,
	} {
		if errors.Is(err, gone) {
			return fmt.Errorf("%w: %w", raftfsm.ErrNotLeader, err)
		}
	}
	if err != nil {
		return fmt.Errorf("gapless: changing the membership: %w", err)
	}
	return nil
}
