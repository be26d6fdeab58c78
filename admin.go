package gapless

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime/pprof"
	"slices"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/pprofhandler"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/docs"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/gaplessdb/gapless/ingest/influx"
	"github.com/gaplessdb/gapless/raftfsm"
)

// adminRoutes are the node's own: cluster, policy, health and metrics.
func (n *Node) adminRoutes() []route {
	routes := []route{
		newRoute("GET", "/v1/cluster", auth.Read, n.getCluster),
		newRoute("POST", "/v1/cluster/transfer", auth.Admin, n.postTransfer),
		newRoute("POST", "/v1/cluster/raise", auth.Admin, n.postRaise),
		newRoute("GET", "/metrics", auth.Read, n.serveMetrics()).taking("name[]"),
		newRoute("GET", "/debug/pprof/{profile}", auth.Admin, n.getProfile).taking("seconds", "debug", "gc"),
	}
	routes = append(routes, n.policyRoutes()...)
	routes = append(routes, n.proofRoutes()...)
	routes = append(routes, n.storageRoutes()...)
	routes = append(routes, n.mergeRoutes()...)
	routes = append(routes, n.membershipRoutes()...)
	for path, handle := range map[string]func(*fasthttp.RequestCtx, auth.Principal) error{
		"/healthz": n.getHealth, "/readyz": n.getReady, "/openapi.yaml": getOpenAPI,
	} {
		r := newRoute("GET", path, 0, handle)
		r.open = true
		routes = append(routes, r)
	}
	return routes
}

// clusterAnswer is GET /v1/cluster.
type clusterAnswer struct {
	Node            string         `json:"node"`
	Cluster         string         `json:"cluster"`
	ClusterID       string         `json:"cluster_id"`
	Version         string         `json:"version"`
	State           string         `json:"state"`
	Term            uint64         `json:"term"`
	Leader          *leaderAnswer  `json:"leader"`
	CommitIndex     uint64         `json:"commit_index"`
	AppliedIndex    uint64         `json:"applied_index"`
	LastIndex       uint64         `json:"last_index"`
	History         uint64         `json:"history"`
	ClusterVersion  int            `json:"cluster_version"`
	Clock           raftfsm.Clock  `json:"clock"`
	RecorderDropped uint64         `json:"recorder_dropped"`
	Members         []memberAnswer `json:"members"`
}

type leaderAnswer struct {
	Node string `json:"node"`
	ID   string `json:"id"`
	HTTP string `json:"http"`
}

func (n *Node) getCluster(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	own := n.ownStatus()
	a := clusterAnswer{
		Node: n.cfg.Node, Cluster: n.cfg.Cluster, Version: n.cfg.Version, State: own.State, Term: own.Term,
		CommitIndex: own.Commit, AppliedIndex: own.Applied, LastIndex: own.LastIndex,
	}
	n.state.View(func(v raftfsm.View) {
		a.ClusterID, a.History, a.ClusterVersion, a.Clock = v.Members.ClusterID(), v.Members.History(), v.Members.Version(), v.Clock
		a.RecorderDropped = v.RecorderDropped
	})
	a.Members = n.memberAnswers()
	leader := n.leaderServer()
	for _, m := range a.Members {
		if m.Server == leader && m.HTTP != "" {
			a.Leader = &leaderAnswer{m.Node, m.Server, m.HTTP}
		}
	}
	return writeJSON(ctx, a)
}

// leaderServer is the Raft server id of the leader this node knows, "" for none.
func (n *Node) leaderServer() string {
	r := n.raft()
	if r == nil {
		return ""
	}
	_, id := r.LeaderWithID()
	return string(id)
}

// leaderHTTP is the leader's HTTP address as a URL, "" when it is not known.
func (n *Node) leaderHTTP() string {
	leader, addr := n.leaderServer(), ""
	n.state.View(func(v raftfsm.View) {
		for _, m := range v.Members.All() {
			if m.Server == leader {
				addr = "http://" + m.HTTP
			}
		}
	})
	return addr
}

func (n *Node) postTransfer(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	var body struct {
		To string `json:"to"`
	}
	raw, err := adminBody(ctx)
	if err != nil {
		return err
	}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &body); err != nil {
			return &httpError{http.StatusBadRequest, "bad_json", err.Error(), `send {"to":"NODE"} or nothing`}
		}
	}
	if err := n.transfer(body.To); err != nil {
		return adminError(err)
	}
	return writeJSON(ctx, map[string]string{"status": "handed over"})
}

// maxAdminBody bounds the body of the node's own routes.
const maxAdminBody = 1 << 20

