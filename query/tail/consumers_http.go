package tail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/query"
)

// consumerParams are the parameters of questions about consumers.
var consumerParams = []string{"consistency"}

// consumerRoutes are those of named consumers. A token that may read may commit how far it read; one that takes a place away from others has to be
// an administrator's.
func (a *API) consumerRoutes() []query.Route {
	return []query.Route{
		{Method: fasthttp.MethodGet, Path: "/v1/consumers", Scope: auth.Read, Params: consumerParams, Handle: a.listConsumers},
		{Method: fasthttp.MethodGet, Path: "/v1/consumers/{name}", Scope: auth.Read, Params: consumerParams, Handle: a.getConsumer},
		{Method: fasthttp.MethodPut, Path: "/v1/consumers/{name}", Scope: auth.Read, Handle: a.commitConsumer},
		{Method: fasthttp.MethodDelete, Path: "/v1/consumers/{name}", Scope: auth.Admin, Handle: a.deleteConsumer},
		{Method: fasthttp.MethodPost, Path: "/v1/consumers/{name}/reset", Scope: auth.Admin, Handle: a.resetConsumer},
	}
}

// consumerAnswer is a consumer in answers.
type consumerAnswer struct {
	Name          string  `json:"name"`
	Position      string  `json:"position"`
	Committed     string  `json:"committed"`                // time of the commit
	BehindEntries *uint64 `json:"behind_entries,omitempty"` // entries of the log since; absent when the position is of another history
}

type asOfAnswer struct {
	Partition uint32 `json:"partition"`
	History   uint64 `json:"history"`
	Index     uint64 `json:"index"`
	Time      string `json:"time"`
}

const timeMS = "2006-01-02T15:04:05.999Z07:00"

func newConsumerAnswer(c *Consumer, now query.AsOf) consumerAnswer {
	one := consumerAnswer{Name: c.Name, Position: c.Position.String(), Committed: time.UnixMilli(c.CommittedMS).UTC().Format(timeMS)}
	if c.Position.History == now.History {
		behind := now.Index - min(now.Index, c.Position.Index)
		one.BehindEntries = &behind
	}
	return one
}

func asOf(now query.AsOf) []asOfAnswer {
	return []asOfAnswer{{now.Partition, now.History, now.Index, time.UnixMilli(now.TimeMS).UTC().Format(timeMS)}}
}

// listConsumers is GET /v1/consumers.
func (a *API) listConsumers(ctx *fasthttp.RequestCtx, who auth.Principal) error {
	var list []Consumer
	now, err := a.consult(ctx, func(c *Consumers) { list = c.List(who.Tenant) })
	if err != nil {
		return err
	}
	answer := struct {
		Consumers []consumerAnswer `json:"consumers"`
		AsOf      []asOfAnswer     `json:"as_of"`
	}{[]consumerAnswer{}, asOf(now)}
	for i := range list {
		answer.Consumers = append(answer.Consumers, newConsumerAnswer(&list[i], now))
	}
	return write(ctx, answer)
}

// getConsumer is GET /v1/consumers/{name}.
func (a *API) getConsumer(ctx *fasthttp.RequestCtx, who auth.Principal) error {
	name, _ := ctx.UserValue("name").(string)
	var one Consumer
	var known bool
	now, err := a.consult(ctx, func(c *Consumers) { one, known = c.Get(who.Tenant, name) })
	if err != nil {
		return err
	}
	if !known {
		return refused(unknownConsumer(name))
	}
	return write(ctx, struct {
		consumerAnswer
		AsOf []asOfAnswer `json:"as_of"`
	}{newConsumerAnswer(&one, now), asOf(now)})
}

// consult reads the section in a state that is as fresh as was asked for. The section is of that state or a later one.
func (a *API) consult(ctx *fasthttp.RequestCtx, fn func(*Consumers)) (now query.AsOf, err error) {
	p, err := parseParams(ctx.QueryArgs(), consumerParams)
	if err != nil {
		return now, err
	}
	consistency, err := p.consistency()
	if err != nil {
		return now, err
	}
	c, cancel := context.WithTimeout(a.ctx, a.opt.Deadline)
	defer cancel()
	return a.look(c, consistency, fn)
}

func (a *API) look(ctx context.Context, c query.Consistency, fn func(*Consumers)) (now query.AsOf, err error) {
	err = a.view(ctx, c, frame.Position{}, func(v *query.View) error {
		now = v.AsOf
		return nil
	})
	if errors.Is(err, context.DeadlineExceeded) {
		err = late(a.opt.Deadline)
	}
	if err == nil {
		a.source.Consumers(fn)
	}
	return now, err
}

// consumer finds one.
func (a *API) consumer(ctx context.Context, c query.Consistency, tenant, name string) (one Consumer, err error) {
	known := false
	if _, err = a.look(ctx, c, func(all *Consumers) { one, known = all.Get(tenant, name) }); err == nil && !known {
		err = refused(unknownConsumer(name))
	}
	return one, err
}

// unlessUnknown leaves out the error of a consumer that does not exist yet.
func unlessUnknown(err error) error {
	if codeOf(err) == "unknown_consumer" {
		return nil
	}
	return err
}

