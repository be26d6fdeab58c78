package floor

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write testdata anew; only for a new format version, under a new name")

// goldens are files of version 1. They are never changed again.
var goldens = []struct {
	name   string
	header Header
	parts  []Part
}{
	{"v1-sections.gfl", testHeader(1234567), state(1234567, 0)},
	{"v1-chunks.gfl", testHeader(77), []Part{bytesPart("longer", make([]byte, chunkSize+1))}},
	{"v1-no-parts.gfl", Header{Index: 1, Term: 1, Configuration: raft.EncodeConfiguration(testConfiguration(1))}, nil},
}

// Version 1 is read for ever, and today's writer writes it, byte for byte.
func TestGolden(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			name := filepath.Join("testdata", g.name)
			b, c := encode(t, g.header, g.parts)
			if *update {
				must(t, os.MkdirAll("testdata", 0o755))
				must(t, os.WriteFile(name, b, 0o644))
			}
			frozen, err := os.ReadFile(name)
			must(t, err)
			if !bytes.Equal(b, frozen) {
				t.Errorf("today's writer writes another %s", g.name)
			}
			h, parts, hash, err := readAll(frozen)
			must(t, err)
			if fmt.Sprint(h) != fmt.Sprint(g.header) || len(parts) != len(g.parts) || hash != c.hash {
				t.Errorf("read %+v with %d parts, %x", h, len(parts), hash)
			}
			if sum := sha256.Sum256(frozen[:len(frozen)-trailerSize]); sum != hash {
				t.Errorf("the hash is %x, the file's %x", hash, sum)
			}
		})
	}
}

type readPart struct {
	name string
	b    []byte
}

func readAll(file []byte) (h Header, parts []readPart, hash [32]byte, err error) {
	h, hash, err = Read(bytes.NewReader(file), nil, func(name string, r io.Reader) error {
		b, err := io.ReadAll(r)
		parts = append(parts, readPart{name, b})
		return err
	})
	return h, parts, hash, err
}

