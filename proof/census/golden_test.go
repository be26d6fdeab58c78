package census

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"
)

// example is the leaf of docs/format/census.md.
func example() *Leaf {
	return &Leaf{Key: frame.StreamKey{Tenant: "default", Device: "mill-07", Stream: "0"}, Epochs: []Epoch{{
		Ordinal: 1, Value: "17", Source: ledger.SourceDeclared, Begun: true,
		Base: 0, Next: 1000, Head: HeadDeclared, Tail: TailWatermark, TailMS: 1_790_000_000_000,
		Runs: []ledger.Run{{First: 0, Last: 499}, {First: 505, Last: 909}, {First: 912, Last: 998}},
		Gaps: []Gap{
			{First: 500, Last: 504, State: ledger.StateFinal, Cause: frame.CauseNeverArrived},
			{First: 910, Last: 911, State: ledger.StateFinal, Cause: frame.CauseDeclaredLost, Reason: "ring"},
			{First: 999, Last: 999, State: ledger.StateOpen},
		},
		Identical: 41, LateClosed: 12,
	}}}
}

// everything is a leaf with all that the format has.
func everything() *Leaf {
	l := &Leaf{Key: frame.StreamKey{Tenant: "acme", Device: "hall/2/überdruck", Stream: "slow"}}
	first := Epoch{
		Ordinal: 1, Source: ledger.SourceInferred, Begun: true, Head: HeadProtocolZero, Tail: TailSuccessor, TailMS: -1, Offset: 65536,
		Identical: 1, Conflict: 2, Unverified: 3, Suspected: 4, Contradictions: 5, LateClosed: 6, Ambiguities: 1 << 40,
	}
	for cause := frame.CauseDeclaredLost; cause <= frame.CauseNeverArrived; cause++ { // a number for each cause, and one stored behind it
		n := uint64(cause-1) * 2
		first.Gaps = append(first.Gaps, Gap{First: n, Last: n, State: stateOf(cause), Cause: cause})
		first.Runs = append(first.Runs, ledger.Run{First: n + 1, Last: n + 1})
	}
	first.Gaps[0].Reason = "überlauf"
	first.Gaps = append(first.Gaps, Gap{First: 22, Last: 24, State: ledger.StateOpen}, Gap{First: 25, Last: 150, State: ledger.StateRequested})
	first.Next = 151
	ambiguous := Epoch{
		Ordinal: 2, Value: "boot 7", Source: ledger.SourceDeclared, Begun: true, Ambiguous: true, Probation: true,
		Base: ledger.MaxSeq, Next: ledger.MaxSeq + 1,
		Head: HeadFirstSeen, Tail: TailLastSeen, Runs: []ledger.Run{{First: ledger.MaxSeq, Last: ledger.MaxSeq}},
		After: 1, Wraps: [2]uint64{0, 3}, Ambiguities: 1,
	}
	linked := Epoch{
		Ordinal: 3, Source: ledger.SourceBirth, Begun: true, Base: 300, Next: 400, Head: HeadDeclared, Tail: TailSeal, TailMS: 1_790_000_000_123,
		Runs: []ledger.Run{{First: 300, Last: 399}}, Sealed: true, Counted: true, SealLast: 399, SealCount: 101, After: 1, Linked: true, LinkDelta: 65536,
	}
	overtaken := Epoch{
		Ordinal: 4, Source: ledger.SourceDeclared, Begun: true, Base: 1, Next: 12, Head: HeadFirstSeen, Tail: TailLastSeen,
		Runs: []ledger.Run{{First: 1, Last: 11}}, Sealed: true, SealLast: 9, Contradictions: 2,
	}
	unnumbered := Epoch{
		Ordinal: 5, Source: ledger.SourceInferred, Begun: true, Unnumbered: true, Base: 1, Next: 4, Head: HeadFirstSeen, Tail: TailLastSeen,
		Runs: []ledger.Run{{First: 1, Last: 3}},
	}
	unknown := Epoch{Ordinal: 6, Source: ledger.SourceDeclared, Head: HeadFirstSeen, Tail: TailLastSeen}
	l.Epochs = []Epoch{first, ambiguous, linked, overtaken, unnumbered, unknown}
	return l
}

