package gapless

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/proof/sign"
)

// proofRoutes show how far the proof is, end a seal, and change this node's key.
func (n *Node) proofRoutes() []route {
	return []route{
		newRoute("GET", "/v1/proof", auth.Read, n.getProof),
		newRoute("GET", "/v1/proof/keys", auth.Read, n.getProofKeys),
		newRoute("POST", "/v1/proof/seal", auth.Admin, n.postSeal),
		newRoute("POST", "/v1/proof/keys/rotate", auth.Admin, n.postRotate),
	}
}

func (n *Node) getProof(ctx *fasthttp.RequestCtx, p auth.Principal) error {
	return writeJSON(ctx, proofShownTo(p, n.sealer.Status()))
}

// proofShownTo leaves the names of streams out of a status that are another tenant's.
func proofShownTo(p auth.Principal, st proof.Status) proof.Status {
	for i := range st.Differences {
		if d := &st.Differences[i]; d.Key.Tenant != p.Tenant && !p.Scopes.Has(auth.Admin) {
			d.Stream, d.What = "", ""
		}
	}
	return st
}

// postSeal is POST /v1/proof/seal: the answer comes when a checkpoint has the census.
func (n *Node) postSeal(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	n.skipBody(ctx)
	if _, err := n.seal(n.ctx); err != nil {
		return err
	}
	return writeJSON(ctx, n.sealer.Status())
}

// seal ends the open seal within the time of a request.
func (n *Node) seal(ctx context.Context) (proof.Look, error) {
	ctx, cancel := context.WithTimeout(ctx, sealPatience*n.cfg.RequestTimeout)
	defer cancel()
	defer context.AfterFunc(n.ctx, cancel)()
	look, err := proof.Look{}, n.upToDate(ctx) // or a cut that this node has not heard of yet would be taken for ours
	if err == nil {
		look, err = n.sealer.Seal(ctx)
	}
	switch {
	case err != nil && n.ctx.Err() != nil:
		return look, errStopping
	case errors.Is(err, proof.ErrNoCensus):
		return look, &httpError{http.StatusConflict, "no_census", err.Error(), "end another seal; GET /v1/proof tells what the nodes found"}
	case errors.Is(err, proof.ErrInactive):
		return look, errNoProof
	case errors.Is(err, context.DeadlineExceeded):
		return look, &httpError{http.StatusGatewayTimeout, "deadline", err.Error(), "look at GET /v1/proof: a majority of the nodes has to count what is stored, and sign"}
	case err != nil:
		return look, adminError(err)
	}
	return look, nil
}

// errStopping is no word about the client, whose request ends because the node does.
var errStopping = &httpError{http.StatusServiceUnavailable, "not_ready", "this node is stopping", "ask another node"}

var errNoProof = &httpError{http.StatusConflict, "cluster_version", "the cluster version in force has no proof", "upgrade every node, then run `gapless ctl cluster raise`"}

// sealPatience is how many times the patience for a request a seal may take: it waits for a flush on a majority.
const sealPatience = 3

// keysAnswer is GET /v1/proof/keys.
type keysAnswer struct {
	Node      string      `json:"node"`                 // that was asked
	VKey      string      `json:"vkey"`                 // its newest, with which it signs once that is among Keys, and until then with the one before; "": it has had no vote yet
	VKeyError string      `json:"vkey_error,omitempty"` // why it cannot tell: the file is damaged, or cannot be read
	Origin    string      `json:"origin"`
	Keys      []proof.Key `json:"keys"` // every one that ever was, the oldest first
}

func (n *Node) getProofKeys(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	look := (&proofCatalog{n}).Look()
	a := keysAnswer{Node: n.cfg.Node, Origin: look.Section.Origin(), Keys: []proof.Key{}}
	key, made, err := n.sealer.NewestKey()
	switch {
	case err != nil: // who wants to know what to do needs the log's keys all the same
		a.VKeyError = err.Error()
	case made:
		vkey, err := key.VerifierKey(sign.CosignerName(sign.Origin(look.Cluster), n.cfg.Node))
		if err != nil {
			return err
		}
		a.VKey = vkey.String()
	}
	a.Keys = append(a.Keys, look.Section.Keys()...)
	return writeJSON(ctx, a)
}

// keysForDisks is how many keys the log has to have room for, so that a key is changed for no need.
const keysForDisks = 64

// postRotate is POST /v1/proof/keys/rotate: the node that is asked makes itself a new key.
func (n *Node) postRotate(ctx *fasthttp.RequestCtx, p auth.Principal) error {
	n.skipBody(ctx)
	look := (&proofCatalog{n}).Look()
	if err := mayRotate(look.Active, look.Section.KeysLeft(n.cfg.Node)); err != nil {
		return err
	}
	switch err := n.sealer.Rotate(p.ID); {
	case errors.Is(err, proof.ErrRotating):
		return &httpError{http.StatusConflict, "rotation_under_way", err.Error(), "GET /v1/proof/keys lists it once it has; a node without a vote has no key there"}
	case err != nil:
		return adminError(err)
	}
	return n.getProofKeys(ctx, p)
}

// mayRotate refuses a new key that the log would not take, or could not take for a new disk later. left is how many more of this node it takes.
func mayRotate(active bool, left int) error {
	switch {
	case !active:
		return errNoProof
	case left <= keysForDisks:
		return &httpError{http.StatusConflict, "proof_limit", fmt.Sprintf("the log takes %d more keys, which new disks may need", left), "keep the key"}
	}
	return nil
}
