package tiles

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/vfs"
)

// The log of docs/format/tlog.md has the records one, two, three.
func TestExamplesOfThePage(t *testing.T) {
	records := [][]byte{[]byte("one"), []byte("two"), []byte("three")}
	dir := newDir(t)
	s := open(t, dir)
	for _, r := range records {
		if err := s.Append(tlog.RecordHash(r)); err != nil {
			t.Fatal(err)
		}
	}
	tile, err := ReadTile(s, 3, Path{Width: 3})
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := EncodeEntries(records)
	if err != nil {
		t.Fatal(err)
	}
	file, err := vfs.ReadFile(dir, storeFile, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/format/tlog.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"tile": tile, "bundle": bundle, "hashes": file} {
		_, block, found := strings.Cut(string(page), "```"+name+"\n")
		block, _, closed := strings.Cut(block, "```")
		var digits strings.Builder
		for line := range strings.Lines(block) {
			bytes, _, _ := strings.Cut(line, "|")
			digits.WriteString(strings.Join(strings.Fields(bytes), ""))
		}
		if !found || !closed || digits.String() != hex.EncodeToString(want) {
			t.Errorf("block %s of the page: %s\nwe write %x", name, digits.String(), want)
		}
	}
}
