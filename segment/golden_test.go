package segment

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

var update = flag.Bool("update", false, "write testdata anew; only for a new format version, under new names")

// golden files are frozen: version 1 is read for ever, and every build of this program, on every machine, must write these bytes from
// these frames. A change of the encoders needs a new number of the set of encoders, and files of its own.
var golden = []struct {
	file string
	name string // SHA-256
	make func(testing.TB) (*fixture, model)
}{
	{"one", "a5ea9e36507bda42bfaee83fd3b4056a1f8967a5b17da7f77841aba2a325725e", oneFrame},
	{"mixed", "0bb77bd26c396cf03f695c2e29795f080bb714fbe4a1267fdc65f0fa2d361d33", mixedFleet},
	{"short", "1e204adc14cad401d31185eb7f48338cc538d770e6bb1af3ed8b9471d0c521f4", shortStreams},
	{"lossy", "1ceeb2a260a9f61087f92d868ac6605f0ae65d730884f3464b880df411b828bc", lossyStream},
	{"wild", "7dda229437ebaafee56b57c45881bfcbb2bcd3ded9e19b73befa458ced3737cb", wildValues},
}

func oneFrame(tb testing.TB) (*fixture, model) {
	f, m := newFixture(tb), model{}
	v, _ := frame.DecimalFloat(205, 1)
	add(f, m, sample{
		key: frame.StreamKey{Tenant: "default", Device: "mill-07", Stream: "0"}, ordinal: 1, fields: []frame.Field{{Name: "temp", Value: v}},
		row: Row{Seq: 17, TimeNS: 1_760_000_000_000_000_000, ReceiveMS: 1_760_000_000_040, Class: frame.ClassEvent},
	})
	return f, m
}

func add(f *fixture, m model, s sample) {
	f.add(s)
	m.add(s)
}

// shortStreams have three frames each: blocks that are shared.
func shortStreams(tb testing.TB) (*fixture, model) {
	f, m := newFixture(tb), model{}
	rnd := rand.New(rand.NewPCG(11, 0))
	for i := range 900 {
		d := i % 300
		v, _ := frame.DecimalFloat(2000+rnd.Int64N(50), 2)
		add(f, m, sample{
			key: device(d * 37), ordinal: uint32(1 + d%2), fields: []frame.Field{{Name: "count", Value: frame.Int(int64(i))}, {Name: "temp", Value: v}},
			row: Row{Seq: uint64(d*1000 + i/300), TimeNS: int64(i) * 1e6, ReceiveMS: int64(i) + 7, Class: frame.ClassSnapshot},
		})
	}
	return f, m
}

// lossyStream has lost half of its frames: several blocks, a bitmap.
func lossyStream(tb testing.TB) (*fixture, model) {
	f, m := newFixture(tb), model{}
	rnd := rand.New(rand.NewPCG(12, 0))
	seq := uint64(1<<32 - 5000)
	for range 9000 {
		seq += 1 + uint64(rnd.IntN(2)*rnd.IntN(4))
		row := Row{Seq: seq, TimeNS: int64(seq) * 1e9, ReceiveMS: int64(seq)*1000 + 3, Class: frame.ClassEvent}
		if rnd.IntN(100) == 0 {
			row.Flags = FlagSkew | FlagLate
		}
		add(f, m, sample{key: device(1), ordinal: 3, row: row})
	}
	return f, m
}

// wildValues have every kind and every form of a float, and payloads that compress and do not.
func wildValues(tb testing.TB) (*fixture, model) {
	f, m := newFixture(tb), model{}
	rnd := rand.New(rand.NewPCG(13, 0))
	for i := range 400 {
		s := sample{key: device(i % 2), ordinal: 1, fields: testFields(rnd, 2), row: Row{Seq: uint64(i), TimeNS: rnd.Int64(), ReceiveMS: rnd.Int64N(1e6), Class: 1, Seal: uint32(i / 100)}}
		switch i % 3 {
		case 0:
			s.raw = []byte(strings.Repeat("compressible ", 5))
		case 1:
			s.raw = make([]byte, rnd.IntN(30))
			for k := range s.raw {
				s.raw[k] = byte(rnd.Uint32())
			}
		}
		if len(s.raw) == 0 {
			s.raw = nil
		}
		add(f, m, s)
	}
	return f, m
}

