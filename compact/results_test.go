package compact

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/segment"
)

// TestLyingBuilder: a result that is whole, has the right number of frames and other values is found out by every other node.
func TestLyingBuilder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3, quick, func(o *Options) { o.Rebuild = false })
		for i := range 3 {
			r.flush(spread(30*i, 30)...)
		}
		liar := r.nodes[1]
		liar.stop()
		var plan *Plan
		r.until("a plan for the liar", func() bool {
			for _, p := range r.plans() {
				if p.Builder == liar.server {
					plan = p
				}
			}
			return plan != nil
		})
		r.pass(time.Second) // the leader has seen its plan, which is given up within the same instant
		r.mu.Lock()
		seq, before := r.seq, r.frames
		r.seq, r.frames = 0, map[string]bool{}
		times := spread(0, 90)
		times[45]++ // by a nanosecond
		info, file := r.build(1, times)
		r.seq, r.frames = seq, before
		r.mu.Unlock()
		liar.put(info, file)
		command, err := json.Marshal(builtCommand{plan.ID, liar.server, filesOf([]segment.Info{info})})
		if err != nil {
			t.Fatal(err)
		}
		if err := liar.Propose(t.Context(), KindBuilt, CommandVersion, command); err != nil {
			t.Fatal(err)
		}
		r.until("the plan ends", func() bool {
			return !slices.ContainsFunc(r.plans(), func(p *Plan) bool { return p.ID == plan.ID })
		})
		if _, edits := r.state(); edits > 0 {
			t.Errorf("a result with another time than its inputs takes effect")
		}
		r.pass(time.Second)
		said := r.nodes[0].output.String() + r.nodes[2].output.String()
		if !strings.Contains(said, "differs from its inputs") {
			t.Errorf("nobody complains:\n%s", said)
		}
		if kept := r.nodes[0].quarantined() + r.nodes[2].quarantined(); kept == 0 {
			t.Error("nobody kept the result as evidence")
		}
		r.calm(plan, 20*time.Second)
	})
}

// quarantined is how many files a node has put aside.
func (n *node) quarantined() int {
	files, err := n.fs.List(segmentsDir + "/quarantine")
	if err != nil {
		n.r.t.Error(err)
	}
	return len(files)
}

// calm makes sure that the inputs of a plan that came to nothing are left alone for a while.
func (r *rig) calm(over *Plan, d time.Duration) {
	r.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); r.pass(time.Second) {
		for _, p := range r.plans() {
			if p.ID != over.ID && slices.ContainsFunc(p.Inputs, func(i segment.Info) bool { return slices.Contains(namesOf(over.Inputs), i.Name) }) {
				r.t.Fatalf("plan %d has inputs of plan %d again, %s after that was given up", p.ID, over.ID, d-time.Until(end))
			}
		}
	}
}

// A leader whose manifest is not the newest plans nothing: an edit may wait for the floor of the sealed head.
func TestNoPlanBesideASealedHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3, quick, nil)
		r.seals(1)
		for i := range 3 {
			r.flush(spread(30*i, 30)...)
		}
		r.pass(time.Minute)
		if plans, edits := r.state(); plans+edits > 0 {
			t.Errorf("%d plans, %d edits beside a sealed head", plans, edits)
		}
		r.seals(0)
		r.settle()
		r.check()
		if got := len(r.nodes[0].manifest.Segments()); got != 1 {
			t.Errorf("three segments became %d", got)
		}
	})
}

func (r *rig) seals(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sealed = n
}

// put gives a node a file that no manifest lists.
func (n *node) put(info segment.Info, file []byte) {
	n.worker.hold(1<<60, info)
	n.write(&info, file)
}

// TestBuiltStaysUntilItIsKnown: floors come while the result of a merge is announced and nobody's state shows it yet. It is not removed as a file that nobody knows.
func TestBuiltStaysUntilItIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3, quick, nil)
		for i := range 3 {
			r.flush(spread(30*i, 30)...)
		}
		r.mu.Lock()
		r.lag = 3 * time.Second
		r.mu.Unlock()
		r.until("planned", func() bool { plans, _ := r.state(); return plans > 0 })
		for range 3 {
			r.flush() // before BUILT in the log
		}
		r.until("built", func() bool { return r.plans()[0].Outputs != nil })
		plan := r.plans()[0]
		for _, n := range r.nodes {
			if n.server != plan.Builder {
				continue
			}
			r.until("the builder is behind the floors", func() bool { _, built := n.plan(plan.ID); return built })
			if !n.shelf.Has(plan.Outputs[0]) {
				t.Error("the builder has removed what it built")
			}
		}
	})
}

// DONE waits for every node that lives, as long as a leader has patience: whoever has the result at the next floor need not pull it.
func TestDoneWaitsForWhoLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3, quick, func(o *Options) {
			if o.Server == "n3.3" {
				o.Fetch = func(context.Context, string, segment.Name, int64, int) ([]byte, error) {
					return nil, errors.New("cut off")
				}
			}
		})
		for i := range 3 {
			r.flush(spread(30*i, 30)...)
		}
		r.until("two have it", func() bool { p := r.plans(); return len(p) == 1 && len(p[0].Verified) == 2 })
		began := time.Now()
		r.until("done", func() bool { _, edits := r.state(); return edits > 0 })
		if waited := time.Since(began); waited < 9*time.Second || waited > 12*time.Second {
			t.Errorf("the third was waited for %s, want 10s", waited)
		}
	})
}

// plan is a plan as a node's state shows it, and whether it is built there.
func (n *node) plan(id uint64) (p *Plan, built bool) {
	section := n.Section()
	for _, p := range section.Plans() {
		if p.ID == id {
			return p, p.Outputs != nil
		}
	}
	return nil, false
}
