package leaves

import (
	"bytes"
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"golang.org/x/mod/sumdb/tlog"
)

var update = flag.Bool("update", false, "write testdata anew; only for a new format version, under new names")

// golden files are frozen: version 1 is read for ever, and every build of this program, on every machine, must write these bytes from these leaves.
var golden = []struct {
	file   string
	kind   Kind
	number uint64
	root   string
	items  func() []item
}{
	{"v1-empty.census", Census, 1200, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", func() []item { return nil }},
	{"v1-example.strips", Strips, 7, "Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=", exampleItems},
	{"v1-many.strips", Strips, 1<<64 - 1, "+a5wb6zVc9eU/TVIgHTGGtl6r8nCsyDllyCgUDx06UY=", func() []item { return items(Strips, 150) }},
	{"v1-many.census", Census, 1 << 40, "75k89vYHV0akO/szOOzSDk7KQHpDessO41ecrJKxY94=", func() []item { return items(Census, 100) }},
}

// exampleItems are the leaves of the document.
func exampleItems() []item {
	at := func(device string, epoch uint32) Key {
		return Key{frame.StreamKey{Tenant: "default", Device: device, Stream: "0"}, epoch}
	}
	return []item{{at("mill-07", 1), []byte("one")}, {at("mill-07", 2), []byte("two")}, {at("press-1", 1), []byte("three")}}
}

func TestGoldenFiles(t *testing.T) {
	for _, g := range golden {
		t.Run(g.file, func(t *testing.T) {
			list := g.items()
			made := encode(t, g.kind, g.number, list)
			if *update {
				must(t, os.WriteFile("testdata/"+g.file, made, 0o644))
			}
			frozen, err := os.ReadFile("testdata/" + g.file)
			must(t, err)
			if !bytes.Equal(frozen, made) {
				t.Error("the writer no longer makes the frozen file")
			}
			f := mustOpen(t, frozen)
			must(t, f.Check(context.Background()))
			got, err := readAll(f)
			if err != nil || !slices.EqualFunc(got, list, equalItem) || f.Kind() != g.kind || f.Number() != g.number || f.Root().String() != g.root {
				t.Errorf("%s %d of root %s, %d leaves, %v", f.Kind(), f.Number(), f.Root(), len(got), err)
			}
		})
	}
}

// The document takes a golden file apart byte by byte, and says the same numbers.
func TestDocumentedFile(t *testing.T) {
	page, err := os.ReadFile("../../docs/format/leaves.md")
	must(t, err)
	doc := string(page)
	block := regexp.MustCompile("(?s)```hex\n(.*?)```").FindStringSubmatch(doc)
	if block == nil {
		t.Fatal("no example")
	}
	var text strings.Builder
	for line := range strings.Lines(block[1]) {
		code, _, _ := strings.Cut(line, "|")
		text.WriteString(strings.Join(strings.Fields(code), ""))
	}
	if want := encode(t, Strips, 7, exampleItems()); text.String() != hex.EncodeToString(want) {
		t.Errorf("the example is\n%s\nthe writer makes\n%s", text.String(), hex.Dump(want))
	}
	for what, n := range map[string]int{
		"bytes a header":          headerSize,
		"bytes before the names":  fixedSize,
		"bytes a trailer":         trailerSize,
		"bytes an offset":         offsetSize,
		"bytes a hash":            hashSize,
		"bytes a leaf at most":    maxLeaf,
		"bytes a name at most":    frame.MaxNameBytes,
		"is the kind of strips":   int(Strips),
		"is the kind of a census": int(Census),
	} {
		all := regexp.MustCompile(`([\d,]+) `+what).FindAllStringSubmatch(doc, -1)
		if len(all) == 0 || slices.ContainsFunc(all, func(s []string) bool { return strings.ReplaceAll(s[1], ",", "") != strconv.Itoa(n) }) {
			t.Errorf("the document should say %d %s, says %q", n, what, all)
		}
	}
	pair, err := mustOpen(t, encode(t, Strips, 7, exampleItems())).Prove(2, 3)
	must(t, err)
	last := tlog.RecordHash(exampleItems()[2].leaf)
	sum := fmt.Sprintf("SHA-256(01 || %x…%x || %x…%x) is the root", pair[0][:2], pair[0][30:], last[:2], last[30:])
	for _, want := range []string{fmt.Sprintf("root %s", golden[1].root), FileName(Strips, 7), sum} {
		if !strings.Contains(doc, want) {
			t.Errorf("the document does not say %q", want)
		}
	}
}
