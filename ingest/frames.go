package ingest

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"time"

	"github.com/gaplessdb/gapless/auth"
	"github.com/valyala/fasthttp"
)

// maxKeyBytes bounds an Idempotency-Key.
const maxKeyBytes = 128

// format is how a body holds frames.
type format uint8

const (
	formatJSON format = iota + 1
	formatNDJSON
	formatBatch
)

// postFrames is POST /v1/frames.
func (h *Handler) postFrames(ctx *fasthttp.RequestCtx, p auth.Principal) error {
	started := time.Now()
	// A document that does not get as far as its items counts as one.
	tally := Tally{Received: 1, Undecodable: 1}
	err := h.frames(ctx, p, &tally)
	h.counters.add(tally)
	h.metrics.request(err, time.Since(started))
	return err
}

func (h *Handler) frames(ctx *fasthttp.RequestCtx, p auth.Principal, t *Tally) error {
	src := source{stream: ctx.RequestBodyStream()}
	defer h.unpacker.drain(ctx, &src)
	key, form, err := readHeaders(ctx)
	if err != nil {
		return err
	}
	held := lease{gate: h.gate}
	defer held.release()
	body, err := h.unpacker.read(ctx, &src, &held)
	if err != nil {
		if errors.As(err, new(*OverloadError)) {
			*t = Tally{Received: 1, Refused: 1}
		}
		return err
	}
	h.metrics.body(ctx, len(body))

	c := h.collectors.Get().(*collector)
	defer func() {
		c.forget()
		h.collectors.Put(c)
	}()
	c.reset(h.header(), p.Tenant)
	batch, order, err := c.collect(form, body)
	if err != nil {
		return err
	}
	req := Request{Tenant: p.Tenant, Batch: batch, Key: key}
	if key != "" {
		req.BodySHA256 = bodySum(form, body)
	}
	*t = Tally{Received: uint64(c.items), Refused: uint64(c.items)}
	res, err := h.propose(ctx, req)
	if err != nil {
		return err
	}
	a, err := c.answer(res, order, key)
	if err != nil {
		return err
	}
	*t = a.tally(c.items)
	return h.write(ctx, a)
}

// readHeaders reads what a request says about itself, before its body is touched.
func readHeaders(ctx *fasthttp.RequestCtx) (key string, form format, err error) {
	key = string(ctx.Request.Header.Peek("Idempotency-Key"))
	if len(key) > maxKeyBytes || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", 0, refuse(fasthttp.StatusBadRequest, "bad_idempotency_key", "use a UUID",
			"Idempotency-Key must be 1 to %d visible ASCII characters", maxKeyBytes)
	}
	kind := string(ctx.Request.Header.ContentType())
	media, _, _ := strings.Cut(kind, ";")
	switch strings.ToLower(strings.TrimSpace(media)) {
	case "application/json":
		return key, formatJSON, nil
	case "application/x-ndjson":
		return key, formatNDJSON, nil
	case "application/vnd.gapless.batch":
		return key, formatBatch, nil
	default:
		return "", 0, refuse(fasthttp.StatusUnsupportedMediaType, "unknown_content_type",
			"set Content-Type to application/json, application/x-ndjson or application/vnd.gapless.batch", "Content-Type %q is not supported", kind)
	}
}

// bodySum tells bodies apart: the same bytes in another format are another request.
func bodySum(form format, body []byte) (sum [32]byte) {
	hash := sha256.New()
	hash.Write([]byte{byte(form)})
	hash.Write(body)
	hash.Sum(sum[:0])
	return sum
}

// collect turns a body into an encoded batch, nil when there is nothing to store or record. order maps places in the batch to entries of
// c.added; nil means that they are the same.
func (c *collector) collect(form format, body []byte) (batch []byte, order []uint32, err error) {
	switch form {
	case formatBatch:
		batch, err = c.binary(body)
		return batch, nil, err
	case formatNDJSON:
		err = c.lines(body)
	default:
		err = c.document(body)
	}
	if err == nil && c.items == 0 {
		err = emptyBody()
	}
	if err != nil || c.builder.Frames()+c.builder.Rejects() == 0 {
		return nil, nil, err
	}
	batch, err = c.builder.Finish(nil)
	return batch, c.builder.Order(), err
}

// propose stores a batch. A request of which nothing could be read has none, and its Result is zero.
func (h *Handler) propose(ctx *fasthttp.RequestCtx, req Request) (Result, error) {
	if req.Batch == nil {
		return Result{}, nil
	}
	// Not the request's context: it ends with the server's shutdown, which waits for the requests in work instead.
	limit, cancel := context.WithTimeout(context.Background(), h.opt.Timeout)
	defer cancel()
	started := time.Now()
	res, err := h.proposer.ProposeFrames(limit, req)
	h.metrics.proposed(time.Since(started))
	if err != nil {
		return res, fromProposer(ctx, err)
	}
	return res, nil
}
