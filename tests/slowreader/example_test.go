package slowreader

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// exampleOf reads the bytes of a block of a page: hexadecimal, and behind a bar what they are.
func exampleOf(t *testing.T, page, kind string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../docs/format/" + page)
	if err != nil {
		t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(text), "```"+kind+"\n")
	block, _, closed := strings.Cut(block, "```")
	if !ok || !closed {
		t.Fatalf("%s has no block %s", page, kind)
	}
	var digits strings.Builder
	for line := range strings.Lines(block) {
		line, _, _ = strings.Cut(line, "|")
		digits.WriteString(strings.Join(strings.Fields(line), ""))
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatalf("%s: %v", page, err)
	}
	return b
}
