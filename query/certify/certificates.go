package certify

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/proof/certificate"
)

// certificateRequest is the body of POST /v1/certificates.
type certificateRequest struct {
	Devices []string `json:"devices"`
	Prefix  *string  `json:"prefix"`
	Match   []string `json:"match"` // labels, as in questions
	Stream  *string  `json:"stream"`
	Epochs  []uint32 `json:"epochs"`
	Seq     []uint64 `json:"seq"`   // first and last number
	Time    []string `json:"time"`  // from, to (excluded): RFC 3339
	Since   []int64  `json:"since"` // sizes of earlier checkpoints to prove consistency with
}

// maxRequestBytes bounds the body of a request.
const maxRequestBytes = 8 << 20

// certificate is POST /v1/certificates.
func (a *API) certificate(ctx *fasthttp.RequestCtx, who auth.Principal) error {
	body, err := readBody(ctx)
	if err != nil {
		return err
	}
	format := string(ctx.QueryArgs().Peek("format"))
	if format != "" && format != "json" && format != "html" && format != "tar" {
		return badParameter("format", format, "json, html or tar")
	}
	at := string(ctx.QueryArgs().Peek("at"))
	if at != "" && at != "now" && at != "newest" {
		return badParameter("at", at, "now: everything acknowledged until now, or newest: as of the newest census")
	}
	segments := string(ctx.QueryArgs().Peek("segments"))
	if segments != "" && (segments != "true" || format != "tar") {
		return badParameter("segments", segments, "true, and format=tar")
	}
	if segments != "" && !who.Scopes.Has(auth.Admin) { // a segment has frames of every tenant
		return refuse(http.StatusForbidden, "forbidden", "take the certificate without segments, or use a token with the scope admin", "%s may not read whole segments", who.ID)
	}
	req, err := a.request(body, who.Tenant)
	if err != nil {
		return err
	}
	select {
	case a.turns <- struct{}{}:
		defer func() { <-a.turns }()
	default:
		return refuse(http.StatusTooManyRequests, "overloaded", "wait for one of them", "%d certificates are being made", a.opt.AtOnce)
	}
	c, err := a.make(who.Tenant, at != "newest", req)
	if err != nil {
		return a.late(err)
	}
	ctx.Response.Header.Set("X-Gapless-Verdict", c.Verdict)
	switch format {
	case "html":
		return a.page(ctx, c)
	case "tar":
		return a.bundleOf(ctx, c, segments == "true")
	}
	b, err := c.Encode()
	if err != nil {
		return err
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(b)
	return nil
}

// readBody takes the body before anything is refused: what is left of one would be the next request of the connection.
func readBody(ctx *fasthttp.RequestCtx) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(bodyOf(ctx), maxRequestBytes+1))
	switch {
	case err != nil:
		ctx.SetConnectionClose()
		return nil, refuse(http.StatusBadRequest, "bad_body", "send it again", "the body could not be read: %v", err)
	case len(body) > maxRequestBytes:
		ctx.SetConnectionClose()
		return nil, refuse(http.StatusRequestEntityTooLarge, "body_too_large", "use a prefix or labels", "the body has more than %d bytes", maxRequestBytes)
	}
	return body, nil
}

// request reads the body, and chooses devices by their labels.
func (a *API) request(body []byte, tenant string) (req certificate.Request, err error) {
	var q certificateRequest
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&q); err != nil {
		return req, refuse(http.StatusBadRequest, "bad_body", `send {"devices": ["press-1"]}, or prefix, or match; docs/http-api.md has all members`, "the body is no request: %v", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return req, refuse(http.StatusBadRequest, "bad_body", "send one JSON object", "something follows the request")
	}
	req = certificate.Request{Since: q.Since, Leaves: a.opt.MaxLeaves, Scope: certificate.Scope{
		Tenant: tenant, Devices: q.Devices, Prefix: q.Prefix, Match: q.Match, Stream: q.Stream, Epochs: q.Epochs, Seq: q.Seq, Time: q.Time,
	}}
	if len(q.Match) > 0 {
		req.Scope.Devices, err = a.matched(&q, tenant)
	}
	return req, err
}

// matched lists the devices that have the labels.
func (a *API) matched(q *certificateRequest, tenant string) ([]string, error) {
	if len(q.Devices) > 0 || q.Prefix != nil {
		return nil, refuse(http.StatusBadRequest, "bad_body", "choose devices by one of them", "match stands beside devices or prefix")
	}
	list, err := a.node.Devices(tenant, q.Match, a.opt.MaxDevices+1)
	switch {
	case err != nil:
		return nil, err
	case len(list) == 0:
		return nil, refuse(http.StatusNotFound, "unknown_device", "GET /v1/devices?match=... lists them", "no device has these labels")
	case len(list) > a.opt.MaxDevices:
		return nil, refuse(http.StatusUnprocessableEntity, "limit", "use a prefix, or more labels", "more than %d devices have these labels", a.opt.MaxDevices)
	}
	return list, nil
}

// make seals, if everything until now is wanted, and builds.
func (a *API) make(tenant string, now bool, req certificate.Request) (*certificate.Certificate, error) {
	ctx, cancel := a.within()
	defer cancel()
	if now {
		if err := a.node.Seal(ctx); err != nil {
			return nil, err
		}
	}
	if _, _, err := a.newest(); err != nil {
		return nil, err
	}
	src, release, err := a.node.Source(ctx, tenant)
	if err != nil {
		return nil, err
	}
	defer release()
	c, err := certificate.Build(src, req)
	if errors.Is(err, certificate.ErrScope) {
		return nil, refuse(http.StatusBadRequest, "bad_scope", "docs/http-api.md has what a scope may be", "%v", err)
	}
	return c, err
}

// bodyOf is the body of a request, however long.
func bodyOf(ctx *fasthttp.RequestCtx) io.Reader {
	if s := ctx.RequestBodyStream(); s != nil {
		return s
	}
	return bytes.NewReader(ctx.Request.Body())
}
