package sign

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/gaplessdb/gapless/frame"
)

func receipt() Receipt {
	return Receipt{
		Origin: ours, Position: frame.Position{History: 1, Index: 884211, Ordinal: 3}, Body: sha256.Sum256([]byte("body")),
		Counts: Counts{10, 1, 2, 3, 4, 5}, Time: time.Date(2026, 11, 22, 8, 30, 0, 7e6, time.UTC),
	}
}

func TestReceiptText(t *testing.T) {
	want := ours + `
receipt/v1
position 1 884211 3
body 230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5
accepted 10
duplicate 1
conflict 2
unverified 3
rejected 4
refused 5
time 2026-11-22T08:30:00.007Z
`
	if got := receipt().Text(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, err := ParseReceipt([]byte(want)); err != nil || got != receipt() {
		t.Errorf("got %+v, %v", got, err)
	}
	for i := range want {
		if got, err := ParseReceipt([]byte(want[:i])); err == nil {
			t.Errorf("read %q as %+v", want[:i], got)
		}
	}
	for _, r := range []struct{ old, new string }{
		{"receipt/v1", "receipt/v2"}, {"position 1", "position 01"}, {"position 1 ", "position 1  "}, {"884211 3", "884211 4294967296"}, {"884211", "18446744073709551616"},
		{"body 23", "body 2"}, {"body 230d", "body 230D"}, {"accepted 10", "accepted +10"}, {"accepted", "received"}, {"duplicate 1", "duplicate -1"},
		{"08:30:00.007Z", "08:30:00Z"}, {"08:30:00.007Z", "08:30:00.007+00:00"}, {"08:30:00.007Z", "08:30:00.0070Z"}, {ours, ""}, {ours, "a\tb"}, {"2026-11-22", "2026-11-31"},
	} {
		if got, err := ParseReceipt([]byte(strings.Replace(want, r.old, r.new, 1))); err == nil {
			t.Errorf("%q for %q: read as %+v", r.new, r.old, got)
		}
	}
}

func TestCheckReceipt(t *testing.T) {
	p := twoOfThree(t, ours)
	key := keyOf(t, ours+"/n1/2") // the newest of its keys
	msg, err := key.SignReceipt("n1", receipt())
	if err != nil {
		t.Fatal(err)
	}
	if r, node, err := p.CheckReceipt(msg); err != nil || node != "n1" || r != receipt() {
		t.Errorf("got %+v of %s, %v", r, node, err)
	}
	_, _, err = p.CheckReceipt([]byte(strings.Replace(string(msg), "accepted 10", "accepted 11", 1)))
	wantFault(t, err, FaultAltered, ours+"/n1+")
	_, _, err = twoOfThree(t, theirs).CheckReceipt(msg)
	wantFault(t, err, FaultForeign, ours+"/n1+")
	_, _, err = p.CheckReceipt([]byte("hello"))
	wantFault(t, err, FaultMalformed)
	// A checkpoint is no receipt, even if the node signed it under the name under which it signs receipts.
	c := checkpointOf(ours, 5)
	vkey, _ := NewVerifierKey(ours+"/n1", TypeEd25519, key.Public())
	lg, _ := key.LogSigner(ours)
	raw, _ := lg.Sign([]byte(c.Text()))
	forged, err := note.Sign(&note.Note{Text: c.Text()}, &signer{vkey, func([]byte) ([]byte, error) { return raw, nil }})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = p.CheckReceipt(forged)
	wantFault(t, err, FaultMalformed, "not a receipt")
	// Nor is a receipt a checkpoint.
	_, err = p.Check(msg)
	wantFault(t, err, FaultMalformed, "not a checkpoint")
	if _, err := key.SignReceipt("n 1", receipt()); err == nil {
		t.Error("signed as a node that cannot be")
	}
	if _, err := key.SignReceipt("n1", Receipt{}); err == nil {
		t.Error("signed a receipt of no cluster")
	}
	if _, err := (Key{}).SignReceipt("n1", receipt()); err == nil {
		t.Error("signed without a key")
	}
}

// A receipt signed by a node of one cluster for another is of neither.
func TestReceiptOfAnotherCluster(t *testing.T) {
	p := twoOfThree(t, ours)
	r := receipt()
	r.Origin = theirs
	key := keyOf(t, ours+"/n2/0")
	vkey, err := NewVerifierKey(ours+"/n2", TypeEd25519, key.Public())
	if err != nil {
		t.Fatal(err)
	}
	s := &signer{vkey, func(text []byte) ([]byte, error) { return ed25519.Sign(key.private, text), nil }}
	msg, err := note.Sign(&note.Note{Text: r.Text()}, s)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = p.CheckReceipt(msg)
	wantFault(t, err, FaultOrigin, theirs, fmt.Sprintf("signed by %s/n2", ours))
}
