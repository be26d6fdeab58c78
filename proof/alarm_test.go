package proof

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestDisputedCensus: seals that wait for the census of a node that is away, while those of the others differ, are an alarm at once. When a later seal
// has its census, each of them is one that has none, on every node, once; also on one that was down in between.
func TestDisputedCensus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.nodes = r.nodes[:2]
		r.nodes[0].policy = []byte(`{"revision":9}`)
		r.start(t)
		cut := func() { r.store("d1", 5); r.change(func() { r.log.cut(); r.flush() }) }
		for i := range 3 {
			cut()
			r.until("both have spoken", func() bool {
				st := r.nodes[0].sealer.Status()
				return len(st.Pending) == i+1 && len(st.Pending[i].Reported) == 2
			})
			r.pass(time.Hour)
			for _, n := range r.nodes {
				got, told := n.figures(), strings.Count(n.output.String(), "and they differ")
				if got["gapless_proof_disputed_censuses"] != float64(i+1) || told != i+1 || got["gapless_proof_uncounted_total"] != 0 {
					t.Errorf("%s with %d seals: %v, told %d times", n.server, i+1, got, told)
				}
			}
		}
		r.nodes[1].kill()
		r.nodes[1].start()
		r.pass(time.Minute)
		r.change(func() { r.nodes[0].policy = r.nodes[1].policy })
		cut()
		r.until("counted", func() bool { return r.state().CountedThrough() == 4 })
		r.pass(time.Minute)
		for _, n := range r.nodes {
			got, told := n.figures(), strings.Count(n.output.String(), "a seal has no census")
			if got["gapless_proof_uncounted_total"] != 3 || told != 3 || got["gapless_proof_disputed_censuses"] != 0 {
				t.Errorf("%s: %v, told %d times", n.server, got, told)
			}
		}
		cut()
		r.until("counted", func() bool { return r.state().CountedThrough() == 5 })
		r.nodes[1].kill()
		r.nodes[1].start()
		r.pass(time.Minute)
		for i, want := range []float64{3, 0} { // the second one was told in its life before
			if got := r.nodes[i].figures()["gapless_proof_uncounted_total"]; got != want {
				t.Errorf("%s: %g seals without a census, want %g", r.nodes[i].server, got, want)
			}
		}
	})
}

// TestOneLiarIsNoDispute: a census that differs beside a majority is the trouble of the node that said it.
func TestOneLiarIsNoDispute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.nodes[2].policy = []byte(`{"revision":9}`)
		r.start(t)
		r.store("d1", 5)
		r.seal(r.nodes[0])
		r.pass(time.Minute)
		for _, n := range r.nodes {
			if got := n.figures(); got["gapless_proof_disputed_censuses"] != 0 || got["gapless_proof_uncounted_total"] != 0 {
				t.Errorf("%s: %v", n.server, got)
			}
		}
	})
}

// TestCensusDisputed: a majority has spoken, and no majority says the same.
func TestCensusDisputed(t *testing.T) {
	for said, want := range map[string]bool{"": false, "a": false, "ab": true, "aa": false, "aab": false, "abc": true, "a-": false, "ab-": true} {
		c := Cut{}
		for i, b := range said {
			r := Roots{Server: three[i]}
			if b != '-' {
				r.Census = &CensusRoot{Root: string(b)}
			}
			c.Reports = append(c.Reports, r)
		}
		if got := c.censusDisputed(three); got != want {
			t.Errorf("%q: %t", said, got)
		}
	}
}
