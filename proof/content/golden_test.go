package content

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// Version 1 is what every node computes and every certificate rests on: these bytes never change. A new version gets new files.
func TestGolden(t *testing.T) {
	group, strip := goldenGroup(), goldenStrip()
	for file, made := range map[string][]byte{"group-v1.hex": AppendGroup(nil, &group), "strip-v1.hex": strip.Append(nil)} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		frozen, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(made, frozen) {
			t.Errorf("%s: made\n%x, frozen\n%x", file, made, frozen)
		}
		switch file {
		case "group-v1.hex":
			if got, err := ParseGroup(frozen); err != nil || !reflect.DeepEqual(got, group) {
				t.Errorf("%s: read\n%+v, %v, want\n%+v", file, got, err, group)
			}
		default:
			if got, err := ParseStrip(frozen); err != nil || !reflect.DeepEqual(got, strip) {
				t.Errorf("%s: read %+v, %v, want %+v", file, got, err, strip)
			}
		}
	}
}

// exampleRows are the frames that docs/format/content.md takes apart byte by byte.
func exampleRows() []stored {
	key := frame.StreamKey{Tenant: "acme", Device: "mill-7", Stream: "0"}
	row := func(seq uint64, ns int64, temp float64) stored {
		return stored{key, 1, segment.Record{
			Row:    segment.Row{Seq: seq, TimeNS: ns, Class: frame.ClassEvent, Seal: 5},
			Fields: []frame.Field{{Name: "ok", Value: frame.Bool(true)}, {Name: "temp", Value: frame.Float(temp)}},
		}}
	}
	const start, second = 1_760_000_000_000_000_000, 1_000_000_000
	dash, last := row(65, start+2*second, math.Copysign(0, -1)), row(70, start+7*second, 0)
	dash.rec.Class, dash.rec.Flags = frame.ClassSnapshot, segment.FlagNoTime
	last.rec.Fields, last.rec.Flags = []frame.Field{{Name: "note", Value: frame.String("stop")}}, segment.FlagNoTime
	last.rec.Raw = []byte{0xde, 0xad}
	return []stored{row(63, start, 21.5), row(64, start+second, 21.75), dash, last}
}

// block is the hex of the indented block of the page that follows a title; what stands behind two spaces in a line is prose.
func block(t *testing.T, page, title string) []byte {
	t.Helper()
	_, rest, ok := strings.Cut(page, title+"\n\n    ")
	if !ok {
		t.Fatalf("the page has no block %q", title)
	}
	text, _, _ := strings.Cut("    "+rest, "\n\n")
	var all string
	for line := range strings.Lines(text) {
		bare, _, _ := strings.Cut(strings.TrimSpace(line), "  ")
		all += strings.ReplaceAll(bare, " ", "")
	}
	b, err := hex.DecodeString(all)
	if err != nil {
		t.Fatalf("%q: %v", title, err)
	}
	return b
}

func TestExampleOfTheFormat(t *testing.T) {
	text, err := os.ReadFile("../../docs/format/content.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	rows := exampleRows()
	first, second, strip := block(t, page, "First group:"), block(t, page, "Second group:"), block(t, page, "The strip:")
	if !bytes.Equal(first, slowGroup(rows[:1])) || !bytes.Equal(second, slowGroup(rows[1:])) {
		t.Errorf("groups on the page are\n%x\n%x, want\n%x\n%x", first, second, slowGroup(rows[:1]), slowGroup(rows[1:]))
	}
	got, err := strips([]*segment.Reader{flush(t, vfs.NewMem(), 1, rows)}, 5, 5)
	if err != nil || len(got) != 1 || !bytes.Equal(got[0], strip) {
		t.Errorf("strips %x, %v, the page has %x", got, err, strip)
	}
	leaf := func(b []byte) []byte {
		sum := sha256.Sum256(append([]byte{0}, b...))
		return sum[:]
	}
	a, b := leaf(first), leaf(second)
	root := sha256.Sum256(append(append([]byte{1}, a...), b...))
	for what, sum := range map[string][]byte{"first leaf": a, "second leaf": b, "frame root": root[:], "content root": leaf(strip)} {
		if !strings.Contains(page, fmt.Sprintf("%x", sum)) {
			t.Errorf("the page does not have the %s, %x", what, sum)
		}
	}
	if want := rootOf(got); !bytes.Equal(want[:], leaf(strip)) {
		t.Errorf("content root %x, and by hand %x", want, leaf(strip))
	}
}
