package proof

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/proof/leaves"
)

// TestNoCensusWithoutRoom: while the disk is full no ledger is read for a census that could not be written. Once there is room it is taken.
func TestNoCensusWithoutRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.start(t)
		n := r.nodes[0]
		r.settled(n)
		r.store("d1", 5)
		n.fs.SetCapacity(1 << 20) // far less than what stays free
		r.change(func() { r.log.cut(); r.flush() })
		r.pass(time.Minute)
		if read := r.peek(&n.ledgers); read != 0 {
			t.Errorf("the ledger was read %d times", read)
		}
		n.fs.SetCapacity(-1)
		r.until("counted", func() bool { return r.state().CountedThrough() == 1 })
		if _, here := n.sealer.archive.Has(leaves.Census, r.state().index); !here || r.peek(&n.ledgers) != 1 {
			t.Errorf("here: %t, the ledger was read %d times", here, r.peek(&n.ledgers))
		}
	})
}
