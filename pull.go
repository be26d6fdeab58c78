package gapless

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/raftfsm/port"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/segment/shelf"
)

// maxRange bounds what one call of opSegment or opFloor answers with.
const maxRange = 1 << 20

type rangeHead struct {
	Name   string `json:"name"` // of the segment, or hash of the floor
	Offset int64  `json:"offset"`
	Bytes  int    `json:"bytes"`
}

func (h *rangeHead) check() error {
	if h.Bytes < 0 || h.Bytes > maxRange || h.Offset < 0 {
		return fmt.Errorf("gapless: range of %d bytes at %d is out of bounds", h.Bytes, h.Offset)
	}
	return nil
}

// pull fetches missing segments from the other members until Close.
func (n *Node) pull() {
	if err := n.shelf.Pull(n.ctx, n.fetchSegment, n.pullPeers); err != nil && n.ctx.Err() == nil {
		n.fail(fmt.Errorf("gapless: pulling segments: %w", err))
	}
}

// pullPeers lists the members that reported a floor, which have every segment of it, before those that did not.
func (n *Node) pullPeers() (list []string) {
	var others []string
	n.state.View(func(v raftfsm.View) {
		for _, m := range v.Members.All() {
			if m.Server == n.id.server() {
				continue
			}
			if _, ok := v.Floors.Newest(m.Server); ok {
				list = append(list, m.Server)
			} else {
				others = append(others, m.Server)
			}
		}
	})
	return append(list, others...)
}

// fetchSegment asks one member for a range of a segment.
func (n *Node) fetchSegment(ctx context.Context, server string, name segment.Name, offset int64, size int) ([]byte, error) {
	out, err := n.fetchRange(ctx, server, opSegment, rangeHead{name.String(), offset, size})
	var remote *port.RemoteError
	if errors.As(err, &remote) && remote.Text == shelf.ErrNotHere.Error() {
		return nil, shelf.ErrNotHere
	}
	return out, err
}

// fetchRange asks a member for bytes; the answer is these and nothing else.
func (n *Node) fetchRange(ctx context.Context, server string, op byte, head rangeHead) ([]byte, error) {
	addr, ok := n.addrOf(raft.ServerID(server))
	if !ok {
		return nil, fmt.Errorf("gapless: no address of %s is known", server)
	}
	payload, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, n.cfg.RequestTimeout)
	defer cancel()
	return n.port.Call(ctx, port.JoinAddress(server, addr), op, payload)
}

// serveSegment answers fetchSegment.
func (n *Node) serveSegment(payload []byte) ([]byte, error) {
	var head rangeHead
	if err := json.Unmarshal(payload, &head); err != nil {
		return nil, fmt.Errorf("gapless: head of a call: %w", err)
	}
	name, err := segment.ParseName(head.Name)
	if err != nil {
		return nil, err
	}
	if err := head.check(); err != nil {
		return nil, err
	}
	b, err := n.shelf.ReadRange(name, head.Offset, head.Bytes)
	if errors.Is(err, shelf.ErrNotHere) {
		return nil, shelf.ErrNotHere
	}
	return b, err
}
