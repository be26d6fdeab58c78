package column

import (
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

func document(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/format/column.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestDocumentedNumbers(t *testing.T) {
	doc := document(t)
	documented := 0
	for line := range strings.Lines(doc) {
		var number Encoding
		var name string
		if n, _ := fmt.Sscanf(line, "| %d | %s |", &number, &name); n != 2 {
			continue
		}
		documented++
		if encodingNames[number] != name {
			t.Errorf("the document calls %d %s, the program %v", number, name, number)
		}
	}
	if documented != len(encodingNames) {
		t.Errorf("%d encodings are documented, there are %d", documented, len(encodingNames))
	}
	for _, said := range []string{
		fmt.Sprintf("0 to %d, because", maxScale),
		fmt.Sprintf("at most %d times the bytes", snappyRatio),
		fmt.Sprintf("at most one for %d, comes first, distances of at most %d units second", floatDictShare, nearLimit),
		fmt.Sprintf("at most one for %d values, are encoded", runsShare),
		fmt.Sprintf("takes more than %d bits so far", dictBits),
		fmt.Sprintf("fits all but one value in %d", exceptionShare),
		fmt.Sprintf("more than one value in %d does not fit", nearShare),
		fmt.Sprintf("one for %d values and they are smaller", boolRunsShare),
		fmt.Sprintf("payload of %d bytes", minSnappy),
	} {
		if !strings.Contains(strings.ReplaceAll(doc, "\n", " "), said) {
			t.Errorf("the document does not say %q", said)
		}
	}
}

// TestDocumentedExamples: the bytes that the document takes apart are those that the encoder writes.
func TestDocumentedExamples(t *testing.T) {
	floats := []Float{decimalOf(205, 1), decimalOf(21, 0), {Bits: math.Float64bits(math.NaN())}, decimalOf(208, 1), decimalOf(206, 1)}
	for name, v := range map[string]any{"example-ints": []int64{1000, 1050, 1100, 1160, 1210}, "example-floats": floats} {
		_, block, found := strings.Cut(document(t), "```"+name+"\n")
		block, _, closed := strings.Cut(block, "```")
		if !found || !closed {
			t.Fatalf("the document has no block %s", name)
		}
		var digits strings.Builder
		for line := range strings.Lines(block) {
			bytes, _, _ := strings.Cut(line, "|")
			digits.WriteString(strings.Join(strings.Fields(bytes), ""))
		}
		b, c := encodeAny(new(Encoder), nil, v)
		if got := hex.EncodeToString(b); got != digits.String() || c.Codec != CodecNone {
			t.Errorf("%s: the document has\n%s, the encoder writes, as %v\n%s", name, digits.String(), c.Encoding, got)
		}
	}
}