func adminBody(ctx *fasthttp.RequestCtx) ([]byte, error) {
	stream := ctx.RequestBodyStream()
	if stream == nil {
		return append([]byte(nil), ctx.PostBody()...), nil
	}
	body, err := io.ReadAll(io.LimitReader(stream, maxAdminBody+1))
	if err != nil || len(body) > maxAdminBody {
		ctx.SetConnectionClose() // what is left of it would be the next request
	}
	if err != nil {
		return nil, &httpError{http.StatusBadRequest, "bad_body", err.Error(), "send the whole body"}
	}
	if len(body) > maxAdminBody {
		return nil, &httpError{http.StatusRequestEntityTooLarge, "body_too_large", fmt.Sprintf("the body is larger than %d bytes", maxAdminBody), "send only what the path takes"}
	}
	return body, nil
}

// getHealth says that the process answers and its state still applies commands. A node whose storage failed has no process any more.
func (n *Node) getHealth(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	if err := n.state.Halted(); err != nil {
		return &httpError{http.StatusServiceUnavailable, "halted", err.Error(), "the node applies nothing more: look into its log"}
	}
	return writeJSON(ctx, map[string]string{"status": "ok"})
}

// getReady says that this node takes frames: it is in its cluster, knows a leader, and has applied what was committed.
func (n *Node) getReady(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	if err := n.ready(); err != nil {
		return err
	}
	return writeJSON(ctx, map[string]string{"status": "ready"})
}

// ready is nil when this node takes frames, else why not.
func (n *Node) ready() error {
	if why := *n.waiting.Load(); why != "" {
		return &httpError{http.StatusServiceUnavailable, "not_ready", why, ""}
	}
	if err := n.caughtUp(context.Background()); err != nil {
		return &httpError{http.StatusServiceUnavailable, "not_ready", err.Error(), "wait until the cluster has a leader and this node has caught up"}
	}
	if missing := n.shelf.Missing(); len(missing) > 0 {
		return &httpError{http.StatusServiceUnavailable, "not_ready", fmt.Sprintf("%d segments are missing here", len(missing)), "they are being pulled: see `gapless ctl storage`"}
	}
	return nil
}

// getOpenAPI gives the description of this API, that of the release which runs.
func getOpenAPI(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	ctx.SetContentType("application/yaml")
	ctx.SetBodyString(docs.OpenAPI)
	return nil
}

// profileHandlers are those that are not kept by the runtime.
var profileHandlers = []string{"cmdline", "profile", "symbol", "trace"}

// getProfile serves Go's profiles (profile, heap, goroutine, ...).
func (n *Node) getProfile(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	name, _ := ctx.UserValue("profile").(string)
	if pprof.Lookup(name) == nil && !slices.Contains(profileHandlers, name) {
		return &httpError{http.StatusNotFound, "unknown_profile", fmt.Sprintf("there is no profile %.100q", name), "heap, goroutine, profile and trace are some that there are"}
	}
	pprofhandler.PprofHandler(ctx)
	return nil
}

// ReloadTokens reads the token file again; on an error the old tokens stay.
func (n *Node) ReloadTokens() error { return n.tokens.Reload() }

// balanceB is the balance of this node's listeners (design: received = the sum of what became of it).
func (n *Node) balanceB() any {
	return []map[string]any{
		{"node": n.cfg.Node, "listener": n.ingest.Listener(), "counts": n.ingest.Counters().Snapshot()},
		{"node": n.cfg.Node, "listener": n.influx.Listener(), "counts": n.influx.Counters().Snapshot()},
	}
}

func (n *Node) ingestOptions() ingest.Options {
	return ingest.Options{
		Node: n.cfg.Node, Listener: "http",
		MaxBodyBytes: n.cfg.MaxBodyBytes, MaxUnpackedBytes: n.cfg.MaxUnpackedBytes, MaxInflightBytes: n.cfg.MaxInflightBytes,
		Timeout: n.cfg.RequestTimeout, Metrics: n.cfg.Registerer, Clock: n.cfg.Clock, Devices: n.devices, Notary: notary{n},
	}
}

// influxOptions say how lines become frames.
func (n *Node) influxOptions() influx.Options {
	return influx.Options{
		DeviceTag: n.cfg.LineDeviceTag, SeqField: n.cfg.LineSeqField, EpochField: n.cfg.LineEpochField, DatabaseField: n.cfg.LineDBField,
		Version: n.cfg.Version, Ready: n.ready,
	}
}

func writeJSON(ctx *fasthttp.RequestCtx, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("gapless: encoding the answer: %w", err)
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(append(b, '\n'))
	return nil
}
