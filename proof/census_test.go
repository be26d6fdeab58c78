package proof

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/leaves"
)

// TestCensusesWhileHashing: while nodes hash for minutes, seals go on ending, and floors go with the second flush behind them. No census is lost.
func TestCensusesWhileHashing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.floors = 2
		hang := make(chan struct{})
		for _, n := range r.nodes {
			n.hang = hang
		}
		r.start(t)
		for range 4 {
			r.store("d1", 5)
			r.change(func() { r.log.cut(); r.flush() })
			r.pass(time.Minute)
		}
		if r.state().SealedThrough() != 0 {
			t.Fatal("nothing was to be hashed")
		}
		close(hang)
		r.until("sealed", func() bool { return r.state().CountedThrough() == 4 })
		r.settled(r.nodes...)
		var told []string
		for _, line := range r.log.told() {
			if strings.HasPrefix(line, "seal") || strings.HasPrefix(line, "census") {
				told = append(told, line)
			}
		}
		if got := strings.Join(told, ", "); got != "seal 1 1, census 1 1, seal 2 1, census 2 1, seal 3 1, census 3 1, seal 4 1, census 4 1" {
			t.Errorf("the log tells %s", got)
		}
	})
}

// TestRestartBeforeTheReport: a census that was taken is not lost when the node restarts, or its file rots, before it has said it, while the floor is
// here.
func TestRestartBeforeTheReport(t *testing.T) {
	for name, spoil := range map[string]func(n *node, index uint64) error{
		"restart": func(*node, uint64) error { return nil },
		"rot": func(n *node, index uint64) error {
			return n.fs.Flip("proof/"+leaves.FileName(leaves.Census, index), 5, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 1)
				r.floors = 2
				n := r.nodes[0]
				r.store("d1", 5)
				r.change(func() { r.log.cut(); r.flush(); n.broken[r.manifest.Segments()[0].Name] = ErrNotYet })
				n.start()
				defer n.kill()
				r.pass(time.Minute)
				n.kill()
				if err := spoil(n, n.floor); err != nil {
					t.Fatal(err)
				}
				n.start()
				r.pass(time.Minute)
				r.change(func() { clear(n.broken) })
				r.until("sealed", func() bool { return r.state().CountedThrough() == 1 })
			})
		})
	}
}

// TestCensusOfAnEarlierLife: with its floor gone, too, a node says what its file holds, if the log tells which policy was in force.
func TestCensusOfAnEarlierLife(t *testing.T) {
	for _, told := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, 1)
			n := r.nodes[0]
			if told {
				r.log.s.Audited(1, 1, "", PolicyAction, "", "", fmt.Appendf(nil, `{"revision":1,"policy":%s}`, n.policy))
				r.log.take()
			}
			r.store("d1", 5)
			r.change(func() { r.log.cut(); r.flush(); n.broken[r.manifest.Segments()[0].Name] = ErrNotYet })
			n.start()
			defer n.kill()
			r.pass(time.Minute)
			n.kill()
			r.change(func() { n.gone[n.floor] = true; clear(n.broken) })
			n.start()
			r.until("sealed", func() bool { return r.state().SealedThrough() == 1 })
			r.pass(time.Minute)
			if got := r.state().CountedThrough(); got == 1 != told {
				t.Errorf("the log tells the policy: %t, and %d seals are counted", told, got)
			}
			if c, _, ok := n.sealer.CensusOf(n.floor); ok && c.Totals.Stored != 5 {
				t.Errorf("%+v", c)
			}
		})
	}
}

