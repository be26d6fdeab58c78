package certify

import (
	"bytes"
	"context"
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

	CountsOnly bool `json:"counts_only"` // no hashes of frames
}

// maxRequestBytes bounds the body of a request.
const maxRequestBytes = 8 << 20

// certificate is POST /v1/certificates.
func (a *API) certificate(ctx *fasthttp.RequestCtx, who auth.Principal) error {
	body, err := readBody(ctx)
	if err != nil {
		return err
	}
	f, err := formOf(ctx.QueryArgs(), who)
	if err != nil {
		return err
	}
	req, err := a.request(body, who.Tenant)
	if err != nil {
		return err
	}
	work, end := a.within(ctx)
	defer end()
	if err := a.turns.free(who); err != nil {
		return err
	}
	if f.now {
		if err := a.node.Seal(work); err != nil {
			return a.late(err)
		}
	}
	if _, _, err := a.newest(); err != nil {
		return err
	}
	give, err := a.turns.take(who) // what a seal waits for needs none
	if err != nil {
		return err
	}
	c, err := a.make(work, req)
	if err != nil {
		give()
		return err
	}
	ctx.Response.Header.Set("X-Gapless-Verdict", c.Verdict)
	return a.answer(ctx, c, f, give)
}

func refuseScope(err error) error {
	return refuse(http.StatusBadRequest, "bad_scope", "docs/http-api.md has what a scope may be", "%v", err)
}

func (a *API) make(ctx context.Context, req certificate.Request) (*certificate.Certificate, error) {
	c, err := a.node.Certify(ctx, req)
	switch {
	case errors.Is(err, certificate.ErrScope):
		return nil, refuseScope(err)
	case errors.Is(err, certificate.ErrLimit):
		return nil, refuse(http.StatusUnprocessableEntity, "limit", "ask for fewer devices, fewer numbers, or counts_only", "%v", err)
	}
	return c, a.late(err)
}

// form is how a certificate is asked for.
type form struct {
	format        string
	now, segments bool
}

// formOf reads the parameters. Ending a seal costs every node, for ever: that is for those who may write.
func formOf(args *fasthttp.Args, who auth.Principal) (f form, err error) {
	f.format = string(args.Peek("format"))
	switch f.format {
	case "", "json", "html", "tar":
	default:
		return f, badParameter("format", f.format, "json, html or tar")
	}
	mayCut := who.Scopes.Has(auth.Write) || who.Scopes.Has(auth.Admin)
	switch at := string(args.Peek("at")); at {
	case "":
		f.now = mayCut
	case "now":
		if f.now = true; !mayCut {
			return f, refuse(http.StatusForbidden, "forbidden", "ask with at=newest: as of the newest census", "%s may only read, and ends no seal", who.ID)
		}
	case "newest":
	default:
		return f, badParameter("at", at, "now: everything acknowledged until now, or newest: as of the newest census")
	}
	segments := string(args.Peek("segments"))
	if f.segments = segments != ""; f.segments && (segments != "true" || f.format != "tar") {
		return f, badParameter("segments", segments, "true, and format=tar")
	}
	if f.segments && !who.Scopes.Has(auth.Admin) { // a segment has frames of every tenant
		return f, refuse(http.StatusForbidden, "forbidden", "take the certificate without segments, or use a token with the scope admin",
			"%s may not read whole segments", who.ID)
	}
	return f, nil
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

// bodyOf is the body of a request, however long.
func bodyOf(ctx *fasthttp.RequestCtx) io.Reader {
	if s := ctx.RequestBodyStream(); s != nil {
		return s
	}
	return bytes.NewReader(ctx.Request.Body())
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
	req = certificate.Request{Since: q.Since, Bytes: a.opt.MaxBytes, Scope: certificate.Scope{
		Tenant: tenant, Devices: q.Devices, Prefix: q.Prefix, Match: q.Match, Stream: q.Stream, Epochs: q.Epochs, Seq: q.Seq, Time: q.Time,
		CountsOnly: q.CountsOnly,
	}}
	if len(q.Match) > 0 {
		if req.Scope.Devices, err = a.matched(&q, tenant); err != nil {
			return req, err
		}
	}
	if err := req.Check(); err != nil { // before a seal is ended for it
		return req, refuseScope(err)
	}
	return req, nil
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
