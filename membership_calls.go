package gapless

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/raftfsm/port"
)

// Operations between nodes about the membership (docs/format/command.md).
const (
	opNote   byte = 20 // what is noted of my disk?
	opChange byte = 21 // change the membership
)

// answerMembership serves the calls about the membership.
func (n *Node) answerMembership(ctx context.Context, op byte, payload []byte) (any, error) {
	switch op {
	case opNote:
		var e entrant
		if _, err := splitHead(payload, &e); err != nil {
			return nil, err
		}
		return n.testify(&e)
	case opChange:
		var req changeRequest
		if _, err := splitHead(payload, &req); err != nil {
			return nil, err
		}
		return n.changeHere(ctx, req)
	}
	return nil, fmt.Errorf("gapless: unknown operation %d: the asking node is newer than this one", op)
}

// askNote asks whoever listens at an address who it is, and then what it knows of this node's disk.
func (n *Node) askNote(ctx context.Context, addr string, e *entrant) (t testimony, err error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	if t.Status, err = n.askStatus(ctx, addr); err != nil || t.Status.Server == e.Server {
		return t, err
	}
	payload, err := joinHead(e, nil)
	if err != nil {
		return t, err
	}
	return t, n.call(ctx, port.JoinAddress(t.Status.Server, addr), opNote, payload, &t)
}

// changeMembership makes a change wherever the leader is, and returns how far it got.
func (n *Node) changeMembership(ctx context.Context, req changeRequest) (a changeAnswer, err error) {
	err = n.atLeader(ctx, func(ctx context.Context, leader string) (err error) {
		if leader == "" {
			a, err = n.changeHere(ctx, req)
			return err
		}
		payload, err := joinHead(req, nil)
		if err != nil {
			return err
		}
		err = n.call(ctx, leader, opChange, payload, &a)
		if errors.Is(err, raftfsm.ErrUnknown) { // a change can be asked for again
			return fmt.Errorf("%w: %w", raftfsm.ErrNotLeader, err)
		}
		return err
	})
	return a, err
}

// membershipRoutes change who belongs to the cluster.
func (n *Node) membershipRoutes() (routes []route) {
	for _, op := range []string{opJoin, opPromote, opRemove, opReplace} {
		routes = append(routes, newRoute("POST", "/v1/cluster/members/{node}/"+op, auth.Admin, func(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
			return n.postChange(ctx, op)
		}))
	}
	return routes
}

// postChange answers 200 when a change is done, and 202 with how far it got when the same request should be sent again.
func (n *Node) postChange(ctx *fasthttp.RequestCtx, op string) error {
	req := changeRequest{Op: op, Node: fmt.Sprint(ctx.UserValue("node"))}
	raw, err := adminBody(ctx)
	if err != nil {
		return err
	}
	if len(raw) > 0 {
		var body struct {
			Address string `json:"address"`
		}
		if err := json.Unmarshal(raw, &body); err != nil {
			return &httpError{http.StatusBadRequest, "bad_json", err.Error(), `send {"address":"HOST:PORT"} or nothing`}
		}
		req.Address = body.Address
	}
	if !validNode(req.Node) {
		return &httpError{http.StatusBadRequest, "bad_node", fmt.Sprintf("%q is no name of a node", req.Node), "a name has 1 to 64 characters from a-z, 0-9 and '-'"}
	}
	if req.Address != "" && !validAddress(req.Address) {
		return &httpError{
			http.StatusBadRequest, "bad_address", fmt.Sprintf("%q is not an address that others can reach", req.Address), "give the host:port of the node's cluster port",
		}
	}
	a, err := n.changeMembership(n.ctx, req)
	if err != nil {
		return adminError(err)
	}
	if err := writeJSON(ctx, a); err != nil {
		return err
	}
	if !a.Done {
		ctx.SetStatusCode(http.StatusAccepted)
	}
	return nil
}
