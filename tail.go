package gapless

import (
	"context"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/query/tail"
	"github.com/gaplessdb/gapless/raftfsm"
)

// maxTails is how many connections may follow. They stay: others get half of the places.
const maxTails = 256

// tailing gives tails the states of this node, and commits for their consumers.
type tailing struct{ *Node }

// Consumers implements tail.Source.
func (t tailing) Consumers(fn func(*tail.Consumers)) {
	t.state.View(func(v raftfsm.View) { fn(v.Section(tail.SectionName).(*tail.Consumers)) })
}

// ProposeCommand implements tail.Proposer.
func (t tailing) ProposeCommand(ctx context.Context, kind uint16, version uint8, body []byte) (frame.Position, []byte, error) {
	pos, result, err := t.Node.ProposeCommand(ctx, kind, version, body)
	if err != nil {
		err = adminError(err)
	}
	return pos, result, err
}

// openTail builds the tails and takes their routes.
func (n *Node) openTail() (err error) {
	n.tail, err = tail.New(tailing{n}, opener{n}, tailing{n}, tail.Options{
		Deadline: n.cfg.RequestTimeout, Metrics: n.cfg.Registerer, MaxReaders: min(maxTails, max(1, n.files.clients/2)),
	})
	if err != nil {
		return err
	}
	for _, r := range n.tail.Routes() {
		n.routes = append(n.routes, queryRoute(r))
	}
	return nil
}

// closeTail ends them: the server does not know their connections any more.
func (n *Node) closeTail() error {
	if n.tail == nil {
		return nil
	}
	return n.tail.Close()
}
