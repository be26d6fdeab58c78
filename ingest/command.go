package ingest

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/valyala/fasthttp"
)

// command is one of the things that a device says of its counter. They are ledger commands, not frames: balance B does not count them.
type command struct {
	path string // below /v1/devices/{device}/
	kind uint16
	keys []string // of the body, beside subjectKeys
	// body reads the members and encodes the command. What is wrong with them it leaves in m.
	body func(sub ledger.Subject, m *members) []byte
}

var commands = []command{
	{"heartbeat", ledger.KindHeartbeat,
		[]string{"next_seq", "first", "time", "time_ns", "time_us", "time_ms", "prev_last_seq", "prev_epoch"}, heartbeat},
	{"seal", ledger.KindSeal, []string{"last_seq", "count"}, seal},
	{"declare-lost", ledger.KindDeclareLost, []string{"from", "to", "reason"}, declareLost},
}

// subjectKeys name the counter in every command; the device is in the path.
var subjectKeys = []string{"stream", "epoch", "bits"}

// maxReasonBytes bounds the text of a loss declaration.
const maxReasonBytes = 256

func heartbeat(sub ledger.Subject, m *members) []byte {
	m.require("next_seq")
	if m.has("prev_epoch") {
		m.require("prev_last_seq")
	}
	c := ledger.Heartbeat{
		Subject: sub, Next: m.number("next_seq"),
		HasFirst: m.has("first"), First: m.number("first"),
		HasPrev: m.has("prev_last_seq"), Prev: m.epoch("prev_epoch"), PrevLast: m.number("prev_last_seq"),
	}
	c.TimeNS, c.HasTime = m.time()
	return c.Append(nil)
}

func seal(sub ledger.Subject, m *members) []byte {
	m.require("last_seq")
	c := ledger.Seal{Subject: sub, Last: m.number("last_seq"), HasCount: m.has("count"), Count: m.number("count")}
	return c.Append(nil)
}

func declareLost(sub ledger.Subject, m *members) []byte {
	m.require("from", "to")
	c := ledger.DeclareLost{Subject: sub, From: m.number("from"), To: m.number("to"), Reason: m.string("reason", maxReasonBytes)}
	return c.Append(nil)
}

// handler is the route's handler for a command.
func (h *Handler) handler(c *command) func(*fasthttp.RequestCtx, auth.Principal) error {
	keys := append(subjectKeys[:len(subjectKeys):len(subjectKeys)], c.keys...)
	return func(ctx *fasthttp.RequestCtx, p auth.Principal) error {
		started := time.Now()
		err := h.command(ctx, p, c, keys)
		h.metrics.request(err, time.Since(started))
		return err
	}
}

func (h *Handler) command(ctx *fasthttp.RequestCtx, p auth.Principal, c *command, keys []string) error {
	src := source{stream: ctx.RequestBodyStream()}
	defer h.unpacker.drain(ctx, &src)
	_, err := readKey(ctx)
	if err != nil {
		return err
	}
	form, err := readContentType(ctx)
	if err == nil && form.Meaning != formatJSON {
		err = refuse(fasthttp.StatusUnsupportedMediaType, "unknown_content_type", "set Content-Type to application/json", "commands are JSON")
	}
	if err != nil {
		return err
	}
	held := lease{gate: h.gate}
	defer held.release()
	text, err := h.unpacker.read(ctx, &src, &held)
	if err != nil {
		return err
	}
	body, err := c.encode(ctx, p.Tenant, readMembers(text, keys))
	if err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(context.Background(), h.opt.Timeout)
	defer cancel()
	pos, result, err := h.proposer.ProposeCommand(limit, c.kind, ledger.CommandVersion, body)
	if err != nil {
		return fromProposer(ctx, err)
	}
	return writeResult(ctx, pos, result)
}

// encode is the command's body. An error refuses the request.
func (c *command) encode(ctx *fasthttp.RequestCtx, tenant string, m *members) ([]byte, error) {
	device, _ := ctx.UserValue("device").(string)
	sub := ledger.Subject{
		Key:   frame.StreamKey{Tenant: tenant, Device: device, Stream: m.string("stream", frame.MaxNameBytes)}.WithDefaults(),
		Epoch: m.epoch("epoch"),
		Bits:  m.bits(),
	}
	m.failWith(faultOf(checkKey(sub.Key)))
	body := c.body(sub, m)
	if m.fault != nil {
		return nil, refuse(fasthttp.StatusBadRequest, m.fault.Code, "docs/http-api.md lists the keys of the body", "%s", m.fault.Message)
	}
	return body, nil
}

// writeResult answers with the position and, beside it, the members of the ledger's result.
func writeResult(ctx *fasthttp.RequestCtx, pos frame.Position, result []byte) error {
	result = bytes.TrimSpace(result)
	if len(result) < 2 || result[0] != '{' {
		return fmt.Errorf("ingest: the ledger's result is no object: %.40q", result)
	}
	answer := fmt.Appendf(nil, `{"position":%q`, pos)
	if members := bytes.TrimSpace(result[1:]); members[0] != '}' {
		answer = append(append(answer, ','), members...)
	} else {
		answer = append(answer, '}')
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(append(answer, '\n'))
	return nil
}