func TestGoldenSegments(t *testing.T) {
	for _, g := range golden {
		t.Run(g.file, func(t *testing.T) {
			path := "testdata/v1-" + g.file + Extension
			f, m := g.make(t)
			info, file := f.write()
			if *update {
				t.Logf("%s %s", g.file, info.Name)
				if err := os.WriteFile(path, file, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if info.Name.String() != g.name {
				t.Errorf("the writer makes %s, frozen is %s", info.Name, g.name)
			}
			frozen, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(frozen, file) {
				t.Error("the writer no longer makes the frozen file")
			}
			name, _ := ParseName(g.name)
			if _, err := Verify(bytes.NewReader(frozen), int64(len(frozen)), name, nil); err != nil {
				t.Error(err)
			}
			checkModel(t, openBytes(t, frozen, ReaderOptions{}), m)
		})
	}
}

// checkModel compares every frame.
func checkModel(t *testing.T, r *Reader, m model) {
	t.Helper()
	for _, key := range m.keys() {
		for _, o := range m.ordinals(key) {
			e, ok, err := r.Epoch(key, o)
			if err != nil || !ok {
				t.Fatalf("epoch %d of %v: %v, %v", o, key, ok, err)
			}
			list := m[key][o]
			if _, err := r.Scan(&e, All(), Columns{All: true}, func(rec *Record) bool {
				if len(list) == 0 {
					t.Fatalf("epoch %d of %v: %d is one too many", o, key, rec.Seq)
				}
				if err := list[0].matches(rec, Columns{All: true}); err != nil {
					t.Fatal(err)
				}
				list = list[1:]
				return true
			}); err != nil || len(list) > 0 {
				t.Fatalf("epoch %d of %v: %d frames are missing, %v", o, key, len(list), err)
			}
		}
	}
}

// The document takes the smallest golden file apart byte by byte.
func TestDocumentedSegment(t *testing.T) {
	doc, err := os.ReadFile("../docs/format/segment.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		fmt.Sprintf("A block has 1 to %d,%03d rows", maxRows/1000, maxRows%1000), fmt.Sprintf("with %d rows or more in a block", sharedRows),
		fmt.Sprintf("values come to %d MiB", blockBytes>>20), fmt.Sprintf("more than %d,%03d columns", blockColumns/1000, blockColumns%1000),
		fmt.Sprintf("more than %d blocks", entryBlocks), fmt.Sprintf("fit into about %d KiB", entryCover>>10), fmt.Sprintf("page has %d KiB at most", pageBytes>>10),
		fmt.Sprintf("footer has %d KiB at most", maxFooter>>10), fmt.Sprintf("header has %d,%03d bytes", maxHeader/1000, maxHeader%1000),
		fmt.Sprintf("cluster's name %d", maxCluster), fmt.Sprintf("group has %d,%03d pages", topGroupSize/1000, topGroupSize%1000), fmt.Sprintf("first %d bytes of the least", prefixBytes),
		fmt.Sprintf("makes %d outputs at most", MaxOutputs), fmt.Sprintf("the %d with the most frames", MaxOutputs-1),
		fmt.Sprintf("exactly up to %d,%03d windows", countedWindows/1000, countedWindows%1000), fmt.Sprintf("or else %d rows or more", sharedRows),
	} {
		if !strings.Contains(strings.Join(strings.Fields(string(doc)), " "), want) {
			t.Errorf("docs/format/segment.md does not say %q", want)
		}
	}
	_, block, found := strings.Cut(string(doc), "```example\n")
	block, _, closed := strings.Cut(block, "```")
	if !found || !closed {
		t.Fatal("docs/format/segment.md has no example block")
	}
	var digits strings.Builder
	for line := range strings.Lines(block) {
		b, _, _ := strings.Cut(line, "|")
		digits.WriteString(strings.Join(strings.Fields(b), ""))
	}
	f, _ := oneFrame(t)
	if _, file := f.write(); hex.EncodeToString(file) != digits.String() {
		t.Errorf("the example of the document is not what the writer makes:\ndocument %s\nwriter   %x", digits.String(), file)
	}
}
