package ingest

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/valyala/fasthttp"
)

// fuzzDoor runs one request through the handler without a socket and checks what holds for every request.
type fuzzDoor struct {
	handler  *Handler
	proposer *fakeProposer
}

func newFuzzDoor(f *testing.F) *fuzzDoor {
	p := newFakeProposer(f)
	h, err := New(p, Options{MaxBodyBytes: 1 << 20, MaxUnpackedBytes: 1 << 20})
	if err != nil {
		f.Fatal(err)
	}
	return &fuzzDoor{h, p}
}

func (d *fuzzDoor) post(t *testing.T, kind, encoding string, body []byte) (Answer, error) {
	var ctx fasthttp.RequestCtx
	ctx.Request.Header.SetMethod("POST")
	ctx.Request.Header.SetContentType(kind)
	ctx.Request.Header.SetContentEncoding(encoding)
	ctx.Request.SetBody(body)
	d.proposer.t = t
	d.proposer.requests, d.proposer.frames = nil, map[string]uint32{}
	before := d.handler.Counters().Snapshot().Received
	err := d.handler.postFrames(&ctx, auth.Principal{Tenant: frame.DefaultTenant, Scopes: auth.Write})
	now := d.handler.Counters().Snapshot()
	if now.Balance() != 0 || now.Received == before {
		t.Fatalf("balance %d, %d received: %+v", now.Balance(), now.Received-before, now)
	}
	if held := d.handler.gate.inFlight(); held != 0 {
		t.Fatalf("%d bytes in flight", held)
	}
	var a Answer
	if err != nil {
		if _, ok := err.(*Error); !ok {
			t.Fatalf("a client's fault is answered with 500: %v", err)
		}
		return a, err
	}
	if err := json.Unmarshal(ctx.Response.Body(), &a); err != nil {
		t.Fatalf("answer %q: %v", ctx.Response.Body(), err)
	}
	if items := a.stored() + len(a.Rejected); uint64(items) != now.Received-before {
		t.Fatalf("the answer speaks of %d items, %d were received", items, now.Received-before)
	}
	for i, r := range a.Rejected {
		if r.Code == "" || r.Message == "" || i > 0 && r.Item <= a.Rejected[i-1].Item {
			t.Fatalf("rejection %d: %+v", i, r)
		}
	}
	return a, nil
}

func FuzzJSON(f *testing.F) {
	for _, bad := range badInputs() {
		if len(bad.send.body) < 1<<16 && bad.send.kind == "" {
			f.Add(bad.send.body)
		}
	}
	f.Add(benchBody(2, "[", ",", "]"))
	d := newFuzzDoor(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := d.post(t, "application/json", "", body)
		if err == nil && len(a.Rejected) == 0 && (!json.Valid(body) || !utf8.Valid(body)) {
			t.Fatalf("taken, and no JSON: %q", body)
		}
	})
}

func FuzzNDJSON(f *testing.F) {
	f.Add(benchBody(3, "", "\n", "\n"))
	f.Add([]byte("{\"device\":\"a\"}\r\n\n{\"device\":\"a\",\"seq\":1\n{}"))
	d := newFuzzDoor(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := d.post(t, lineJSON, "", body)
		if err == nil && len(a.Rejected) == 0 {
			for line := range bytes.Lines(body) {
				if line = trimJSON(line); len(line) > 0 && (!json.Valid(line) || !utf8.Valid(line)) {
					t.Fatalf("taken, and no JSON: %q", line)
				}
			}
		}
	})
}

// FuzzBatch also reaches behind the checksum: it is corrected before the batch is sent.
func FuzzBatch(f *testing.F) {
	f.Add(clientBatch(), true)
	f.Add(buildBatch(f, frame.Header{Node: "x"}, "default", 3), true)
	f.Add(otherBatch("acme", "_audit"), false)
	d := newFuzzDoor(f)
	f.Fuzz(func(t *testing.T, body []byte, repair bool) {
		if repair && len(body) >= 16 {
			body = repaired(body)
		}
		if a, err := d.post(t, eventBatch, "", body); err == nil && a.stored() == 0 {
			t.Fatalf("a batch is all or nothing: %+v", a)
		}
	})
}

func FuzzPacked(f *testing.F) {
	body := benchBody(3, "[", ",", "]")
	f.Add(gz(body), "gzip")
	f.Add(zs(body), "zstd")
	f.Add(encodeAll(body), "zstd")
	d := newFuzzDoor(f)
	f.Fuzz(func(t *testing.T, body []byte, encoding string) {
		_, _ = d.post(t, "application/json", encoding, body)
	})
}
