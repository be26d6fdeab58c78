package verify_test

import (
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
)

// TestTailOfATime: a device named its last number, and then its line was down while the time that somebody asks for went on. What it numbered there, and
// whether it did, nobody knows until it speaks again.
func TestTailOfATime(t *testing.T) {
	const hour = 3600_000
	one := uint64(1)
	for name, tt := range map[string]struct {
		tell  func(w *world.World) // two hours later
		to    int64                // behind the device's first word
		code  int
		basis string
	}{
		"said when it was over":    {nil, 0, verify.CodeComplete, "watermark"},
		"said before":              {nil, 1, verify.CodeCompleteBetweenSeen, "watermark"},
		"said long before":         {nil, 2 * hour, verify.CodeCompleteBetweenSeen, "watermark"},
		"said again behind it":     {func(w *world.World) { w.Heartbeat(lifeAt("d", "e", 6)) }, 2 * hour, verify.CodeComplete, "watermark"},
		"said again, before":       {func(w *world.World) { w.Heartbeat(lifeAt("d", "e", 6)) }, 2*hour + 1, verify.CodeCompleteBetweenSeen, "watermark"},
		"more was said":            {func(w *world.World) { w.Heartbeat(lifeAt("d", "e", 9)) }, 2 * hour, verify.CodeIncomplete, "watermark"},
		"less was said":            {func(w *world.World) { w.Heartbeat(lifeAt("d", "e", 5)) }, 2 * hour, verify.CodeCompleteBetweenSeen, "watermark"},
		"a frame behind it":        {func(w *world.World) { w.Send(world.Batch{Device: "d", Epoch: "e", Seqs: world.Seqs(6, 7)}) }, hour, verify.CodeComplete, "last_seen"},
		"closed":                   {func(w *world.World) { w.End(ledger.Seal{Subject: world.On("default", "d", "e"), Last: 5}) }, 2 * hour, verify.CodeComplete, "seal"},
		"closed, and time goes on": {func(w *world.World) { w.End(ledger.Seal{Subject: world.On("default", "d", "e"), Last: 5}) }, 3 * hour, verify.CodeComplete, "seal"},
	} {
		w := world.New(t, "plant")
		begin := w.MS
		w.Send(world.Batch{Device: "d", Epoch: "e", First: &one, Seqs: world.Seqs(1, 5)})
		said := w.MS
		w.Heartbeat(lifeAt("d", "e", 6))
		w.MS += 2 * hour
		if tt.tell != nil {
			tt.tell(w)
		}
		w.MS += 2 * hour
		w.Settle()
		w.Cut()
		req := devices("d")
		req.Scope.Time = []string{stamp(begin), stamp(said + tt.to)}
		c := w.Certify(req)
		got := run(t, input(w, c))
		want(t, name, got, tt.code)
		e := &c.Streams[0].Epochs[0]
		open := tt.code == verify.CodeCompleteBetweenSeen
		told := slices.ContainsFunc(c.NotProven, func(c certificate.Caveat) bool { return c.Code == "tail" })
		if e.Tail.Basis != tt.basis || slices.Contains(e.Reasons, ledger.ReasonTail) != open || told != open {
			t.Errorf("%s: %+v, reasons %v, said not to be proven: %v", name, e.Tail, e.Reasons, c.NotProven)
		}
		if (e.Tail.DeclaredAt != "") != (tt.basis == "watermark") || tt.tell == nil && e.Tail.DeclaredAt != stampOf(said) {
			t.Errorf("%s: declared at %q, the device said so at %s", name, e.Tail.DeclaredAt, stampOf(said))
		}
	}
}

// TestFrameOutside: a certificate says nothing of numbers that it is not about.
func TestFrameOutside(t *testing.T) {
	w, one := world.New(t, "plant"), uint64(1)
	begin := w.MS
	w.Send(world.Batch{Device: "d", Epoch: "e", First: &one, Seqs: world.Seqs(1, 100, 50)})
	w.Settle()
	w.Send(world.Batch{Device: "d", Epoch: "f", First: &one, Seqs: world.Seqs(1, 100)})
	w.Settle()
	w.Cut()
	epochs, seq, times := devices("d"), devices("d"), devices("d")
	epochs.Scope.Epochs = []uint32{2}
	seq.Scope.Seq = []uint64{1, 10}
	times.Scope.Time = []string{stamp(begin + 100), stamp(begin + 200)}
	for _, tt := range []struct {
		req     certificate.Request
		about   []string
		nothing []string
	}{
		{epochs, []string{"d/2/7", "d/2/101"}, []string{"d/1/7", "d/1/50"}},
		{seq, []string{"d/1/1", "d/2/10"}, []string{"d/1/11", "d/1/50", "d/2/70", "d/1/0"}},
		{times, []string{"d/1/11"}, []string{"d/1/1", "d/1/50", "d/2/1"}},
	} {
		c := w.Certify(tt.req)
		in := input(w, c)
		verdict := run(t, in).Code
		for _, f := range tt.about {
			in.Frame = f
			want(t, f, run(t, in), verdict)
		}
		for _, f := range tt.nothing {
			in.Frame = f
			if got := run(t, in); got.Code != verify.CodeUsage || got.Frame != nil {
				t.Errorf("%v: %s: code %d, %+v (%v)", c.Scope, f, got.Code, got.Frame, c.Streams[0].Epochs[0].Seq)
			}
		}
	}
}

// TestFellSilent: a device named its last number before the time, fell silent, and began anew in it. What it numbered in between, nobody knows.
func TestFellSilent(t *testing.T) {
	const hour = 3600_000
	one := uint64(1)
	for name, tt := range map[string]struct {
		before func(w *world.World) // the time begins
		again  int64                // when the new epoch begins, behind the beginning of the time
		code   int
	}{
		"it began anew in the time":     {nil, hour, verify.CodeCompleteBetweenSeen},
		"it had begun anew before":      {nil, -50, verify.CodeComplete},
		"it had closed the first epoch": {func(w *world.World) { w.End(ledger.Seal{Subject: world.On("default", "d", "e"), Last: 5}) }, hour, verify.CodeComplete},
	} {
		w := world.New(t, "plant")
		w.Send(world.Batch{Device: "d", Epoch: "e", First: &one, Seqs: world.Seqs(1, 5)})
		w.Heartbeat(lifeAt("d", "e", 6))
		if tt.before != nil {
			tt.before(w)
		}
		w.MS += hour
		from := w.MS
		w.MS += tt.again
		w.Send(world.Batch{Device: "d", Epoch: "f", First: &one, Seqs: world.Seqs(1, 9)})
		w.MS += hour
		to := w.MS
		w.Heartbeat(lifeAt("d", "f", 10))
		w.Settle()
		w.Cut()
		req := devices("d")
		req.Scope.Time = []string{stamp(from), stamp(to)}
		c := w.Certify(req)
		want(t, name, run(t, input(w, c)), tt.code)
		if e := c.Streams[0].Epochs; len(e[0].Seq) != 0 || len(e[1].Seq) == 0 || e[1].Verdict != ledger.Complete.String() {
			t.Errorf("%s: %v %v %s", name, e[0].Seq, e[1].Seq, e[1].Verdict)
		}
	}
}
