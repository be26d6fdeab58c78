package verify_test

import (
	"testing"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
)

// TestReachesIntoATime: a device closed its counter in a time and began another one, of which nothing is stored there. What it numbered there, and lost,
// nobody knows, unless it said where the new counter begins, and what is stored of that lies behind the time.
func TestReachesIntoATime(t *testing.T) {
	const hour = 3600_000
	one := uint64(1)
	on := func(epoch string) ledger.Subject { return world.On("default", "d", epoch) }
	closed := func(w *world.World) { w.End(ledger.Seal{Subject: on("e"), Last: 5}) }
	begun := func(w *world.World) {
		w.Heartbeat(ledger.Heartbeat{Subject: on("f"), HasFirst: true, First: 1, Next: 1})
	}
	frames := func(epoch string, first *uint64, from uint64) func(*world.World) {
		return func(w *world.World) {
			w.Send(world.Batch{Device: "d", Epoch: epoch, First: first, Seqs: world.Seqs(from, 60)})
		}
	}
	for name, tt := range map[string]struct {
		in, behind []func(*world.World) // the time
		code       int
	}{
		"closed":                       {in: does(closed), code: verify.CodeComplete},
		"closed, its second first one": {does(closed), does(frames("f", &one, 1)), verify.CodeComplete},
		"closed, and lost some of it":  {does(closed), does(frames("f", nil, 50)), verify.CodeCompleteBetweenSeen},
		"a successor, and lost some of it": {nil, does(frames("f", nil, 50), func(w *world.World) {
			w.Heartbeat(ledger.Heartbeat{Subject: on("f"), Next: 61, HasPrev: true, Prev: "e", PrevLast: 5})
		}), verify.CodeCompleteBetweenSeen},
		"begun, and never heard of again":  {does(closed, begun), nil, verify.CodeCompleteBetweenSeen},
		"begun, and still without numbers": {does(closed, begun), does(begun), verify.CodeComplete},
		"begun, then frames":               {does(closed, begun), does(frames("f", nil, 1)), verify.CodeComplete},
		"begun, never heard of again, and a third": {does(closed, begun), does(frames("g", &one, 1)),
			verify.CodeCompleteBetweenSeen},
		"a second with all its numbers, and a third without": {does(closed), does(frames("f", &one, 1), frames("g", nil, 50)), verify.CodeComplete},
		"a word on a second that has lost all": {does(closed), does(func(w *world.World) {
			w.Heartbeat(ledger.Heartbeat{Subject: on("f"), Next: 50})
		}), verify.CodeCompleteBetweenSeen},
		"the first one goes on behind the time": {nil, does(func(w *world.World) {
			w.Send(world.Batch{Device: "d", Epoch: "e", Seqs: world.Seqs(6, 9)})
		}, frames("f", nil, 50)), verify.CodeComplete},
		"another stream of it": {does(closed), does(func(w *world.World) {
			w.Send(world.Batch{Device: "d", Stream: "b", Epoch: "f", Seqs: world.Seqs(50, 60)})
		}), verify.CodeIndeterminate},
	} {
		w := world.New(t, "plant")
		begin := w.MS
		for _, d := range []string{"a", "d"} {
			w.Send(world.Batch{Device: d, Epoch: "e", First: &one, Seqs: world.Seqs(1, 5)})
		}
		w.End(ledger.Seal{Subject: world.On("default", "a", "e"), Last: 5})
		all(w, tt.in)
		to := w.MS + hour/2
		w.MS += hour
		all(w, tt.behind)
		w.Settle()
		w.Cut()
		req := prefix("")
		req.Scope.Time = []string{stamp(begin), stamp(to)}
		want(t, name, run(t, input(w, w.Certify(req))), tt.code)
	}
}

func does(list ...func(*world.World)) []func(*world.World) { return list }

func all(w *world.World, list []func(*world.World)) {
	for _, do := range list {
		do(w)
	}
}
