package sign

import (
	"bytes"
	"crypto/sha256"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/frame"
)

// The examples of docs/format/tlog.md are of a cluster whose nodes have the keys with the seeds 00 01 02 ... 1f, 20 ... 3f, 40 ... 5f;
// its witness has 60 ... 7f, and n4, which was removed, 80 ... 9f.
func pageKey(t *testing.T, first byte) Key {
	t.Helper()
	seed := make([]byte, 32)
	for i := range seed {
		seed[i] = first + byte(i)
	}
	k, err := Generate(bytes.NewReader(seed))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// pageBlock is the block of that name in the page.
func pageBlock(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/format/tlog.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(page), "```"+name+"\n")
	block, _, closed := strings.Cut(block, "```")
	if !found || !closed {
		t.Fatalf("docs/format/tlog.md has no block %q", name)
	}
	return block
}

func TestExamplesOfThePage(t *testing.T) {
	const origin = "gapless/k7q2m9x4"
	var nodes []Node
	for id, first := range map[string]byte{"n1": 0, "n2": 0x20, "n3": 0x40, "n4": 0x80} {
		v, err := pageKey(t, first).VerifierKey(CosignerName(origin, id))
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, Node{ID: id, Keys: []string{v.String()}, Removed: id == "n4"})
	}
	slices.SortFunc(nodes, func(a, b Node) int { return strings.Compare(a.ID, b.ID) })
	w, err := pageKey(t, 0x60).VerifierKey("witness.example/w1")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := Build(origin, nodes, 2, []Outside{{w.String(), "https://witness.example/"}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	one, two, three := tlog.RecordHash([]byte("one")), tlog.RecordHash([]byte("two")), tlog.RecordHash([]byte("three"))
	root := tlog.NodeHash(tlog.NodeHash(one, two), three)
	lg, err := pageKey(t, 0).LogSigner(origin)
	if err != nil {
		t.Fatal(err)
	}
	n1, err := pageKey(t, 0).Cosigner(CosignerName(origin, "n1"), at(1795334400))
	if err != nil {
		t.Fatal(err)
	}
	n3, err := pageKey(t, 0x40).Cosigner(CosignerName(origin, "n3"), at(1795334401))
	if err != nil {
		t.Fatal(err)
	}
	out, err := pageKey(t, 0x60).Cosigner("witness.example/w1", at(1795334402))
	if err != nil {
		t.Fatal(err)
	}
	checkpoint := signed(t, Checkpoint{origin, 3, root}, lg, n1, n3, out)
	receipt, err := pageKey(t, 0x20).SignReceipt("n2", Receipt{
		Origin: origin, Position: frame.Position{History: 1, Index: 884211}, Body: sha256.Sum256([]byte("an example\n")), Counts: Counts{Accepted: 998, Duplicate: 2},
		Time: time.Date(2026, 11, 22, 8, 0, 0, 7e6, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"key": string(pageKey(t, 0).file()), "policy": policy.Text(), "checkpoint": string(checkpoint), "receipt": string(receipt),
	} {
		if got := pageBlock(t, name); got != want {
			t.Errorf("%s: the page has\n%s\nwe write\n%s", name, got, want)
		}
	}
	if s, err := policy.Check(checkpoint); err != nil || len(s.Names) != 3 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, node, err := policy.CheckReceipt(receipt); err != nil || node != "n2" {
		t.Errorf("%s, %v", node, err)
	}
}