// TestCensusNamesTheStream: a node whose ledger is another one names the first stream in which it differs, and does not sign.
func TestCensusNamesTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		sick := r.nodes[2]
		sick.tweak = func(l *ledger.Ledger) {
			l.Arrive(&frame.Group{Stream: intern(t, l, "d2"), Bits: 64}, r.log.ms, r.log.ms, &frame.Item{Seq: 99, TimeNS: 1, Fingerprint: 1})
		}
		r.start(t)
		for _, d := range []string{"d1", "d2", "d3"} {
			r.store(d, 5)
		}
		r.seal(r.nodes[0])
		r.until("the stream is named", func() bool {
			list := sick.sealer.Differences()
			return len(list) == 1 && list[0].Stream != ""
		})
		d := sick.sealer.Differences()[0]
		if d.Census == 0 || d.Key.Device != "d2" || d.Stream != "default/d2/0" || !strings.Contains(d.What, "in both") || d.Against == "" || d.Want == d.Got {
			t.Errorf("the difference is %+v", d)
		}
		if sick.signed() || !strings.Contains(sick.output.String(), "stream=default/d2/0") {
			t.Errorf("it signs, or did not raise the alarm:\n%s", sick.output.String())
		}
		r.change(func() { sick.tweak = nil })
		r.store("d1", 5)
		r.seal(r.nodes[0])
		r.settled(sick)
	})
}

// TestCensusTakenAgain: one whose file was damaged is taken again, and compared again.
func TestCensusTakenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.start(t)
		n := r.nodes[0]
		r.store("d1", 5)
		r.seal(n)
		r.settled(n)
		name := leaves.FileName(leaves.Census, r.state().newest.Index)
		r.change(func() { n.tweak = func(l *ledger.Ledger) { intern(t, l, "d0") } })
		if err := errors.Join(n.fs.Flip("proof/"+name, 30, 1), n.ask(name)); !errors.Is(err, ErrNotCounted) {
			t.Fatal(err)
		}
		r.until("the difference is found", func() bool { return len(n.sealer.Differences()) == 1 })
	})
}

// intern makes a ledger know another stream.
func intern(t *testing.T, l *ledger.Ledger, device string) frame.StreamID {
	id, err := l.Intern(frame.StreamKey{Tenant: "default", Device: device, Stream: "0"})
	if err != nil {
		t.Error(err)
	}
	return id
}

// TestUncounted: a seal that is done with and has no census is an alarm on every node, once.
func TestUncounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		for i, n := range r.nodes {
			n.policy = fmt.Appendf(nil, `{"revision":%d}`, i)
		}
		r.start(t)
		r.store("d1", 5)
		if _, err := r.nodes[0].sealer.Seal(t.Context()); !errors.Is(err, ErrNoCensus) {
			t.Fatalf("with three censuses: %v", err)
		}
		r.pass(time.Minute)
		for _, n := range r.nodes {
			if got := testutil.ToFloat64(n.sealer.metrics.uncounted); got != 1 || strings.Count(n.output.String(), "a seal has no census") != 1 {
				t.Errorf("%s: %g seals without a census:\n%s", n.server, got, n.output.String())
			}
			if st := n.sealer.Status(); st.Sealed != 1 || st.Counted != 0 {
				t.Errorf("%+v", st)
			}
		}
		for _, n := range r.nodes {
			n.policy = []byte(`{"revision":7}`)
		}
		r.seal(r.nodes[0])
		r.pass(time.Minute)
		n := r.nodes[0]
		if got := testutil.ToFloat64(n.sealer.metrics.uncounted); got != 1 || n.sealer.Status().Counted != 2 {
			t.Errorf("%g seals without a census, %+v", got, n.sealer.Status())
		}
	})
}

// TestPendingCensuses: how many censuses differ of a seal that waits is shown, and that it waits, although its SEAL is in the log.
func TestPendingCensuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.log.voters = three
		r.nodes[0].policy = []byte(`{"revision":9}`)
		r.start(t)
		r.store("d1", 5)
		r.change(func() { r.log.cut(); r.flush() })
		r.until("both have spoken", func() bool {
			st := r.nodes[0].sealer.Status()
			return len(st.Pending) == 1 && len(st.Pending[0].Reported) == 2
		})
		if p := r.nodes[0].sealer.Status().Pending[0]; p.Roots != 1 || p.Censuses != 2 {
			t.Errorf("%+v", p)
		}
		if got := r.nodes[0].figures(); got["gapless_proof_pending_seals"] != 1 || got["gapless_proof_sealed_ordinal"] != 1 || got["gapless_proof_counted_ordinal"] != 0 {
			t.Errorf("%v", got)
		}
	})
}
