package verify_test

import (
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/verify"
)

// TestRemovedIssuer: what a node gave out while it had a vote is believed with the policy of later; but its signature is none of the quorum's.
func TestRemovedIssuer(t *testing.T) {
	w := plant(t)
	c := w.Certify(devices("late"))
	w.Issue(c, "n3")
	w.Removed = []string{"n3"}
	want(t, "issued by a node that was removed", run(t, input(w, c)), verify.CodeComplete)
	receipt := received(t, w, "n3", frame.Position{History: 1, Index: 11}, "body")
	report := verify.RunReceipt(t.Context(), verify.ReceiptInput{Input: verify.Input{Policy: w.Policy()}, Receipt: receipt})
	want(t, "a receipt of a node that was removed", report, verify.CodeComplete)

	w.Signers = []string{"n1", "n3"}
	w.Cosign()
	c = w.Certify(devices("late"))
	want(t, "signed by one that votes and one that was removed", run(t, input(w, c)), verify.CodeSignature)
	w.Signers = []string{"n1", "n2", "n3"}
	w.Cosign()
	report = run(t, input(w, w.Certify(devices("late"))))
	want(t, "signed by all", report, verify.CodeComplete)
	if !notChecked(report, "witness", "no outside witness") {
		t.Errorf("a removed node is taken for an outside witness: %+v", report.CannotCheck)
	}
}
