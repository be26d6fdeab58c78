package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/ledger/registry"
)

// fakeProposer keeps batches as a store would: by number, with the first content winning. It fails the test when a batch is not one that
// a reader accepts.
type fakeProposer struct {
	t testing.TB

	mu       sync.Mutex
	index    uint64
	frames   map[string]uint32 // name of the frame -> fingerprint
	keys     map[string]Request
	answers  map[string]Result
	requests []Request
	commands []fakeCommand

	devices *registry.Registry // takes the commands that are for it

	fail   error    // returned instead of storing
	refuse []uint64 // numbers that apply will not take
}

type fakeCommand struct {
	kind    uint16
	version uint8
	body    []byte
}

func newFakeProposer(t testing.TB) *fakeProposer {
	return &fakeProposer{t: t, devices: registry.New(ledger.New(ledger.Policy{})), frames: map[string]uint32{}, keys: map[string]Request{}, answers: map[string]Result{}}
}

func (p *fakeProposer) ProposeFrames(_ context.Context, req Request) (Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return Result{}, p.fail
	}
	name := req.Tenant + "/" + req.Key
	if first, ok := p.keys[name]; ok && req.Key != "" {
		if first.BodySHA256 != req.BodySHA256 {
			return Result{}, &RefusedError{Status: 422, Code: "idempotency_mismatch", Message: "this key was used for another body", Hint: "use a new key"}
		}
		res := p.answers[name]
		res.Replayed = true
		return res, nil
	}
	res := p.store(req)
	p.requests = append(p.requests, req)
	p.keys[name], p.answers[name] = req, res
	return res, nil
}

func (p *fakeProposer) store(req Request) Result {
	var r frame.Reader
	if err := r.Reset(req.Batch); err != nil {
		p.t.Errorf("the door proposed a batch that nobody can read: %v", err)
		return Result{}
	}
	if err := r.VerifyFingerprints(); err != nil {
		p.t.Errorf("the door proposed wrong fingerprints: %v", err)
	}
	defs := map[frame.StreamID]frame.StreamKey{}
	for d := range r.Defs() {
		if d.Key.Tenant != req.Tenant || strings.HasPrefix(d.Key.Device, "_") {
			p.t.Errorf("the door let %q of a client of tenant %q in", d.Key, req.Tenant)
		}
		defs[d.ID] = d.Key
	}
	p.index++
	res := Result{Position: frame.Position{History: 1, Index: p.index}, Rejected: r.NumRejects()}
	var g frame.Group
	var it frame.Item
	for ordinal := uint32(0); r.NextGroup(&g); {
		for ; r.Next(&it); ordinal++ {
			p.storeFrame(&res, ordinal, fmt.Sprint(defs[g.Stream], g.Epoch, " ", it.Seq), g.Unseq, &it)
		}
	}
	return res
}

func (p *fakeProposer) storeFrame(res *Result, ordinal uint32, name string, unseq bool, it *frame.Item) {
	for _, n := range p.refuse {
		if it.Seq == n {
			res.Refused = append(res.Refused, Refusal{ordinal, "too_many_streams", "the tenant has as many streams as it may"})
			return
		}
	}
	if unseq {
		name = fmt.Sprint(name, p.index, ordinal)
	}
	first, known := p.frames[name]
	switch {
	case !known:
		p.frames[name] = it.Fingerprint
		res.Accepted++
	case first == it.Fingerprint:
		res.Duplicate++
	default:
		res.Conflict++
	}
}

func (p *fakeProposer) ProposeCommand(_ context.Context, kind uint16, version uint8, body []byte) (frame.Position, []byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return frame.Position{}, nil, p.fail
	}
	p.index++
	p.commands = append(p.commands, fakeCommand{kind, version, body})
	if first, last := p.devices.Commands(); kind >= first && kind <= last {
		out, err := p.devices.Apply(p.index, 1, testTime.UnixMilli(), kind, version, body)
		if refused := new(registry.Error); errors.As(err, &refused) {
			status := 400
			if refused.Conflict {
				status = 409
			}
			err = &RefusedError{Status: status, Code: refused.Code, Message: refused.Message, Hint: refused.Hint}
		}
		return frame.Position{History: 1, Index: p.index}, out, err
	}
	return frame.Position{History: 1, Index: p.index}, []byte(`{"epoch":1}`), nil
}

// last decodes the newest proposed batch.
func (p *fakeProposer) last() decoded {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.requests) == 0 {
		p.t.Fatal("nothing was proposed")
	}
	return decode(p.t, p.requests[len(p.requests)-1].Batch)
}

// decoded is a batch with all names resolved.
type decoded struct {
	header  frame.Header
	frames  []decodedFrame
	rejects []decodedReject
}

type decodedFrame struct {
	key   frame.StreamKey
	group frame.Group
	frame frame.Frame
}

type decodedReject struct {
	key    frame.StreamKey
	reject frame.Reject
}

func decode(t testing.TB, batch []byte) decoded {
	t.Helper()
	var r frame.Reader
	if err := r.Reset(batch); err != nil {
		t.Fatal(err)
	}
	defs := map[frame.StreamID]frame.StreamKey{}
	for d := range r.Defs() {
		defs[d.ID] = d.Key
	}
	out := decoded{header: r.Header()}
	var g frame.Group
	var it frame.Item
	for r.NextGroup(&g) {
		for r.Next(&it) {
			var f frame.Frame
			it.Decode(&f)
			out.frames = append(out.frames, decodedFrame{defs[g.Stream], g, f})
		}
	}
	for rej := range r.Rejects() {
		out.rejects = append(out.rejects, decodedReject{defs[rej.Group.Stream], rej})
	}
	return out
}