// commitConsumer is PUT /v1/consumers/{name}: {"position":"..."}.
func (a *API) commitConsumer(ctx *fasthttp.RequestCtx, who auth.Principal) error {
	var body struct {
		Position string `json:"position"`
	}
	if err := readBody(ctx, &body); err != nil {
		return err
	}
	return a.move(ctx, who, KindCommit, body.Position)
}

// resetConsumer is POST /v1/consumers/{name}/reset: {"position":"..."}, or "first", or "now".
func (a *API) resetConsumer(ctx *fasthttp.RequestCtx, who auth.Principal) error {
	var body struct {
		Position string `json:"position"`
	}
	if err := readBody(ctx, &body); err != nil {
		return err
	}
	if body.Position == "first" || body.Position == "now" {
		c, cancel := context.WithTimeout(a.ctx, a.opt.Deadline)
		defer cancel()
		err := a.view(c, query.Leader, frame.Position{}, func(v *query.View) error {
			r := request{first: body.Position == "first"}
			s, err := r.locate(a, v)
			body.Position = positionOf(s.history, s.at).String()
			return err
		})
		if err != nil {
			return err
		}
	}
	return a.move(ctx, who, KindReset, body.Position)
}

// deleteConsumer is DELETE /v1/consumers/{name}.
func (a *API) deleteConsumer(ctx *fasthttp.RequestCtx, who auth.Principal) error {
	return a.propose(ctx, who, KindDelete, "")
}

// move proposes a new position, which has to be one of this cluster's and committed.
func (a *API) move(ctx *fasthttp.RequestCtx, who auth.Principal, kind uint16, position string) error {
	at, err := frame.ParsePosition(position)
	if err != nil {
		return badParameter("position", position, "a position exactly as an answer gave it")
	}
	if _, err := a.start(&request{from: &at, consistency: query.Stale, filter: filter{tenant: who.Tenant}}); err != nil {
		if e, ok := asGone(err); ok {
			return writeGone(ctx, e)
		}
		return err
	}
	return a.propose(ctx, who, kind, position)
}

func (a *API) propose(ctx *fasthttp.RequestCtx, who auth.Principal, kind uint16, position string) error {
	name, _ := ctx.UserValue("name").(string)
	cmd := Command{Tenant: who.Tenant, Name: name, Position: position}
	if kind != KindCommit {
		cmd.By = who.ID
	}
	body, err := cmd.Encode()
	if err == nil {
		_, _, err = parseCommand(kind, body) // what would be refused anyway costs no commit
	}
	if err != nil {
		return refused(err)
	}
	c, cancel := context.WithTimeout(a.ctx, a.opt.Deadline)
	defer cancel()
	_, result, err := a.proposer.ProposeCommand(c, kind, CommandVersion, body)
	if err != nil {
		return refused(err)
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(append(result, '\n'))
	return nil
}

// refused gives a refusal the status that fits it, whether it was found before it was proposed or by apply.
func refused(err error) error {
	e := &query.Error{Status: http.StatusBadRequest}
	var own *Refusal
	var shaped interface {
		HTTPError() (status int, code, message, hint string)
	}
	switch {
	case errors.As(err, &own):
		if e.Code, e.Message, e.Hint = own.Code, own.Message, own.Hint; own.Conflict {
			e.Status = http.StatusConflict
		}
	case errors.As(err, &shaped):
		if e.Status, e.Code, e.Message, e.Hint = shaped.HTTPError(); e.Code != "unknown_consumer" {
			return err
		}
	default:
		return err
	}
	if e.Code == "unknown_consumer" {
		e.Status = http.StatusNotFound
	}
	return e
}

// maxBodyBytes bounds the body of a request about a consumer.
const maxBodyBytes = 4 << 10

const bodyHint = `send {"position":"..."}`

// readBody reads a JSON object strictly.
func readBody(ctx *fasthttp.RequestCtx, into any) error {
	var b []byte
	if s := ctx.RequestBodyStream(); s != nil {
		var err error
		if b, err = io.ReadAll(io.LimitReader(s, maxBodyBytes+1)); err != nil || len(b) > maxBodyBytes {
			ctx.SetConnectionClose() // what is left of it would be the next request
		}
		if err != nil {
			return &query.Error{Status: http.StatusBadRequest, Code: "broken_body", Message: fmt.Sprintf("the body could not be read: %v", err)}
		}
	} else {
		b = ctx.PostBody()
	}
	if len(b) > maxBodyBytes {
		return &query.Error{
			Status: http.StatusRequestEntityTooLarge, Code: "body_too_large", Message: fmt.Sprintf("the body is larger than %d bytes", maxBodyBytes),
			Hint: bodyHint,
		}
	}
	if err := json.Unmarshal(b, into, json.RejectUnknownMembers(true)); err != nil {
		return &query.Error{
			Status: http.StatusBadRequest, Code: "bad_json", Message: fmt.Sprintf("the body is not what it should be: %v", err), Hint: bodyHint,
		}
	}
	return nil
}

// write answers with a JSON object.
func write(ctx *fasthttp.RequestCtx, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("tail: %w", err)
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(append(b, '\n'))
	return nil
}
