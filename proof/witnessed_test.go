package proof

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/proof/sign"
)

// TestWitnessed: what a witness signed becomes part of the newest checkpoint on every node; for an older one it is no use and no error; what the
// cluster does not take is an error, so that whoever asks does not ask for ever.
func TestWitnessed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		known, err := keyOf(t, 96).VerifierKey("witness.example/w1")
		if err != nil {
			t.Fatal(err)
		}
		r.witnesses = []sign.VerifierKey{known}
		r.start(t)
		r.store("d1", 3)
		r.seal(r.nodes[0])
		r.settled(r.nodes...)
		checkpoint := func() sign.Checkpoint {
			newest := r.log.s.Newest()
			return sign.Checkpoint{Origin: r.log.s.Origin(), Size: newest.Size, Root: newest.Root}
		}
		of := func(node int, c sign.Checkpoint, lines ...string) error {
			return r.nodes[node].sealer.Witnessed(t.Context(), c, lines)
		}
		first := checkpoint()
		line := r.log.witnessLine(96, "witness.example/w1", 1)
		if err := of(1, first, line); err != nil {
			t.Fatal(err)
		}
		for _, n := range r.nodes {
			if st := n.sealer.Status(); len(st.Checkpoint.Signers) != 4 || st.Checkpoint.Signers[3] != "witness.example/w1" {
				t.Errorf("%s: signed by %v", n.server, st.Checkpoint.Signers)
			}
		}
		if err := of(2, first, r.log.witnessLine(96, "witness.example/w1", 2)); err != nil || len(r.log.s.Newest().Witnesses) != 1 {
			t.Errorf("the same witness again: %v, %q", err, r.log.s.Newest().Witnesses)
		}
		var many []string
		for i := range maxWitnesses + 1 {
			many = append(many, r.log.witnessLine(97, fmt.Sprintf("many.example/%d", i), 1))
		}
		if err := of(0, first, many...); err == nil || !strings.Contains(err.Error(), CodeBadSignature) {
			t.Errorf("more than a checkpoint has room for: %v", err)
		}
		if err := of(0, first, many[0], flip(line)); err != nil {
			t.Error(err)
		}
		if st := r.nodes[0].sealer.Status(); len(r.log.s.Newest().Witnesses) != 2 || len(st.Checkpoint.Signers) != 3 {
			t.Errorf("of %q, which no known witness made, it shows %v", r.log.s.Newest().Witnesses, st.Checkpoint.Signers)
		}
		if err := of(0, first, line); err != nil || len(r.nodes[0].sealer.Status().Checkpoint.Signers) != 4 {
			t.Errorf("the right line again: %v", err)
		}
		if err := of(0, first, "not a line"); err == nil {
			t.Error("something else was taken")
		}
		r.store("d1", 3)
		r.seal(r.nodes[0])
		r.settled(r.nodes...)
		if err := of(0, first, line); err != nil || checkpoint().Size == first.Size || len(r.log.s.Newest().Witnesses) != 0 {
			t.Errorf("the checkpoint has moved on: %v, %q", err, r.log.s.Newest().Witnesses)
		}
		r.mu.Lock()
		r.leader = -1
		r.mu.Unlock()
		if err := of(0, checkpoint(), r.log.witnessLine(96, "witness.example/w1", 3)); err == nil {
			t.Error("taken without a leader")
		}
		r.pass(time.Second)
	})
}
