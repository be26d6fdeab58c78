package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger/registry"
	"github.com/valyala/fasthttp"
)

// registeredAnswer is the answer to every change of the registry.
type registeredAnswer struct {
	Position string `json:"position"` // of the last command
	Commands int    `json:"commands,omitempty"`
	registry.Result
}

// registerMany is POST /v1/devices: many devices, in commands of up to registry.MaxDevices and registry.MaxCommandBytes. Each command is stored whole or
// not at all; all of the body is read before the first, and the first that is refused is the last.
func (h *Handler) registerMany(ctx *fasthttp.RequestCtx, p auth.Principal) error {
	src := source{stream: ctx.RequestBodyStream()}
	defer h.unpacker.drain(ctx, &src)
	held := lease{gate: h.gate}
	defer held.release()
	kind, err := readKind(ctx)
	if err != nil {
		return err
	}
	changes, err := h.readChanges(ctx, &src, &held)
	if err != nil {
		return err
	}
	commands, err := registry.Encode(p.Tenant, p.ID, changes)
	if err != nil {
		return fromRegistry(err)
	}
	var at frame.Position
	var sum registry.Result
	for i, body := range commands {
		pos, result, err := h.register(ctx, kind, body)
		if err != nil {
			return behind(err, i, &sum)
		}
		at, sum.Revision = pos, result.Revision
		sum.Changed += result.Changed
		sum.Unchanged += result.Unchanged
	}
	return writeAnswer(ctx, &registeredAnswer{Position: at.String(), Commands: len(commands), Result: sum})
}

// readKind reads ?do=, by default set.
func readKind(ctx *fasthttp.RequestCtx) (uint16, error) {
	do := string(ctx.QueryArgs().Peek("do"))
	for _, way := range registrations {
		if do == way.name || do == "" {
			return way.kind, nil
		}
	}
	return 0, refuse(fasthttp.StatusBadRequest, "bad_parameter", "set, patch or delete", "do is %q", do)
}

// readChanges reads the devices of a body: one object, an array of them, or one a line.
func (h *Handler) readChanges(ctx *fasthttp.RequestCtx, src *source, l *lease) ([]registry.Change, error) {
	form, err := readContentType(ctx)
	if err == nil && form.Meaning == formatBatch {
		err = refuse(fasthttp.StatusUnsupportedMediaType, "unknown_content_type", "set Content-Type to application/json or application/x-ndjson", "devices are JSON")
	}
	if err != nil {
		return nil, err
	}
	text, err := h.unpacker.read(ctx, src, l)
	if err != nil {
		return nil, err
	}
	var list []registry.Change
	add := func(text []byte) error {
		change, err := registry.ParseChange(text)
		list = append(list, change)
		return atItem(fromRegistry(err), len(list)-1)
	}
	if form.Meaning == formatNDJSON {
		err = eachLine(text, add)
	} else {
		err = eachItem(text, add)
	}
	if err == nil && len(list) == 0 {
		err = emptyBody()
	}
	return list, err
}

func eachLine(text []byte, do func([]byte) error) error {
	for line := range bytes.Lines(text) {
		if line = trimJSON(line); len(line) == 0 {
			continue
		}
		if err := do(line); err != nil {
			return err
		}
	}
	return nil
}

// eachItem calls do for each value of an array, or for the one value that is none.
func eachItem(text []byte, do func([]byte) error) error {
	var r reader
	if text = trimJSON(text); len(text) == 0 || text[0] != '[' {
		return do(text)
	}
	r.open(text)
	if _, err := r.ReadToken(); err != nil {
		return badJSON(err)
	}
	for r.PeekKind() != ']' {
		item, err := r.ReadValue()
		if err != nil {
			return badJSON(err)
		}
		if err := do(item); err != nil {
			return err
		}
	}
	if _, err := r.ReadToken(); err != nil {
		return badJSON(err)
	}
	if err := r.end(); err != nil {
		return badJSON(err)
	}
	return nil
}

// atItem says in which item, counted from 0, the fault is.
func atItem(err error, item int) error {
	var bad *Error
	if errors.As(err, &bad) {
		bad.Message = clip(fmt.Sprintf("item %d: %s", item, bad.Message))
	}
	return err
}

// behind adds to a refusal what the commands before it did.
func behind(err error, commands int, sum *registry.Result) error {
	var bad *Error
	if commands > 0 && errors.As(err, &bad) {
		bad.Message = clip(fmt.Sprintf("%s; the first %d devices are stored", bad.Message, sum.Changed+sum.Unchanged))
	}
	return err
}

func writeRegistered(ctx *fasthttp.RequestCtx, pos frame.Position, result registry.Result) error {
	return writeAnswer(ctx, &registeredAnswer{Position: pos.String(), Result: result})
}

func writeAnswer(ctx *fasthttp.RequestCtx, a *registeredAnswer) error {
	body, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("ingest: answer about %d devices: %w", a.Changed+a.Unchanged, err)
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(append(body, '\n'))
	return nil
}
