package ingest

import (
	"errors"

	"github.com/gaplessdb/gapless/frame"
	"github.com/valyala/fasthttp"
)

// binary takes a batch that the client encoded and puts it under the door's own header and the principal's tenant. It is all or
// nothing: a client that builds batches checks its frames itself.
func (c *Collector) binary(batch []byte) error {
	if len(batch) > frame.MaxBatchBytes {
		return batchTooLarge()
	}
	r := &c.reader
	if err := r.Reset(batch); err != nil {
		return badBatch(err)
	}
	switch {
	case r.NumRejects() > 0:
		return refuse(fasthttp.StatusBadRequest, "bad_batch", "declare frames that will never come with declare-lost",
			"the batch has %d rejects; only a door writes those", r.NumRejects())
	case r.Frames() == 0:
		return emptyBody()
	}
	if err := c.checkDefs(); err != nil {
		return err
	}
	if err := r.VerifyFingerprints(); err != nil {
		return badBatch(err)
	}
	stamped, err := r.Stamp(nil, c.header, c.tenant)
	if err != nil {
		return badBatch(err)
	}
	c.stamped = stamped
	c.countFrames()
	return nil
}

// checkDefs refuses reserved names, and a batch of several tenants: Stamp moves all streams to one, where two of them could meet.
func (c *Collector) checkDefs() error {
	var first frame.StreamKey
	for def := range c.reader.Defs() {
		if err := checkKey(def.Key); err != nil {
			return badBatch(err)
		}
		if first.Tenant == "" {
			first = def.Key
		}
		if def.Key.Tenant != first.Tenant {
			return refuse(fasthttp.StatusForbidden, "wrong_tenant", "send one batch for each tenant, each with its own token",
				"streams of tenants %q and %q in one batch", first.Tenant, def.Key.Tenant)
		}
	}
	return nil
}

func (c *Collector) countFrames() {
	var g frame.Group
	var it frame.Item
	for c.reader.Rewind(); c.reader.NextGroup(&g); {
		for c.reader.Next(&it) {
			c.add(g.Unseq)
			c.items++
		}
	}
}

// badBatch words an error of frame for the answer to a whole batch.
func badBatch(err error) error {
	var invalid *frame.InvalidError
	switch {
	case errors.Is(err, frame.ErrVersion):
		return refuse(fasthttp.StatusBadRequest, "batch_version", "use a client of the same major version as the server", "%v", err)
	case !errors.As(err, &invalid):
		return refuse(fasthttp.StatusBadRequest, "bad_batch", "send the same batch again; if it happens again, the client or the path damages it",
			"%v; nothing was stored", err)
	}
	status := fasthttp.StatusBadRequest
	switch invalid.Code {
	case "wrong_tenant":
		status = fasthttp.StatusForbidden
	case "batch_too_large":
		status = fasthttp.StatusRequestEntityTooLarge
	}
	return refuse(status, invalid.Code, invalid.Hint, "%s; nothing was stored", invalid.Message)
}
