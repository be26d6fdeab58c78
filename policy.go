package gapless

import (
	"net/http"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/raftfsm"
)

// policyRoutes read and change the replicated settings.
func (n *Node) policyRoutes() []route {
	return []route{
		newRoute("GET", "/v1/policy", auth.Read, n.getPolicy),
		newRoute("PUT", "/v1/policy", auth.Admin, n.putPolicy).taking("note"),
		newRoute("GET", "/v1/policy/history", auth.Read, n.getPolicyHistory).taking("limit"),
	}
}

// policy is what is in force, with every default, and the cluster version that says which settings there are.
func (n *Node) policy() (p raftfsm.Policy, clusterVersion int) {
	n.state.View(func(v raftfsm.View) { p, clusterVersion = v.Policy, v.Members.Version() })
	if clusterVersion >= 2 {
		p.Merge = p.Merge.WithDefaults()
	}
	if clusterVersion >= 3 {
		p.Seal = p.Seal.WithDefaults()
	}
	return p, clusterVersion
}

func (n *Node) getPolicy(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	p, _ := n.policy()
	return writeJSON(ctx, p)
}

// putPolicy replaces the policy. ?note= says why; it stays in the history.
func (n *Node) putPolicy(ctx *fasthttp.RequestCtx, p auth.Principal) error {
	text, err := adminBody(ctx)
	if err != nil {
		return err
	}
	if err := n.upToDate(n.ctx); err != nil {
		return err
	}
	_, clusterVersion := n.policy()
	note := string(ctx.QueryArgs().Peek("note"))
	if note != "" && clusterVersion < 2 {
		return &httpError{http.StatusConflict, "cluster_version", "the cluster is at version 1, which keeps no notes",
			"leave the note out, or upgrade every node and run `gapless ctl cluster raise`"}
	}
	body, version, err := raftfsm.PolicyCommand(clusterVersion, text, p.ID, note)
	if err != nil {
		return adminError(refusedError(err))
	}
	_, out, err := n.ProposeCommand(n.ctx, raftfsm.KindPolicy, version, body)
	if err != nil {
		return adminError(err)
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(append(out, '\n'))
	return nil
}
