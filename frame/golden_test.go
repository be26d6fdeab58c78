package frame

import (
	"encoding/hex"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// goldenScript uses every feature of the format. It and the files made from it are frozen: version 1 is read for ever. A new version gets
// new files.
func goldenScript() script {
	decimal, _ := DecimalFloat(-2050, 2)
	late := Group{Stream: 2, Epoch: "boot-7", Bits: 16, HasFirst: true, First: 1}
	plain := Group{Stream: 1, Bits: 64}
	unseq := Group{Stream: 3, Bits: 64, Unseq: true}
	return script{
		header: Header{ReceiveMS: 1_760_000_000_123, Node: "n1", Listener: "http"},
		keys:   []StreamKey{{"default", "mill-07", "0"}, {"acme", "hall/2/überdruck", "slow"}, {"default", "lab", "0"}},
		calls: []call{
			{plain, Frame{Seq: 17, TimeNS: 1_760_000_000_000_000_000, Class: ClassEvent, Fields: []Field{{"temp", decimal}, {"on", Bool(true)}}}},
			{late, Frame{Seq: 65535, TimeNS: math.MinInt64, Class: ClassSnapshot, Raw: []byte{0, 1, 2, 0xff}}},
			{plain, Frame{Seq: 18, TimeNS: 1_760_000_000_100_000_000, Class: ClassEvent, Fields: []Field{{"on", Bool(false)}, {"temp", Float(math.Copysign(0, -1))}}}},
			{plain, Frame{Seq: MaxSeq, TimeNS: math.MaxInt64, Class: ClassEvent, Fields: []Field{
				{"nan", Value{Kind: KindFloat, Num: 0x7ff8_dead_beef_0001}},
				{"tiny", Float(math.SmallestNonzeroFloat64)},
				{"min", Int(math.MinInt64)},
				{"max", Uint(math.MaxUint64)},
				{"text", String("grün")},
				{"blob", Bytes([]byte{0xff, 0})},
			}}},
			{unseq, Frame{NoTime: true, Class: ClassEvent, Fields: []Field{{"temp", Float(0.1)}, {"on", Bool(true)}}, Raw: []byte("x")}},
			{late, Frame{Seq: 0, NoTime: true, Class: ClassEvent}},
			{plain, Frame{Seq: 19, TimeNS: 1_760_000_000_200_000_000, Class: ClassEvent, Fields: []Field{{"text", String(strings.Repeat("long ", 60))}}}},
		},
		rejects: []Reject{{plain, 20, CauseRejectedSchema, "bad_json", []byte(`{"seq":20,`)}, {late, 7, CauseShedSnapshot, "overload", nil}},
	}
}

func TestGolden(t *testing.T) {
	tests := []struct {
		file    string
		ids     []StreamID
		defined []bool
	}{
		{"testdata/client-v1.batch", nil, nil},
		{"testdata/replicated-v1.batch", []StreamID{41, 4_000_000_000, 7}, []bool{false, true, false}},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			frozen, err := os.ReadFile(test.file)
			if err != nil {
				t.Fatal(err)
			}
			s := goldenScript()
			var b Builder
			if got := s.build(t, &b, test.ids, test.defined); string(got) != string(frozen) {
				t.Errorf("the encoder no longer writes version 1 as it is frozen:\n%s", cmp.Diff(hex.Dump(frozen), hex.Dump(got)))
			}
			calls, rejects, _ := read(t, new(Reader), frozen)
			for i := range calls {
				in := s.calls[b.Order()[i]]
				in.Frame = want(in.Frame, &s.header)
				if test.ids != nil {
					in.Group.Stream = test.ids[in.Group.Stream-1]
				}
				if diff := cmp.Diff(in, calls[i], cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("frame %d (-frozen +read):\n%s", i, diff)
				}
			}
			if len(calls) != len(s.calls) || len(rejects) != len(s.rejects) {
				t.Errorf("read %d frames and %d rejects", len(calls), len(rejects))
			}
		})
	}
}

// exampleBatch is the one that docs/format/frame.md takes apart byte by byte.
func exampleBatch(t *testing.T) []byte {
	t.Helper()
	s := script{header: Header{ReceiveMS: 1_000, Node: "n1", Listener: "http"}, keys: []StreamKey{{"default", "mill-07", "0"}}}
	g := Group{Stream: 1, Bits: 64}
	for i, mantissa := range []int64{205, 206} {
		v, _ := DecimalFloat(mantissa, 1)
		f := Frame{Seq: uint64(17 + i), TimeNS: 1000 + int64(i)*50, Class: ClassEvent, Fields: []Field{{"temp", v}}}
		s.calls = append(s.calls, call{g, f})
	}
	return s.build(t, new(Builder), nil, nil)
}

func TestDocumentedExample(t *testing.T) {
	doc, err := os.ReadFile("../docs/format/frame.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(doc), "```example\n")
	block, _, closed := strings.Cut(block, "```")
	if !found || !closed {
		t.Fatal("docs/format/frame.md has no example block")
	}
	var digits strings.Builder
	for line := range strings.Lines(block) {
		bytes, _, _ := strings.Cut(line, "|")
		digits.WriteString(strings.Join(strings.Fields(bytes), ""))
	}
	if got := hex.EncodeToString(exampleBatch(t)); got != digits.String() {
		t.Errorf("the example of the document is not what the encoder writes:\ndocument %s\nencoder  %s", digits.String(), got)
	}
}
