package verify_test

import (
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
)

// received is the receipt of a body, signed by a node with its first key.
func received(t *testing.T, w *world.World, node string, at frame.Position, body string) []byte {
	t.Helper()
	note, err := w.Keys[node][0].SignReceipt(node, sign.Receipt{
		Origin: w.Origin, Position: at, Body: sha256.Sum256([]byte(body)), Counts: sign.Counts{Accepted: 9, Rejected: 1}, Time: time.UnixMilli(w.MS),
	})
	if err != nil {
		t.Fatal(err)
	}
	return note
}

// TestReceipts: what a receipt says is believed for a node of the policy only, and held against the SEALs of a certificate of any scope.
func TestReceipts(t *testing.T) {
	w := world.New(t, "plant")
	w.Send(world.Batch{Device: "mill", Seqs: world.Seqs(1, 9)}) // at index 11
	w.Cut()                                                     // at 12
	w.History = 2                                               // the cluster was put back to here
	w.Send(world.Batch{Device: "mill", Seqs: world.Seqs(10, 20)})
	w.Cut() // at 14
	cert, policy := w.Encode(w.Certify(devices("mill"))), w.Policy()
	count := w.Encode(w.Certify(counts("mill"))) // shows no SEAL
	other := world.New(t, "other")
	at := func(history, index uint64) []byte {
		return received(t, w, "n2", frame.Position{History: history, Index: index}, "body")
	}
	strange := at(1, 11)
	strange[len(strange)-20] ^= 1
	for _, tt := range []struct {
		name        string
		receipt     []byte
		certificate []byte
		body        io.Reader
		verdict     string
		code        int
		words       string // of the last check
	}{
		{"alone", at(1, 11), nil, nil, verify.ReceiptSigned, verify.CodeComplete, "n2 of gapless/plant signed on 2026-09-21T"},
		{"the body", at(1, 11), nil, strings.NewReader("body"), verify.ReceiptSigned, verify.CodeComplete, "these 4 bytes are what was sent"},
		{"in the first ordinal", at(1, 11), cert, strings.NewReader("body"), verify.ReceiptCovered, verify.CodeComplete, "index 11 is in ordinal 1, which is sealed: the census at index 14"},
		{"in the last ordinal", at(2, 13), cert, nil, verify.ReceiptCovered, verify.CodeComplete, "index 13 is not behind the census at index 14"},
		{"at the census", at(2, 14), count, nil, verify.ReceiptCovered, verify.CodeComplete, "index 14 is not behind the census"},
		{"without a SEAL of its history", at(1, 11), count, nil, verify.ReceiptEarly, verify.CodeIndeterminate, "ask for a certificate of the device that sent the batch"},
		{"at a place of a later history", at(1, 14), count, nil, "", verify.CodeRewritten, "the cluster was put back"},
		{"behind the census", at(2, 15), cert, nil, verify.ReceiptEarly, verify.CodeIndeterminate, "ask for a certificate of now"},
		{"of a history to come", at(3, 1), cert, nil, verify.ReceiptEarly, verify.CodeIndeterminate, "ask for a certificate of now"},
		{"that a restore took away", at(1, 13), cert, nil, "", verify.CodeRewritten, "the cluster was put back to before the batch"},
		{"another body", at(1, 11), cert, strings.NewReader("Body"), "", verify.CodeTampered, "it is another body"},
		{"a body that cannot be read", at(1, 11), nil, iotest.ErrReader(errors.New("torn")), "", verify.CodeUsage, "torn"},
		{"a broken signature", strange, cert, nil, "", verify.CodeSignature, "the receipt:"},
		{"of another cluster's node", received(t, other, "n1", frame.Position{History: 1, Index: 11}, "body"), cert, nil, "", verify.CodeSignature, "no known key"},
		{"a checkpoint", w.Note, cert, nil, "", verify.CodeSignature, "the receipt:"},
		{"a broken certificate", at(1, 11), cert[:len(cert)-2], nil, "", verify.CodeTampered, ""},
	} {
		report := verify.RunReceipt(t.Context(), verify.ReceiptInput{
			Input: verify.Input{Certificate: tt.certificate, Policy: policy}, Receipt: tt.receipt, Body: tt.body,
		})
		want(t, tt.name, report, tt.code)
		last := report.Checks[len(report.Checks)-1]
		if report.Verdict != tt.verdict || last.OK != (tt.verdict != "") || !strings.Contains(last.Text, tt.words) || len(report.CannotCheck) == 0 {
			t.Errorf("%s: %q: %+v; not checked: %+v", tt.name, report.Verdict, report.Checks, report.CannotCheck)
		}
	}
	if report := verify.RunReceipt(t.Context(), verify.ReceiptInput{Input: verify.Input{Policy: []byte("x")}, Receipt: at(1, 11)}); report.Code != verify.CodeUsage {
		t.Errorf("a policy that is none: %+v", report)
	}
	// Two clusters that one policy trusts: a receipt of the one is not held against the other.
	both := strings.Replace(string(policy), "quorum nodes", strings.Replace(withoutQuorum(t, other), ":n", ":other-n", -1)+"quorum nodes", 1)
	report := verify.RunReceipt(t.Context(), verify.ReceiptInput{
		Input: verify.Input{Certificate: cert, Policy: []byte(both)}, Receipt: received(t, other, "n1", frame.Position{History: 1, Index: 11}, "body"),
	})
	want(t, "a receipt of another cluster that is trusted", report, verify.CodeTampered)
	if last := report.Checks[len(report.Checks)-1]; last.Name != "promise" {
		t.Errorf("%+v", report.Checks)
	}
}

// withoutQuorum is the part of a policy that names keys.
func withoutQuorum(t *testing.T, w *world.World) (lines string) {
	t.Helper()
	for line := range strings.Lines(string(w.Policy())) {
		if strings.HasPrefix(line, "log ") || strings.HasPrefix(line, "witness ") {
			lines += line
		}
	}
	return lines
}
