package verify_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
)

func ptr[T any](v T) *T { return &v }

// prefix is the scope of all devices of the default tenant whose names begin so.
func prefix(p string) certificate.Request {
	return certificate.Request{Scope: certificate.Scope{Tenant: "default", Prefix: &p}}
}

func devices(names ...string) certificate.Request {
	return certificate.Request{Scope: certificate.Scope{Tenant: "default", Devices: names}}
}

// counts is a request without strips.
func counts(names ...string) certificate.Request {
	req := devices(names...)
	req.Scope.CountsOnly = true
	return req
}

// plant is a world with one device of each kind, in three ordinals:
//
//	done    everything there, both ends declared
//	gone    an end of the tail that was declared, and did not come
//	late    a number that came two ordinals later
//	lost    numbers that the device declared lost, in the second life of its counter
//	seen    everything between the first and the last one seen
//	waits   a gap that is open at the last cut
//	count   no numbers of its own
//
// and tenants before and after this one.
func plant(t testing.TB) *world.World {
	t.Helper()
	w := world.New(t, "plant")
	grow(w)
	return w
}

func grow(w *world.World) {
	one := uint64(1)
	for _, tenant := range []string{"before", "default", "zulu"} {
		w.Send(world.Batch{Tenant: tenant, Device: "done", Epoch: "e1", First: &one, Seqs: world.Seqs(1, 200)})
		w.Send(world.Batch{Tenant: tenant, Device: "seen", Seqs: world.Seqs(40, 120)})
	}
	w.Send(world.Batch{Device: "late", Epoch: "b", First: &one, Seqs: world.Seqs(1, 90, 77)})
	w.Send(world.Batch{Device: "lost", Epoch: "b", First: &one, Seqs: world.Seqs(1, 10)})
	w.Send(world.Batch{Device: "gone", Epoch: "b", First: &one, Seqs: world.Seqs(1, 150, 20, 21, 99)})
	w.Send(world.Batch{Device: "count", Unseq: true, Seqs: world.Seqs(1, 9)})
	w.Send(world.Batch{Device: "_own", Seqs: world.Seqs(1, 5)})
	w.Settle()
	w.Cut()
	w.Send(world.Batch{Device: "lost", Epoch: "c", First: &one, Seqs: world.Seqs(1, 100, 50, 51)})
	w.Lost(ledger.DeclareLost{Subject: world.On("default", "lost", "c"), From: 50, To: 51, Reason: "ring <full> & \"old\""})
	w.Heartbeat(ledger.Heartbeat{Subject: world.On("default", "lost", "c"), Next: 101, HasPrev: true, Prev: "b", PrevLast: 10})
	w.Heartbeat(ledger.Heartbeat{Subject: world.On("default", "gone", "b"), Next: 161})
	w.Send(world.Batch{Tenant: "zulu", Device: "done", Epoch: "e1", Seqs: world.Seqs(201, 210)})
	w.Settle()
	w.Cut()
	w.Send(world.Batch{Device: "late", Epoch: "b", Seqs: []uint64{77}})
	w.Heartbeat(ledger.Heartbeat{Subject: world.On("default", "late", "b"), Next: 91})
	for _, tenant := range []string{"before", "default", "zulu"} {
		w.End(ledger.Seal{Subject: world.On(tenant, "done", "e1"), Last: map[string]uint64{"zulu": 210}[tenant] + map[string]uint64{"before": 200, "default": 200}[tenant]})
	}
	w.Settle()
	w.Send(world.Batch{Device: "waits", Epoch: "a", First: &one, Seqs: world.Seqs(1, 30, 12)})
	w.Cut()
}

// input is a check of a certificate with everything that there is.
func input(w *world.World, c *certificate.Certificate) verify.Input {
	return verify.Input{Certificate: w.Encode(c), Policy: w.Policy(), Files: verify.Dir(w.FS, world.SegmentDir)}
}

func run(t testing.TB, in verify.Input) verify.Report {
	t.Helper()
	return verify.Run(context.Background(), in)
}

// want holds a report against the code that it should have.
func want(t testing.TB, what string, got verify.Report, code int) {
	t.Helper()
	last := verify.Line{Text: "no check"}
	if n := len(got.Checks); n > 0 {
		last = got.Checks[n-1]
	}
	if got.Code != code {
		t.Errorf("%s: code %d, want %d; last check %s: %s", what, got.Code, code, last.Name, last.Text)
	}
}

func TestVerdicts(t *testing.T) {
	w := plant(t)
	for _, tt := range []struct {
		req   certificate.Request
		code  int
		texts string // in the certificate
	}{
		{devices("done"), verify.CodeComplete, `"expected":200,"stored":200`},
		{devices("late"), verify.CodeComplete, `"missing":0`},
		{devices("seen"), verify.CodeCompleteBetweenSeen, `"head_not_declared","tail_not_declared"`},
		{devices("lost"), verify.CodeExplained, `"reason":"ring <full> & \"old\""`},
		{devices("gone"), verify.CodeIncomplete, `"from":151,"to":160`},
		{devices("waits"), verify.CodeIncomplete, `"open":1`},
		{devices("count"), verify.CodeIndeterminate, `"numbering":"server"`},
		{devices("done", "late"), verify.CodeComplete, `"devices":2`},
		{devices("done", "nobody"), verify.CodeIndeterminate, `"absent":["nobody"]`},
		{devices("nobody"), verify.CodeIndeterminate, `"streams":0`},
		{prefix("d"), verify.CodeComplete, `"devices":1`},
		{prefix(""), verify.CodeIndeterminate, `"devices":7`},
		{prefix("_"), verify.CodeCompleteBetweenSeen, `"devices":1`},
		{prefix("x"), verify.CodeIndeterminate, `"devices":0`},
	} {
		name := tt.req.Scope.Tenant + "/" + strings.Join(tt.req.Scope.Devices, ",")
		if tt.req.Scope.Prefix != nil {
			name += *tt.req.Scope.Prefix + "*"
		}
		c := w.Certify(tt.req)
		in := input(w, c)
		if !strings.Contains(string(in.Certificate), tt.texts) {
			t.Errorf("%s: no %s in %.3000s", name, tt.texts, in.Certificate)
		}
		want(t, name, run(t, in), tt.code)
		in.Files = nil
		want(t, name+" without segments", run(t, in), tt.code)
	}
}

// lifeAt is a heartbeat of a device of the default tenant.
func lifeAt(device, epoch string, next uint64) ledger.Heartbeat {
	return ledger.Heartbeat{Subject: world.On("default", device, epoch), Next: next}
}
