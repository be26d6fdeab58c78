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
	if _, err := n.seal(); err != nil {
		return err
	}
	return writeJSON(ctx, n.sealer.Status())
}

// seal ends the open seal within the time of a request.
func (n *Node) seal() (proof.Look, error) {
	ctx, cancel := context.WithTimeout(n.ctx, sealPatience*n.cfg.RequestTimeout)
	defer cancel()
	if err := n.upToDate(ctx); err != nil { // or a cut that this node has not heard of yet would be taken for ours
		return proof.Look{}, err
	}
	look, err := n.sealer.Seal(ctx)
	var refused *proof.Refusal
	switch {
	case errors.As(err, &refused):
		return look, &httpError{http.StatusConflict, refused.Code, refused.Message, refused.Hint}
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

var errNoProof = &httpError{http.StatusConflict, "cluster_version", "the cluster version in force has no proof", "upgrade every node, then run `gapless ctl cluster raise`"}

// sealPatience is how many times the patience for a request a seal may take: it waits for a flush on a majority.
const sealPatience = 3

// keysAnswer is GET /v1/proof/keys.
type keysAnswer struct {
	Node   string      `json:"node"` // that was asked
	VKey   string      `json:"vkey"` // with which it signs; the cluster takes that once it is among Keys
	Origin string      `json:"origin"`
	Keys   []proof.Key `json:"keys"` // every one that ever was, the oldest first
}

func (n *Node) getProofKeys(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	look := (&proofCatalog{n}).Look()
	vkey, err := n.sealer.Key().VerifierKey(sign.CosignerName(sign.Origin(look.Cluster), n.cfg.Node))
	if err != nil {
		return err
	}
	a := keysAnswer{Node: n.cfg.Node, VKey: vkey.String(), Origin: look.Section.Origin(), Keys: []proof.Key{}}
	a.Keys = append(a.Keys, look.Section.Keys()...)
	return writeJSON(ctx, a)
}

// keysForDisks is how many keys the log has to have room for, so that a key is changed for no need.
const keysForDisks = 64

// postRotate is POST /v1/proof/keys/rotate: the node that is asked makes itself a new key.
func (n *Node) postRotate(ctx *fasthttp.RequestCtx, p auth.Principal) error {
	n.skipBody(ctx)
	look := (&proofCatalog{n}).Look()
	if err := mayRotate(look.Active, look.Section.KeysLeft()); err != nil {
		return err
	}
	if err := n.rotateProofKey(p.ID); err != nil {
		return adminError(err)
	}
	return n.getProofKeys(ctx, p)
}

// mayRotate refuses a new key that the log would not take: the old one is destroyed before the log is asked. left is how many more keys it takes.
func mayRotate(active bool, left int) error {
	switch {
	case !active:
		return errNoProof
	case left <= keysForDisks:
		return &httpError{http.StatusConflict, "proof_limit", fmt.Sprintf("the log takes %d more keys, which new disks may need", left), "keep the key"}
	}
	return nil
}
