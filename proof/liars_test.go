package proof

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// lie lets n1 and n2, which do not run, say of an ordinal what n3 said of it, changed. It is agreed on.
func (r *rig) lie(ordinal uint32, f func(said *Roots)) {
	r.t.Helper()
	r.until("n3 has said", func() bool {
		said, ok := r.state().cuts[0].Report("n3.c")
		return ok && said.Census != nil
	})
	r.change(func() {
		said, _ := r.log.s.cuts[0].Report("n3.c")
		c := *said.Census
		said.Census = &c
		f(&said)
		for _, server := range three[:2] {
			if len(r.log.s.cuts) == 0 { // the truth takes one of them
				break
			}
			said.Server, said.Ordinal, said.Signature = server, ordinal, ""
			r.log.want("", KindRoots, said)
		}
	})
}

// TestLiesInNumbers: the majority has the right roots, and says other numbers beside them. An honest node does not sign that, also when it learns of it
// in its next life, with nothing but its files.
func TestLiesInNumbers(t *testing.T) {
	for name, tt := range map[string]struct {
		lie  func(said *Roots)
		want string // "" for the truth
	}{
		"nothing":          {func(*Roots) {}, ""},
		"frames":           {func(said *Roots) { said.Content.Frames++ }, "the strips hold 3 frames, the SEAL counts 4"},
		"totals":           {func(said *Roots) { said.Census.Totals.Lost++ }, "the totals differ"},
		"policy of a file": {func(said *Roots) { said.Census.Policy = strings.Repeat("0", 64) }, "or the policy in force"},
	} {
		for _, restarted := range []bool{false, true} {
			t.Run(name+map[bool]string{true: " in the next life"}[restarted], func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, 3)
					honest := r.nodes[2]
					for _, n := range r.nodes[:2] {
						r.log.want("", KindKey, keyCommandOf(t, keyOf(t, r.log.unused()), n.server))
					}
					r.nodes = r.nodes[2:]
					r.log.s.Audited(r.log.index, r.log.ms, "", PolicyAction, "", "ops", []byte(`{"revision":1,"policy":`+string(honest.policy)+`}`))
					r.log.take()
					honest.start()
					t.Cleanup(func() { honest.kill() })
					r.store("d1", 3)
					r.change(func() { r.log.cut(); r.flush() })
					if restarted {
						r.until("n3 has said", func() bool { return len(r.state().cuts[0].Reports) == 1 })
						honest.kill()
					}
					r.lie(1, tt.lie)
					if restarted {
						honest.start()
					}
					if tt.want == "" {
						r.settled(honest)
						return
					}
					r.until("n3 objects", func() bool { return strings.Contains(honest.sealer.Status().Objection, tt.want) })
					r.pass(time.Minute)
					if honest.signed() || len(honest.sealer.Differences()) != 1 {
						t.Errorf("signed: %t, differences %+v", honest.signed(), honest.sealer.Differences())
					}
				})
			})
		}
	}
}
