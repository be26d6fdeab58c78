package proof

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/proof/leaves"
)

// figures are a node's gauges and counters.
func (n *node) figures() map[string]float64 {
	families, err := n.registry.Gather()
	if err != nil {
		n.r.t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return got
}

// TestMetrics: what the page says of the gauges.
func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.start(t)
		n := r.nodes[0]
		r.store("d1", 5)
		r.seal(n)
		r.settled(n)
		r.tick(90 * time.Second)
		got, files := n.figures(), n.contents()
		for name, want := range map[string]float64{
			"gapless_proof_counted_ordinal": 1, "gapless_proof_pending_seals": 0, "gapless_proof_uncounted_total": 0,
			"gapless_proof_tree_records": 3, "gapless_proof_checkpoint_records": 3,
			"gapless_proof_bytes log":    float64(len(files[storeName])),
			"gapless_proof_bytes strips": float64(len(files[leaves.FileName(leaves.Strips, 1)])),
			"gapless_proof_bytes census": float64(len(files[leaves.FileName(leaves.Census, r.state().newest.Index)])),
		} {
			if got[name] != want {
				t.Errorf("%s is %g, want %g", name, got[name], want)
			}
		}
		if age := got["gapless_proof_census_age_seconds"]; age < 90 || age > 100 {
			t.Errorf("the census is %g s old", age)
		}
		if st := n.sealer.Status(); st.Checkpoint.Time == "" || st.Counted != 1 {
			t.Errorf("%+v", st)
		}
	})
}

// TestWaitsInSilence: what is on its way here is no warning; what fails is one in five seconds.
func TestWaitsInSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		n := r.nodes[0]
		r.store("d1", 5)
		r.change(func() {
			r.log.cut()
			r.flush()
			n.broken[r.manifest.Segments()[0].Name] = fmt.Errorf("%w: it is being pulled", ErrNotYet)
		})
		r.start(t)
		r.pass(time.Minute)
		if out := n.output.String(); strings.Contains(out, "level=WARN") || !strings.Contains(out, "it is being pulled") {
			t.Errorf("it warns, or keeps it to itself:\n%s", out)
		}
		r.change(func() { n.broken[r.manifest.Segments()[0].Name] = errors.New("the disk is sick") })
		r.pass(time.Minute)
		if got := strings.Count(n.output.String(), "level=WARN"); got < 5 || got > 13 {
			t.Errorf("%d warnings in a minute", got)
		}
	})
}

// TestHashingIsLimited: every byte of frames that hashing reads is asked for before; what says where they are is not.
func TestHashingIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.start(t)
		r.store("d1", 20_000)
		r.seal(r.nodes[0])
		n := r.nodes[0]
		asked, read := int64(r.peek(&n.limited)), r.bytesRead.Load()
		r.mu.Lock()
		r.reader(r.manifest.Segments()[0].Name)
		r.mu.Unlock()
		opening := r.bytesRead.Load() - read
		const heads = 256
		if hashed := read - opening; r.peek(&n.opened) != 1 || asked > hashed || asked < hashed-heads || hashed < 4*heads {
			t.Errorf("%d bytes were asked for, and %d read", asked, hashed)
		}
	})
}
