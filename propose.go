package gapless

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/raftfsm/port"
)

// How long a request that found no leader waits before it looks again, and how long it may go on without one before the client is
// told: at least so long, and so many heartbeats. A fail-over takes about 2.3 of them.
const (
	lookAgain   = 20 * time.Millisecond
	retryAfter  = time.Second
	leaderWaits = 3 * time.Second
	leaderBeats = 6
)

// Append commits a client batch (package frame) and returns after commit and apply. It is what POST /v1/frames calls.
func (n *Node) Append(ctx context.Context, req ingest.Request) (ingest.Result, error) {
	return n.ProposeFrames(ctx, req)
}

// ProposeFrames implements ingest.Proposer: here when this node leads, else at the leader.
func (n *Node) ProposeFrames(ctx context.Context, req ingest.Request) (ingest.Result, error) {
	part := &raftfsm.Part{Tenant: req.Tenant, Key: req.Key, Sum: req.BodySHA256, Batch: req.Batch}
	var result raftfsm.PartResult
	err := n.atLeader(ctx, func(ctx context.Context, leader string) (err error) {
		if leader == "" {
			result, err = n.proposeHere(ctx, part)
			return err
		}
		deadline, _ := ctx.Deadline()
		head := framesHead{Tenant: part.Tenant, Key: part.Key, Sum: part.Sum[:], TimeoutMS: time.Until(deadline).Milliseconds()}
		payload, err := joinHead(head, part.Batch)
		if err != nil {
			return err
		}
		return n.call(ctx, leader, opFrames, payload, &result)
	})
	if err != nil {
		return ingest.Result{}, err
	}
	return ingestResult(&result, part.Key), nil
}

func ingestResult(r *raftfsm.PartResult, key string) ingest.Result {
	out := ingest.Result{
		Position: r.Position, Accepted: r.Accepted, Duplicate: r.Duplicate, Conflict: r.Conflict, Unverified: r.Unverified,
		Rejected: r.Rejected, Replayed: r.Replayed, AtLeastOnce: r.Unnumbered > 0 && key == "",
	}
	for _, refusal := range r.Refused {
		for n := refusal.First; n <= refusal.Last; n++ {
			out.Refused = append(out.Refused, ingest.Refusal{Ordinal: n, Code: refusal.Code, Message: refusalMessage(refusal.Code)})
		}
	}
	return out
}

// ProposeCommand implements ingest.Proposer for everything that is not a batch.
func (n *Node) ProposeCommand(ctx context.Context, kind uint16, version uint8, body []byte) (frame.Position, []byte, error) {
	var a commandAnswer
	err := n.atLeader(ctx, func(ctx context.Context, leader string) (err error) {
		if leader == "" {
			a, err = n.commandHere(kind, version, body)
			return err
		}
		if origins[kind] == byLeader { // this node led a moment ago
			return fmt.Errorf("command %d is for the leader to make, and that is another node now", kind)
		}
		payload, err := joinHead(commandHead{kind, version, body}, nil)
		if err != nil {
			return err
		}
		return n.call(ctx, leader, opCommand, payload, &a)
	})
	return a.Position, a.Result, err
}

// proposeHere commits a part on this node, which must lead, and settles its old duplicates.
func (n *Node) proposeHere(ctx context.Context, part *raftfsm.Part) (raftfsm.PartResult, error) {
	result, err := n.proposer.Propose(ctx, part)
	if err != nil {
		return result, err
	}
	n.settle(ctx, &result)
	return result, nil
}

// errFlushing refuses a command behind which a flush point lies while a head waits to be flushed: a third sealed one would make apply wait.
var errFlushing = &ingest.RefusedError{
	Status: http.StatusTooManyRequests, Code: "flush_under_way", Message: "another flush is under way", Hint: "wait until `gapless ctl storage` shows no sealed head",
}

// overdueBehind is the Pressure at which a cut that is overdue is still committed: one head waits to be flushed, and it makes the second.
const overdueBehind = 1

// commandHere commits a command on this node, which must lead.
func (n *Node) commandHere(kind uint16, version uint8, body []byte) (commandAnswer, error) {
	return n.commandBehind(0, kind, version, body)
}

