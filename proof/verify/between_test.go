package verify_test

import (
	"testing"

	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
	"github.com/gaplessdb/gapless/segment"
)

// TestRowsBetween: rows of an ordinal that is not shown decide nothing, also where it lies between two that are.
func TestRowsBetween(t *testing.T) {
	w := world.New(t, "plant")
	w.Send(world.Batch{Device: "d", Seqs: world.Seqs(1, 5)})
	w.Cut()
	w.Send(world.Batch{Device: "other", Seqs: world.Seqs(1, 5)})
	w.Cut()
	w.Send(world.Batch{Device: "d", Seqs: world.Seqs(6, 9)})
	w.Settle()
	w.Cut()
	c := w.Certify(devices("d"))
	want(t, "honest files", run(t, input(w, c)), verify.CodeCompleteBetweenSeen)
	w.Hostile(segmentOf(w, "d", 1), func(row *segment.Record, try int) bool {
		if row.Seq > 1 { // the first is a true one: a file without any of the ordinals shown is not opened
			row.Seq, row.Seal = row.Seq+100, 2
		}
		row.ReceiveMS += int64(try) // for another name
		return true
	})
	want(t, "rows from nowhere in ordinal 2", run(t, input(w, c)), verify.CodeCompleteBetweenSeen)
}
