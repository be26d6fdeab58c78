package column

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// update writes golden files that are missing. Those that are there are frozen: every later version reads them, and as long as the fast
// set makes the same choices it writes them.
var update = flag.Bool("update", false, "write golden files that are missing")

const (
	frozenRows = 300 // of the columns that are kept as bytes
	sumsFile   = "testdata/sums-v1.txt"
)

// TestGoldenSums holds the SHA-256 of a full column of each shape. Replicas compare segments by their hash, so the sums must be the same on
// every architecture, with assembly and without: run it under GOARCH=386, -tags noasm and -tags purego too.
func TestGoldenSums(t *testing.T) {
	want := goldenSums(t)
	var e Encoder
	for _, s := range shapes {
		b, c := encodeAny(&e, nil, s.make(MaxValues))
		got := fmt.Sprintf("%s %v %d %d %x", s.name, c.Encoding, c.Codec, len(b), sha256.Sum256(b))
		if want[s.name] == "" && *update {
			addLine(t, sumsFile, got)
			continue
		}
		if got != want[s.name] {
			t.Errorf("%s/%s writes\n  %s\nfrozen is\n  %s", runtime.GOOS, runtime.GOARCH, got, want[s.name])
		}
	}
	if len(want) != len(shapes) && !*update {
		t.Errorf("%d sums are frozen for %d shapes", len(want), len(shapes))
	}
}

func goldenSums(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile(sumsFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(b)) {
		name, _, _ := strings.Cut(line, " ")
		sums[name] = strings.TrimSpace(line)
	}
	return sums
}

func addLine(t *testing.T, file, line string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, line); err != nil {
		t.Fatal(err)
	}
}

// TestGoldenColumns decodes columns that were frozen as version 1, and finds that the encoder still writes them. A frozen file is encoding,
// codec, and the column's bytes.
func TestGoldenColumns(t *testing.T) {
	var e Encoder
	var d Decoder
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			v := s.make(frozenRows)
			b, c := encodeAny(&e, nil, v)
			file := filepath.Join("testdata", "v1", s.name+".column")
			frozen, err := os.ReadFile(file)
			if *update && os.IsNotExist(err) {
				if err := os.WriteFile(file, append([]byte{byte(c.Encoding), byte(c.Codec)}, b...), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			was := Chunk{Encoding(frozen[0]), Codec(frozen[1])}
			checkAny(t, &d, v, was, frozen[2:])
			if c != was || !slices.Equal(b, frozen[2:]) {
				t.Errorf("the encoder writes %d bytes as %+v, frozen are %d as %+v", len(b), c, len(frozen)-2, was)
			}
		})
	}
}