// Whatever is written is read back, and how the parts were written leaves no trace.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := Header{
			Cluster: rapid.StringN(0, 60, 255).Draw(t, "cluster"), Partition: rapid.Uint32().Draw(t, "partition"),
			History: rapid.Uint64().Draw(t, "history"), Index: rapid.Uint64Min(1).Draw(t, "index"), Term: rapid.Uint64Min(1).Draw(t, "term"),
			Configuration: raft.EncodeConfiguration(testConfiguration(rapid.IntRange(0, 9).Draw(t, "servers"))),
		}
		h.ConfigurationIndex = rapid.Uint64Max(h.Index).Draw(t, "configuration index")
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[!-~]{1,64}`), 0, 6, rapid.ID[string]).Draw(t, "names")
		sizes := rapid.OneOf(rapid.IntRange(0, 5), rapid.IntRange(chunkSize-2, chunkSize+2), rapid.IntRange(0, 3*chunkSize))
		var parts, whole []Part
		var contents [][]byte
		for i, name := range names {
			b := sample(uint64(i), sizes.Draw(t, "size"))
			contents = append(contents, b)
			parts = append(parts, bytesPart(name, b))
			whole = append(whole, Part{name, func(w io.Writer) error { _, err := w.Write(b); return err }})
		}
		var file, again bytes.Buffer
		c, err := write(&file, h, parts)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := write(&again, h, whole); err != nil || !bytes.Equal(file.Bytes(), again.Bytes()) {
			t.Fatalf("written in other pieces it is another file: %v", err)
		}
		got, read, hash, err := readAll(file.Bytes())
		if err != nil || hash != c.hash || fmt.Sprint(got) != fmt.Sprint(h) || len(read) != len(parts) || c.bytes != int64(file.Len()) {
			t.Fatalf("read %+v, %d parts, %x: %v", got, len(read), hash, err)
		}
		for i, p := range read {
			if p.name != names[i] || !bytes.Equal(p.b, contents[i]) || c.parts[i].bytes != int64(len(contents[i])) {
				t.Fatalf("part %q of %d bytes came back as %q of %d", names[i], len(contents[i]), p.name, len(p.b))
			}
		}
	})
}

// What breaks the limits of the format is refused before anything is promised.
func TestWriteRefuses(t *testing.T) {
	with := func(change func(h *Header)) Header { h := testHeader(9); change(&h); return h }
	var many []Part
	for i := range maxParts + 1 {
		many = append(many, bytesPart(strconv.Itoa(i), nil))
	}
	none := bytesPart("p", nil)
	for name, tt := range map[string]struct {
		header Header
		parts  []Part
	}{
		"index 0":                     {header: with(func(h *Header) { h.Index = 0 })},
		"term 0":                      {header: with(func(h *Header) { h.Term = 0 })},
		"configuration above":         {header: with(func(h *Header) { h.ConfigurationIndex = 10 })},
		"long cluster":                {header: with(func(h *Header) { h.Cluster = strings.Repeat("x", maxCluster+1) })},
		"no configuration":            {header: with(func(h *Header) { h.Configuration = nil })},
		"a configuration that is not": {header: with(func(h *Header) { h.Configuration = []byte{0xff, 1, 2} })},
		"large configuration":         {header: with(func(h *Header) { h.Configuration = make([]byte, maxConfiguration+1) })},
		"part without name":           {testHeader(9), []Part{bytesPart("", nil)}},
		"long part name":              {testHeader(9), []Part{bytesPart(strings.Repeat("n", maxPartName+1), nil)}},
		"part name with a space":      {testHeader(9), []Part{bytesPart("a b", nil)}},
		"part twice":                  {testHeader(9), []Part{none, none}},
		"too many parts":              {testHeader(9), many},
		"part that fails":             {testHeader(9), []Part{{"p", func(io.Writer) error { return io.ErrClosedPipe }}}},
	} {
		if _, err := write(io.Discard, tt.header, tt.parts); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Memory does not grow with the file.
func TestMemory(t *testing.T) {
	const size = 64 << 20
	r, w := io.Pipe()
	go func() {
		block := sample(1, 1<<20)
		_, err := write(w, testHeader(9), []Part{{"large", func(w io.Writer) error {
			for range size / len(block) {
				if _, err := w.Write(block); err != nil {
					return err
				}
			}
			return nil
		}}})
		_ = w.CloseWithError(err)
	}()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := Read(r, nil, func(_ string, r io.Reader) error { _, err := io.Copy(io.Discard, r); return err })
	runtime.ReadMemStats(&after)
	must(t, err)
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("%d bytes allocated for a floor of %d", n, size)
	}
}

// The example in the format's document is what the encoder writes, and the numbers there are those of the code.
func TestFormatDocument(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "format", "floor.md"))
	must(t, err)
	doc := string(b)
	block := regexp.MustCompile("(?s)```hex\n(.*?)```").FindStringSubmatch(doc)
	if block == nil {
		t.Fatal("no example")
	}
	var text strings.Builder
	for line := range strings.Lines(block[1]) {
		code, _, _ := strings.Cut(line, "|")
		text.WriteString(strings.Join(strings.Fields(code), ""))
	}
	want, _ := encode(t, exampleHeader(), []Part{bytesPart("manifest", []byte("abc"))})
	if text.String() != hex.EncodeToString(want) {
		t.Errorf("the example is\n%s\nthe encoder writes\n%s", text.String(), hex.Dump(want))
	}
	for what, n := range map[string]int{
		"bytes a preamble":              preambleSize,
		"bytes a block without payload": blockSize,
		"bytes a trailer":               trailerSize,
		"bytes a chunk":                 chunkSize,
		"parts at most":                 maxParts,
		"bytes a part's name":           maxPartName,
		"bytes a header at most":        maxHeader,
		"bytes a cluster id":            maxCluster,
		"floors are kept":               defaultKeep,
	} {
		all := regexp.MustCompile(`([\d,]+) `+what).FindAllStringSubmatch(doc, -1)
		if len(all) == 0 || slices.ContainsFunc(all, func(s []string) bool { return strings.ReplaceAll(s[1], ",", "") != strconv.Itoa(n) }) {
			t.Errorf("the document should say %d %s, says %q", n, what, all)
		}
	}
}

func exampleHeader() Header {
	return Header{
		Cluster: "plant", Partition: 0, History: 1, Index: 1200, Term: 4, ConfigurationIndex: 1,
		Configuration: raft.EncodeConfiguration(raft.Configuration{Servers: []raft.Server{{ID: "a.1", Address: "a.1@a:7000"}}}),
	}
}