// commandBehind is commandHere of a command whose flush point may come at a Pressure.
func (n *Node) commandBehind(pressure int, kind uint16, version uint8, body []byte) (commandAnswer, error) {
	if n.proposer.Term() == 0 {
		return commandAnswer{}, raftfsm.ErrNotLeader
	}
	if err := n.state.Supports(kind, version); err != nil {
		return commandAnswer{}, refusedError(err)
	}
	if kind == raftfsm.KindFlush || kind == proof.KindCut {
		if err := n.flushing.take(n.ctx); err != nil {
			return commandAnswer{}, fmt.Errorf("%w: %w", raftfsm.ErrNotLeader, err)
		}
		defer n.flushing.give()
		if n.state.Pressure() > pressure {
			return commandAnswer{}, errFlushing
		}
	}
	if ledgerKind(kind) && n.state.Pressure() > 2 { // as for frames
		return commandAnswer{}, raftfsm.ErrOverloaded
	}
	result, err := n.proposer.Command(kind, version, body)
	if err != nil {
		return commandAnswer{}, err
	}
	if result.Err != nil {
		return commandAnswer{}, refusedError(result.Err)
	}
	return commandAnswer{Position: result.Position, Result: result.JSON}, nil
}

// ledgerKind reports whether a command is what devices say of their counters, which may come as often as frames do.
func ledgerKind(kind uint16) bool { return kind >= ledger.KindHeartbeat && kind <= ledger.KindVerdict }

// refusedError turns what a section refused into the client's answer.
func refusedError(err error) error {
	var refused *raftfsm.RefusedError
	if errors.As(err, &refused) {
		status := http.StatusBadRequest
		switch {
		case refused.Code == "unknown_command":
			status = http.StatusNotImplemented
		case refused.Conflict:
			status = http.StatusConflict
		}
		return &ingest.RefusedError{Status: status, Code: refused.Code, Message: refused.Message, Hint: refused.Hint}
	}
	var command *ledger.CommandError
	if errors.As(err, &command) {
		return &ingest.RefusedError{Status: http.StatusUnprocessableEntity, Code: command.Code, Message: command.Message, Hint: command.Hint}
	}
	return &ingest.RefusedError{Status: http.StatusUnprocessableEntity, Code: "refused", Message: err.Error()}
}

// atLeader runs try where the log grows: leader is "" on the leader itself, else its cluster address. While nothing was proposed
// (no leader, another leader, another term) it looks again until the context ends.
func (n *Node) atLeader(ctx context.Context, try func(ctx context.Context, leader string) error) error {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.RequestTimeout)
	defer cancel()
	giveUp := time.Now().Add(max(leaderWaits, leaderBeats*n.cfg.Heartbeat))
	for {
		err := raftfsm.ErrNotLeader
		if addr, ok := n.leaderAddr(); ok {
			err = try(ctx, addr)
		}
		if !errors.Is(err, raftfsm.ErrNotLeader) && !errors.Is(err, raftfsm.ErrStale) {
			return n.clientError(err)
		}
		if time.Now().After(giveUp) {
			return &ingest.NoLeaderError{Leader: n.leaderHTTP()}
		}
		select {
		case <-time.After(lookAgain):
		case <-ctx.Done():
			return &ingest.NoLeaderError{Leader: n.leaderHTTP()}
		}
	}
}

// clientError names the classes of faults that a door knows how to answer.
func (n *Node) clientError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raftfsm.ErrOverloaded):
		return &ingest.OverloadError{RetryAfter: retryAfter}
	case errors.Is(err, raftfsm.ErrUnknown):
		return &ingest.OutcomeUnknownError{}
	case errors.Is(err, raftfsm.ErrKeyMismatch):
		return &ingest.RefusedError{
			Status: http.StatusUnprocessableEntity, Code: "idempotency_mismatch",
			Message: "this Idempotency-Key was used for another body", Hint: "use a new key for new frames",
		}
	}
	var refused *ingest.RefusedError
	if errors.As(err, &refused) {
		return refused
	}
	return fmt.Errorf("gapless: proposing: %w", err)
}

// leaderAddr is the leader's cluster address, "" when that is this node.
func (n *Node) leaderAddr() (addr string, ok bool) {
	r := n.raft()
	if r == nil {
		return "", false
	}
	if n.proposer.Term() != 0 {
		return "", true
	}
	leader, id := r.LeaderWithID()
	if leader == "" || string(id) == n.id.server() {
		return "", false // none, or ourselves before the term's barrier
	}
	if host, ok := n.addrOf(id); ok {
		return port.JoinAddress(string(id), host), true
	}
	return "", false
}
