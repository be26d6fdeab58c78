package ledger

import (
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// Whatever single counter or list is broken on purpose, balance, drift or Check shows it.
func TestABrokenLedgerShows(t *testing.T) {
	g := func(r *rig) *frame.Group { return &frame.Group{Stream: r.id, Epoch: "a"} }
	for name, broken := range map[string]func(e *epoch){
		"stored":          func(e *epoch) { e.stored++ },
		"open":            func(e *epoch) { e.rare.nOpen-- },
		"lost":            func(e *epoch) { e.rare.nLost++ },
		"declared":        func(e *epoch) { e.rare.nDeclared++ },
		"shed":            func(e *epoch) { e.rare.nShed-- },
		"rejected":        func(e *epoch) { e.rare.nRejected++ },
		"expired":         func(e *epoch) { e.rare.nExpired++ },
		"two that cancel": func(e *epoch) { e.rare.nOpen++; e.rare.nLost-- },
		"stored and lost": func(e *epoch) { e.stored--; e.rare.nLost++ },
		"coverage":        func(e *epoch) { e.cov.tail.first-- },
		"coverage grows":  func(e *epoch) { e.cov.Add(20) },
		"forgotten tail":  func(e *epoch) { e.next-- },
		"forgotten head":  func(e *epoch) { e.base++ },
		"open gap":        func(e *epoch) { e.rare.open.replace(spot{}, spot{0, 1}) },
		"cause":           func(e *epoch) { e.rare.facts.replace(spot{}, spot{0, 1}) },
		"other cause":     func(e *epoch) { e.rare.facts.chunks[0].items[0].cause = frame.CauseShedDisk },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Policy{})
			r.run("a", 0, 9)
			r.run("a", 15, 19)
			r.settle() // 10..14 lost
			for i, c := range []frame.Cause{frame.CauseRejectedSchema, frame.CauseShedQuota, frame.CauseErased} {
				if _, _, ok := r.l.Reject(g(r), uint64(20+i), r.ms, r.ms, c); !ok {
					t.Fatal("reject is not attributed")
				}
			}
			r.lost(DeclareLost{Subject: Subject{Epoch: "a"}, From: 24, To: 25})
			r.run("a", 30, 31) // 23 and 26..29 open
			if b := r.l.TotalBalance(); b != (Balance{Expected: 32, Stored: 17, Open: 5, Lost: 5, Declared: 2, Shed: 1, Rejected: 1, Expired: 1}) {
				t.Fatalf("before: %+v", b)
			}
			r.check()
			broken(r.l.stream(r.id).cur)
			b := r.l.TotalBalance()
			if one, _ := r.l.EpochBalance(r.id, 1); one != b {
				t.Errorf("the epoch's balance %+v is not the total %+v", one, b)
			}
			if name == "stored" && (b.Drift != 1 || b.Balance != -1) {
				t.Errorf("%+v", b)
			}
			if (b.Balance == 0 && b.Drift == 0) || r.l.Check() == nil {
				t.Errorf("nothing shows: %+v, %v", b, r.l.Check())
			}
		})
	}
}
