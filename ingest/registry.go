package ingest

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger/registry"
	"github.com/valyala/fasthttp"
)

// registrations are the ways to change the registry of devices, by the names that POST /v1/devices has for them. Their requests are commands, not frames:
// balance B does not count them.
var registrations = []struct {
	name, method string
	kind         uint16
}{
	{"set", fasthttp.MethodPut, registry.KindSet},
	{"patch", fasthttp.MethodPatch, registry.KindPatch},
	{"delete", fasthttp.MethodDelete, registry.KindDelete},
}

// registryRoutes change what is registered of devices.
func (h *Handler) registryRoutes() []Route {
	routes := []Route{{Method: fasthttp.MethodPost, Path: "/v1/devices", Scope: auth.Admin, Params: []string{"do"}, Handle: h.timed(h.registerMany)}}
	for _, way := range registrations {
		routes = append(routes, Route{Method: way.method, Path: "/v1/devices/{device}", Scope: auth.Admin, Params: []string{"expect"}, Handle: h.timed(
			func(ctx *fasthttp.RequestCtx, p auth.Principal) error { return h.registerOne(ctx, p, way.kind) })})
	}
	return routes
}

// timed counts a request.
func (h *Handler) timed(handle func(*fasthttp.RequestCtx, auth.Principal) error) func(*fasthttp.RequestCtx, auth.Principal) error {
	return func(ctx *fasthttp.RequestCtx, p auth.Principal) error {
		started := time.Now()
		err := handle(ctx, p)
		h.metrics.request(err, time.Since(started))
		return err
	}
}

// registerOne is PUT, PATCH and DELETE of one device.
func (h *Handler) registerOne(ctx *fasthttp.RequestCtx, p auth.Principal, kind uint16) error {
	device, _ := ctx.UserValue("device").(string)
	src := source{stream: ctx.RequestBodyStream()}
	defer h.unpacker.drain(ctx, &src)
	held := lease{gate: h.gate}
	defer held.release()
	change, err := h.readChange(ctx, &src, &held, kind)
	if err != nil {
		return err
	}
	if change.Device != "" && change.Device != device {
		return refuse(fasthttp.StatusBadRequest, "bad_device", "leave the key device out", "the path names device %q, the body %q", device, change.Device)
	}
	change.Device = device
	body, err := (&registry.Command{Tenant: p.Tenant, By: p.ID, Devices: []registry.Change{change}}).Encode()
	if err != nil {
		return fromRegistry(err)
	}
	pos, result, err := h.register(ctx, kind, body)
	if err != nil {
		return err
	}
	if kind == registry.KindDelete && result.Changed == 0 {
		return refuse(fasthttp.StatusNotFound, "unknown_device", "GET /v1/devices lists the devices", "device %q is not registered", device)
	}
	return writeRegistered(ctx, pos, result)
}

// readChange is what a request says of its device. A delete has no body.
func (h *Handler) readChange(ctx *fasthttp.RequestCtx, src *source, l *lease, kind uint16) (registry.Change, error) {
	expect, err := readExpect(ctx)
	if err != nil || kind == registry.KindDelete {
		return registry.Change{Expect: expect}, err
	}
	form, err := readContentType(ctx)
	if err == nil && form.Meaning != formatJSON {
		err = refuse(fasthttp.StatusUnsupportedMediaType, "unknown_content_type", "set Content-Type to application/json", "a device is a JSON object")
	}
	if err != nil {
		return registry.Change{}, err
	}
	text, err := h.unpacker.read(ctx, src, l)
	if err != nil {
		return registry.Change{}, err
	}
	change, err := registry.ParseChange(text)
	if expect != nil {
		change.Expect = expect
	}
	return change, fromRegistry(err)
}

// readExpect reads ?expect=REVISION, nil where it is not given.
func readExpect(ctx *fasthttp.RequestCtx) (*uint64, error) {
	text := ctx.QueryArgs().Peek("expect")
	if text == nil {
		return nil, nil
	}
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return nil, refuse(fasthttp.StatusBadRequest, "bad_parameter", "give the revision that the device has, 0 for none", "expect is %q, no revision", text)
	}
	return &n, nil
}

// register proposes one command.
func (h *Handler) register(ctx *fasthttp.RequestCtx, kind uint16, body []byte) (frame.Position, registry.Result, error) {
	limit, cancel := context.WithTimeout(context.Background(), h.opt.Timeout)
	defer cancel()
	pos, out, err := h.proposer.ProposeCommand(limit, kind, registry.CommandVersion, body)
	if err != nil {
		return pos, registry.Result{}, fromProposer(ctx, err)
	}
	result, err := registry.ParseResult(out)
	return pos, result, err
}

// fromRegistry turns a refusal of the registry into what the client is told.
func fromRegistry(err error) error {
	var bad *registry.Error
	if !errors.As(err, &bad) {
		return err
	}
	return &Error{Status: fasthttp.StatusBadRequest, Code: bad.Code, Message: clip(bad.Message), Hint: bad.Hint, cause: err}
}
