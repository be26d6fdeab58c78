package query

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/valyala/fasthttp"
)

// prover is a Prover of the frames up to an ordinal.
type prover struct {
	asked []StoredFrame
	err   error
}

func (p *prover) ProveFrame(_ context.Context, f StoredFrame) (*Inclusion, error) {
	p.asked = append(p.asked, f)
	if p.err != nil || f.Seal == 0 {
		return nil, p.err
	}
	leaf := func(i int64) ProvenLeaf {
		return ProvenLeaf{Index: i, Size: i + 1, Data: []byte{byte(i)}, Proof: []merkle.Hash{{31: byte(i)}, {}}}
	}
	return &Inclusion{Group: leaf(1), Strip: leaf(2), Seal: leaf(3), Checkpoint: "gapless/x\n4\n"}, nil
}

// TestTraceProof: the proof of a stored frame is in the answer once there is one.
func TestTraceProof(t *testing.T) {
	s, p := scenario(t), &prover{}
	srv := newServer(t, s, Options{Prover: p})
	if a := srv.trace(t, "mill-07", 1, 5); string(a.Seal.Proof) != "null" || len(p.asked) != 1 {
		t.Errorf("not sealed yet: %+v, asked %+v", a.Seal, p.asked)
	}
	srv.trace(t, "mill-07", 1, 3)
	s.seal()
	s.flush(t)
	a := srv.trace(t, "mill-07", 1, 5)
	want := `{"group":{"index":1,"size":2,"data":"AQ==","proof":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=","AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]},` +
		`"strip":{"index":2,"size":3,"data":"Ag==","proof":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI=","AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]},` +
		`"seal":{"index":3,"size":4,"data":"Aw==","proof":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAM=","AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]},"checkpoint":"gapless/x\n4\n"}`
	if string(a.Seal.Proof) != want {
		t.Errorf("%s", a.Seal.Proof)
	}
	if got := p.asked[len(p.asked)-1]; len(p.asked) != 2 || got != (StoredFrame{
		Stream: frame.StreamKey{Tenant: "t1", Device: "mill-07", Stream: "0"}, Epoch: 1, Seq: 5, Position: frame.Position{History: 1, Index: 1,
			Ordinal: 3}, Seal: 1,
	}) {
		t.Errorf("asked %+v", p.asked)
	}
	p.err = &Error{Status: http.StatusServiceUnavailable, Code: "not_ready", Message: "it is being counted", Hint: "wait"}
	a = srv.trace(t, "mill-07", 1, 5)
	if e := a.Seal.Error; a.Result != "stored" || string(a.Seal.Proof) != "null" || e == nil || *e != (traceUnproven{"not_ready",
		"it is being counted", "wait"}) {
		t.Errorf("without a proof: %+v", a.Seal)
	}
	p.err = errors.New("a fault")
	if status, body := srv.get("t1", "/v1/trace/mill-07/1/5"); status != http.StatusInternalServerError {
		t.Errorf("%d %s", status, body)
	}
}

// FuzzTracePath asks for any number of any epoch: an answer, or an error with a code.
func FuzzTracePath(f *testing.F) {
	for _, seed := range []string{"1 3", "current 5", "0 0", "1 9223372036854775807", "1 99999999999999999999", "01 07", "+1 1", "x y"} {
		epoch, seq, _ := strings.Cut(seed, " ")
		f.Add("mill-07", epoch, seq, "stream=0")
	}
	s := scenario(f)
	s.seal()
	s.flush(f)
	api := newAPI(f, s, Options{})
	f.Fuzz(func(t *testing.T, device, epoch, seq, query string) {
		var ctx fasthttp.RequestCtx
		ctx.Request.SetRequestURI("/")
		ctx.Request.URI().SetQueryString(query)
		for name, value := range map[string]string{"device": device, "epoch": epoch, "seq": seq} {
			ctx.SetUserValue(name, value)
		}
		for _, e := range endpoints {
			if e.name != "trace" {
				continue
			}
			err := api.handler(e)(&ctx, auth.Principal{Tenant: "t1", Scopes: auth.Read})
			if code := codeOf(err); code == "internal" || (err == nil) != (len(ctx.Response.Body()) > 0) {
				t.Fatal(fmt.Sprintf("%q %q %q %q:", device, epoch, seq, query), err)
			}
		}
	})
}
