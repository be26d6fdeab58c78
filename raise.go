package gapless

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/raftfsm"
)

// raiseAnswer is POST /v1/cluster/raise.
type raiseAnswer struct {
	From int `json:"from"`
	To   int `json:"to"` // the cluster version in force now
}

// postRaise ends an upgrade: it raises the cluster version, one at a time, to the newest that every member supports. Members of older releases
// cannot take part after that, which is why an operator decides when.
func (n *Node) postRaise(ctx *fasthttp.RequestCtx, p auth.Principal) error {
	n.skipBody(ctx)
	if err := n.upToDate(n.ctx); err != nil {
		return err
	}
	var a raiseAnswer
	newest := raftfsm.SupportedVersion
	var older []string
	n.state.View(func(v raftfsm.View) {
		a.From = v.Members.Version()
		for _, m := range v.Members.All() {
			newest = min(newest, m.Versions)
			if m.Versions < raftfsm.SupportedVersion {
				older = append(older, fmt.Sprintf("%s supports %d", m.Node, m.Versions))
			}
		}
	})
	if newest <= a.From && a.From < raftfsm.SupportedVersion {
		return &httpError{
			http.StatusConflict, "older_members", fmt.Sprintf("the cluster is at version %d, this node supports %d, but %s", a.From, raftfsm.SupportedVersion, strings.Join(older, " and ")),
			"upgrade every node first",
		}
	}
	for a.To = a.From; a.To < newest; a.To++ {
		body, err := raftfsm.RaiseCommand(a.To+1, p.ID)
		if err != nil {
			return err
		}
		if _, _, err := n.ProposeCommand(n.ctx, raftfsm.KindRaise, 1, body); err != nil {
			return adminError(err)
		}
	}
	n.log.Info("cluster version", "from", a.From, "to", a.To)
	return writeJSON(ctx, a)
}
