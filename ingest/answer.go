package ingest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/valyala/fasthttp"
)

// Answer is the body of an answer to POST /v1/frames, with status 200, or with 422 when every item was rejected.
type Answer struct {
	// Position is opaque: pass it as ?after= to read what was written. null when nothing was stored or recorded.
	Position   *string     `json:"position"`
	Accepted   int         `json:"accepted"`
	Duplicate  int         `json:"duplicate"`
	Conflict   int         `json:"conflict"`
	Unverified int         `json:"unverified"`
	Rejected   []Rejection `json:"rejected"` // by item
	Delivery   string      `json:"delivery"` // DeliveryExactlyOnce or DeliveryAtLeastOnce
	Replayed   bool        `json:"replayed,omitempty"`
	Receipt    string      `json:"receipt,omitempty"` // a signed note (docs/format/tlog.md), where the request asked for it and something was committed
	Error      *ErrorBody  `json:"error,omitempty"`
}

// What Answer.Delivery says of a repetition of the same request.
const (
	DeliveryExactlyOnce = "exactly_once"
	DeliveryAtLeastOnce = "at_least_once" // it could be stored twice: a frame had no number, and the request no Idempotency-Key
)

// ErrorBody is the error object of every answer that is not a success.
type ErrorBody struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// answer words what became of the items. An error means that the Proposer spoke of frames which it was not given.
func (c *Collector) answer(res Result, order []uint32, key string) (*Answer, error) {
	a := &Answer{
		Accepted: res.Accepted, Duplicate: res.Duplicate, Conflict: res.Conflict, Unverified: res.Unverified,
		Rejected: slices.Clone(c.rejected), Replayed: res.Replayed, Delivery: DeliveryExactlyOnce,
	}
	unseq := c.unseq
	for _, refusal := range res.Refused {
		if int(refusal.Ordinal) >= len(c.added) {
			return nil, fmt.Errorf("ingest: the proposer refused frame %d of a batch of %d", refusal.Ordinal, len(c.added))
		}
		at := refusal.Ordinal
		if order != nil {
			at = order[at]
		}
		if c.added[at].unseq {
			unseq--
		}
		a.Rejected = append(a.Rejected, Rejection{Item: int(c.added[at].item), Code: refusal.Code, Message: clip(refusal.Message)})
	}
	slices.SortStableFunc(a.Rejected, func(x, y Rejection) int { return cmp.Compare(x.Item, y.Item) })
	if res.AtLeastOnce || unseq > 0 && key == "" {
		a.Delivery = DeliveryAtLeastOnce
	}
	if !res.Position.IsZero() {
		text := res.Position.String()
		a.Position = &text
	}
	if a.stored() == 0 {
		a.Error = &ErrorBody{"all_rejected", fmt.Sprintf("none of the %d items was stored", c.items), "see rejected for the reason of each"}
	}
	return a, nil
}

// stored is the number of frames that are in the store now, by this request or an earlier one.
func (a *Answer) stored() int { return a.Accepted + a.Duplicate + a.Conflict + a.Unverified }

// tally counts the outcomes. A replayed answer repeats counts of frames that were counted once: now they are duplicates.
func (a *Answer) tally(items int) Tally {
	t := Tally{Received: uint64(items), Rejected: uint64(len(a.Rejected))}
	if a.Replayed {
		t.Duplicate = uint64(a.stored())
		return t
	}
	t.Accepted, t.Duplicate = uint64(a.Accepted), uint64(a.Duplicate)
	t.Conflict, t.Unverified = uint64(a.Conflict), uint64(a.Unverified)
	return t
}

// write sends the answer.
func (h *Handler) write(ctx *fasthttp.RequestCtx, a *Answer) error {
	if a.Rejected == nil {
		a.Rejected = []Rejection{} // [] for clients, not null
	}
	body, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("ingest: answer: %w", err)
	}
	if a.Error != nil {
		ctx.SetStatusCode(fasthttp.StatusUnprocessableEntity)
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(append(body, '\n'))
	return nil
}