func goldenLeaves() map[string]*Leaf {
	return map[string]*Leaf{
		"example": example(), "everything": everything(), "nothing": {Key: frame.StreamKey{Tenant: "t", Device: "d", Stream: "0"}},
	}
}

// Leaves of version 1 are read for ever. The files are never written again.
func TestGoldenLeaves(t *testing.T) {
	for name, l := range goldenLeaves() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", "v1-"+name+".leaf")
			if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && os.Getenv("GAPLESS_UPDATE") != "" {
				if err := os.WriteFile(path, l.Append(nil), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			frozen, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := l.Append(nil); !bytes.Equal(got, frozen) {
				t.Errorf("the format changed without a new version:\n%s\nwant\n%s", hex.Dump(got), hex.Dump(frozen))
			}
			read, err := Parse(frozen)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(l, read); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The census of a ledger that is frozen, too, which has something in every field: what is known of its 19 streams has one root.
func TestGoldenCensus(t *testing.T) {
	f, err := os.Open(filepath.Join("..", "..", "ledger", "testdata", "checkpoint_v1.bin"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l := ledger.New(ledger.Policy{})
	if err := l.Restore(f); err != nil {
		t.Fatal(err)
	}
	tree := merkle.Edge{}
	for _, leaf := range census(t, l) {
		tree.Append(tlog.RecordHash(leaf.bytes))
		if err := sameAsReport(l, leaf); err != nil {
			t.Error(err)
		}
	}
	const want = "I3LdJzdROEm/rKIuTOv0bGB1l3Mx3hy6Kqd99LYlXqw="
	if got := tree.Root().String(); tree.Size != 19 || got != want {
		t.Errorf("%d leaves with root %s, want %s", tree.Size, got, want)
	}
}

// The example on the page is what Append makes.
func TestDocumentedExample(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "format", "census.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```hex\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("the page has no example")
	}
	text := ""
	for _, line := range strings.Split(string(block[1]), "\n") {
		code, _, _ := strings.Cut(line, "|")
		text += strings.ReplaceAll(code, " ", "")
	}
	b := example().Append(nil)
	if text != hex.EncodeToString(b) {
		t.Errorf("the page has\n%s\nAppend makes\n%s", text, hex.Dump(b))
	}
	for _, tt := range []struct {
		r    Range
		want ledger.Grade
	}{{Range{0, ledger.MaxSeq}, ledger.Incomplete}, {Range{505, 909}, ledger.Complete}, {Range{505, 911}, ledger.Explained}} {
		if s := example().Epochs[0].Within(tt.r); s.Grade != tt.want {
			t.Errorf("%d to %d: %v %v, the page says %v", tt.r.First, tt.r.Last, s.Grade, s.Reasons, tt.want)
		}
	}
	if hash := tlog.RecordHash(b).String(); !bytes.Contains(page, []byte(hash)) {
		t.Errorf("the page does not have the hash of the example, %s", hash)
	}
}

// The table of causes on the page is that of the program.
func TestDocumentedCauses(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "format", "census.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| (\d+) \| (\S+) \| (\S+) \| (\S+) \|$`).FindAllStringSubmatch(string(page), -1)
	if len(rows) != int(frame.CauseNeverArrived) {
		t.Fatalf("%d causes on the page", len(rows))
	}
	for i, row := range rows {
		g, b := Gap{Cause: frame.Cause(i + 1)}, ledger.Balance{}
		terms := map[string]*uint64{"declared": &b.Declared, "rejected": &b.Rejected, "shed": &b.Shed, "expired": &b.Expired, "lost": &b.Lost}
		if row[1] != strconv.Itoa(i+1) || row[2] != g.Cause.String() || row[4] != g.Confidence() || terms[row[3]] != term(&b, &g) {
			t.Errorf("the page says %v, cause %d is %v, %s", row[1:], g.Cause, g.Cause, g.Confidence())
		}
	}
}
