package sign

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
)

// TestRemoved: the keys of a node without a vote count for what it said alone, and for no quorum, whoever else signed.
func TestRemoved(t *testing.T) {
	gone := nodeOf(t, ours, "n3", 2)
	gone.Removed = true
	w, _ := keyOf(t, "w1").VerifierKey("w.example/1")
	p, err := Build(ours, []Node{gone, nodeOf(t, ours, "n1", 1), nodeOf(t, ours, "n2", 1)}, 2, []Outside{{w.String(), ""}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	text := p.Text()
	_, below, found := strings.Cut(text, removedLine)
	if lines := strings.SplitAfter(below, "\n"); !found || !strings.HasPrefix(lines[0], "witness removed:n3:1 "+gone.Keys[0]) ||
		!strings.HasPrefix(lines[1], "witness removed:n3:2 "+gone.Keys[1]) || !strings.HasPrefix(lines[2], "group ") || strings.Count(text, "n3") != 4 || len(p.Logs) != 2 {
		t.Errorf("the policy is\n%s", text)
	}
	if again, err := ParsePolicy([]byte(text)); err != nil || again.Text() != text {
		t.Errorf("%v: read and written again it is\n%s", err, again.Text())
	}

	c := checkpointOf(ours, 42)
	lg, n1, n2, n3 := logSigner(t, ours, "n1", 0), cosigner(t, ours, "n1", 0), cosigner(t, ours, "n2", 0), cosigner(t, ours, "n3", 0)
	if s, err := p.Check(signed(t, c, lg, n1, n2, n3)); err != nil || !slices.Equal(s.Names, []string{ours + "/n1", ours + "/n2", ours + "/n3"}) {
		t.Errorf("with those who vote: %+v, %v", s, err)
	}
	_, err = p.Check(signed(t, c, lg, n1, n3, cosigner(t, ours, "n3", 1)))
	wantFault(t, err, FaultQuorum, "nodes needs 2 of 2 and has 1")
	_, err = p.Check(signed(t, c, logSigner(t, ours, "n3", 0), n1, n2))
	wantFault(t, err, FaultLog)

	for i := range gone.Keys {
		key := keyOf(t, ours+"/n3/"+string(rune('0'+i)))
		word := Word{ours, sha256.Sum256([]byte("a certificate"))}
		msg, err := key.SignWord("n3", word)
		if err != nil {
			t.Fatal(err)
		}
		if got, node, err := p.CheckWord(msg); err != nil || got != word || node != "n3" {
			t.Errorf("word by key %d: %+v of %s, %v", i, got, node, err)
		}
		if msg, err = key.SignReceipt("n3", receipt()); err != nil {
			t.Fatal(err)
		}
		if _, node, err := p.CheckReceipt(msg); err != nil || node != "n3" {
			t.Errorf("receipt by key %d: %s, %v", i, node, err)
		}
	}
}
