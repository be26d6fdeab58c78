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

// Format is how the body of a request holds frames.
type Format struct {
	// Meaning tells equal bodies apart that mean different frames: under one Idempotency-Key they are different requests. Its first byte
	// is the format's own.
	Meaning string
	// Receipt asks for a signed receipt of the batch, which the Answer has then.
	Receipt bool
	// Collect hands the body's items to the collector. What they alias of the body is good until the request ends. An error refuses the
	// request as a whole.
	Collect func(c *Collector, body []byte) error
}

// Post serves a request with frames: it reads the body within the limits, collects the items into one batch, stores that, and counts what
// became of each item. read says how the body is to be read, from the headers. The caller words the answer; nothing is written here but
// headers that belong to an error.
func (h *Handler) Post(ctx *fasthttp.RequestCtx, p auth.Principal, read func(*fasthttp.RequestCtx) (Format, error)) (*Answer, error) {
	started := time.Now()
	// A document that does not get as far as its items counts as one.
	tally := Tally{Received: 1, Undecodable: 1}
	a, err := h.post(ctx, p, read, &tally)
	h.counters.add(tally)
	h.metrics.request(err, time.Since(started))
	if err == nil {
		h.metrics.rejected(a.Rejected)
	}
	return a, err
}

func (h *Handler) post(ctx *fasthttp.RequestCtx, p auth.Principal, read func(*fasthttp.RequestCtx) (Format, error), t *Tally) (*Answer, error) {
	src := source{stream: ctx.RequestBodyStream()}
	defer h.unpacker.drain(ctx, &src)
	key, err := readKey(ctx)
	if err != nil {
		return nil, err
	}
	form, err := read(ctx)
	if err != nil {
		return nil, err
	}
	want, err := h.promised(form)
	if err != nil {
		*t = Tally{Received: 1, Refused: 1}
		return nil, err
	}
	held := lease{gate: h.gate}
	defer held.release()
	body, err := h.body(ctx, &src, &held, &want)
	if err != nil {
		if errors.As(err, new(*OverloadError)) {
			*t = Tally{Received: 1, Refused: 1}
		}
		return nil, err
	}
	a, res, err := h.store(ctx, p, key, form, body, t)
	if err != nil {
		return nil, err
	}
	h.keep(&want, a, &res)
	return a, nil
}

// body reads the body of a request and unpacks it.
func (h *Handler) body(ctx *fasthttp.RequestCtx, src *source, held *lease, want *promise) ([]byte, error) {
	packed, err := h.unpacker.packed(ctx, src, held)
	if err != nil {
		return nil, err
	}
	want.sent(packed)
	body, err := h.unpacker.unpack(ctx, packed, held)
	if err == nil {
		h.metrics.body(ctx, len(body))
	}
	return body, err
}

// store collects the items of a body and stores them.
func (h *Handler) store(ctx *fasthttp.RequestCtx, p auth.Principal, key string, form Format, body []byte, t *Tally) (*Answer, Result, error) {
	c := h.collectors.Get().(*Collector)
	defer func() {
		c.forget()
		h.collectors.Put(c)
	}()
	c.reset(h.header(), p.Tenant, h.opt.Devices())
	err := form.Collect(c, body)
	if err != nil {
		return nil, Result{}, err
	}
	req := Request{Tenant: p.Tenant, Key: key}
	var order []uint32
	if req.Batch, order, err = c.batch(); err != nil {
		return nil, Result{}, err
	}
	if key != "" {
		req.BodySHA256 = bodySum(form.Meaning, body)
	}
	*t = Tally{Received: uint64(c.items), Refused: uint64(c.items)}
	res, err := h.propose(ctx, req)
	if err != nil {
		return nil, res, err
	}
	a, err := c.answer(res, order, key)
	if err != nil {
		return nil, res, err
	}
	*t = a.tally(c.items)
	return a, res, nil
}

// readKey reads the request's Idempotency-Key, "" for none.
func readKey(ctx *fasthttp.RequestCtx) (string, error) {
	key := string(ctx.Request.Header.Peek("Idempotency-Key"))
	if len(key) > maxKeyBytes || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", refuse(fasthttp.StatusBadRequest, "bad_idempotency_key", "use a UUID",
			"Idempotency-Key must be 1 to %d visible ASCII characters", maxKeyBytes)
	}
	return key, nil
}

// bodySum tells bodies apart: the same bytes with another meaning are another request.
func bodySum(meaning string, body []byte) (sum [32]byte) {
	hash := sha256.New()
	hash.Write([]byte(meaning))
	hash.Write(body)
	hash.Sum(sum[:0])
	return sum
}

// batch is what was collected, encoded; nil when there is nothing to store or record. order maps places in the batch to entries of c.added;
// nil means that they are the same.
func (c *Collector) batch() (batch []byte, order []uint32, err error) {
	switch {
	case c.items == 0:
		return nil, nil, emptyBody()
	case c.stamped != nil:
		return c.stamped, nil, nil
	case c.builder.Frames()+c.builder.Rejects() == 0:
		return nil, nil, nil
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
