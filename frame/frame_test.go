package frame

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// call is one call of Builder.Add.
type call struct {
	Group Group
	Frame Frame
}

var names = rapid.OneOf(rapid.SampledFrom([]string{"a", "b", "temp", "pressure", "überdruck"}), rapid.StringMatching(`[a-z/._-]{1,24}`))

func genFloat(t *rapid.T) Value {
	switch rapid.IntRange(0, 3).Draw(t, "float kind") {
	case 0:
		v, _ := DecimalFloat(rapid.Int64Range(-maxMantissa, maxMantissa).Draw(t, "mantissa"), rapid.Uint8Range(0, maxScale).Draw(t, "scale"))
		return v
	case 1:
		return Float(rapid.SampledFrom([]float64{math.Copysign(0, -1), 0, math.Inf(1), math.Inf(-1), math.MaxFloat64,
			math.SmallestNonzeroFloat64, 2.2250738585072011e-308, math.NaN()}).Draw(t, "special"))
	default: // every pattern of bits, NaN payloads and denormals too
		return Value{Kind: KindFloat, Num: rapid.Uint64().Draw(t, "bits")}
	}
}

func genValue(t *rapid.T) Value {
	switch Kind(rapid.IntRange(1, 6).Draw(t, "kind")) {
	case KindFloat:
		return genFloat(t)
	case KindInt:
		return Int(rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64, -1, 0})).Draw(t, "int"))
	case KindUint:
		return Uint(rapid.Uint64Min(1<<63).Draw(t, "uint"))
	case KindBool:
		return Bool(rapid.Bool().Draw(t, "bool"))
	case KindString:
		return String(rapid.StringN(0, 40, 160).Draw(t, "string"))
	default:
		return Bytes(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "bytes"))
	}
}

func genFrame(t *rapid.T, g *Group) Frame {
	f := Frame{Class: ClassEvent, NoTime: rapid.Bool().Draw(t, "notime")}
	if rapid.Bool().Draw(t, "snapshot") {
		f.Class = ClassSnapshot
	}
	if !f.NoTime {
		f.TimeNS = rapid.Int64().Draw(t, "time")
	}
	if !g.Unseq {
		f.Seq = rapid.Uint64Range(0, maxSeqOf(g.Bits)).Draw(t, "seq")
	}
	for _, name := range rapid.SliceOfNDistinct(names, 0, 9, rapid.ID[string]).Draw(t, "fields") {
		f.Fields = append(f.Fields, Field{name, genValue(t)})
	}
	if rapid.Bool().Draw(t, "has raw") {
		f.Raw = rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "raw")
	}
	return f
}

func genGroup(t *rapid.T, streams int) Group {
	g := Group{
		Stream: StreamID(rapid.IntRange(1, streams).Draw(t, "stream")),
		Epoch:  rapid.SampledFrom([]string{"", "1", "boot-7"}).Draw(t, "epoch"),
		Bits:   rapid.SampledFrom([]uint8{8, 16, 32, 64}).Draw(t, "width"),
		Unseq:  rapid.IntRange(0, 5).Draw(t, "unseq") == 0,
	}
	if !g.Unseq && rapid.Bool().Draw(t, "hasfirst") {
		g.HasFirst = true
		g.First = rapid.Uint64Range(0, maxSeqOf(g.Bits)).Draw(t, "first")
	}
	return g
}

// script is what a test puts into a batch.
type script struct {
	header  Header
	keys    []StreamKey
	calls   []call
	rejects []Reject
}

func genScript(t *rapid.T) script {
	var s script
	s.header = Header{
		ReceiveMS: rapid.Int64Range(-maxReceiveMS, maxReceiveMS).Draw(t, "receive"),
		Node:      rapid.SampledFrom([]string{"", "n1"}).Draw(t, "node"),
		Listener:  rapid.SampledFrom([]string{"", "http"}).Draw(t, "listener"),
	}
	for _, device := range rapid.SliceOfNDistinct(names, 1, 5, rapid.ID[string]).Draw(t, "devices") {
		s.keys = append(s.keys, StreamKey{"default", device, "0"})
	}
	groups := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Group { return genGroup(t, len(s.keys)) }), 1, 4).Draw(t, "groups")
	for range rapid.IntRange(0, 20).Draw(t, "frames") {
		g := rapid.SampledFrom(groups).Draw(t, "group")
		s.calls = append(s.calls, call{g, genFrame(t, &g)})
	}
	for range rapid.IntRange(0, 2).Draw(t, "rejects") {
		g := rapid.SampledFrom(groups).Draw(t, "group")
		if !g.Unseq {
			seq := rapid.Uint64Range(0, maxSeqOf(g.Bits)).Draw(t, "seq")
			s.rejects = append(s.rejects, Reject{g, seq, CauseRejectedSchema, "bad_json", []byte("evidence")})
		}
	}
	return s
}

// build encodes the script; ids, when given, are the replicated ids of its keys, and those in defined travel with the batch.
func (s *script) build(t rapid.TB, b *Builder, ids []StreamID, defined []bool) []byte {
	t.Helper()
	h := s.header
	h.Replicated = ids != nil
	b.Reset(h)
	for i, key := range s.keys {
		if ids == nil {
			if id, err := b.Stream(key); err != nil || id != StreamID(i+1) {
				t.Fatalf("Stream(%v) = %d, %v", key, id, err)
			}
		} else if defined[i] {
			if err := b.Define(Def{ids[i], key}); err != nil {
				t.Fatal(err)
			}
		}
	}
	move := func(g Group) Group {
		if ids != nil {
			g.Stream = ids[g.Stream-1]
		}
		return g
	}
	for i := range s.calls {
		if err := b.Add(move(s.calls[i].Group), &s.calls[i].Frame); err != nil {
			t.Fatalf("Add %d: %v", i, err)
		}
	}
	for _, rej := range s.rejects {
		rej.Group = move(rej.Group)
		if err := b.Reject(rej); err != nil {
			t.Fatal(err)
		}
	}
	out, err := b.Finish(nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(out) > b.Size() {
		t.Fatalf("batch has %d bytes, Size promised at most %d", len(out), b.Size())
	}
	return out
}

// read decodes a batch into what was added, in the order of the batch.
func read(t rapid.TB, r *Reader, b []byte) (calls []call, rejects []Reject, keys []StreamKey) {
	t.Helper()
	if err := r.Reset(b); err != nil {
		t.Fatal(err)
	}
	var g Group
	var it Item
	for r.NextGroup(&g) {
		for r.Next(&it) {
			var f Frame
			it.Decode(&f)
			calls = append(calls, call{g, f})
		}
	}
	for rej := range r.Rejects() {
		rejects = append(rejects, rej)
	}
	for def := range r.Defs() {
		keys = append(keys, def.Key)
	}
	return calls, rejects, keys
}

// want is the frame that a reader must return for one that was added.
func want(f Frame, h *Header) Frame {
	f.Fields = append([]Field(nil), f.Fields...)
	slices.SortFunc(f.Fields, compareFields)
	for i := range f.Fields {
		if v := &f.Fields[i].Value; !v.hasDecimal() {
			v.Decimal, v.Mantissa, v.Scale = false, 0, 0
		}
	}
	if f.NoTime {
		f.TimeNS = h.ReceiveMS * 1_000_000
	}
	if len(f.Raw) == 0 {
		f.Raw = nil
	}
	return f
}

func TestRoundTrip(t *testing.T) {
	var b Builder
	var r Reader
	rapid.Check(t, func(t *rapid.T) {
		s := genScript(t)
		batch := s.build(t, &b, nil, nil)
		calls, rejects, keys := read(t, &r, batch)
		order := b.Order()
		if len(order) != len(s.calls) || len(calls) != len(s.calls) || r.Frames() != len(calls) {
			t.Fatalf("added %d frames, order has %d, read %d, Frames() is %d", len(s.calls), len(order), len(calls), r.Frames())
		}
		for i := range calls {
			in := s.calls[order[i]]
			in.Frame = want(in.Frame, &s.header)
			if diff := cmp.Diff(in, calls[i], cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("frame %d (-added +read):\n%s", i, diff)
			}
			if (calls[i].Frame.Raw == nil) != (len(in.Frame.Raw) == 0) {
				t.Fatal("an empty raw payload must be nil")
			}
		}
		if diff := cmp.Diff(s.rejects, rejects, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(s.keys, keys); diff != "" {
			t.Fatal(diff)
		}
		if err := r.VerifyFingerprints(); err != nil {
			t.Fatal(err)
		}
		var fresh Builder
		if again := s.build(t, &fresh, nil, nil); string(again) != string(batch) {
			t.Fatal("the same calls gave other bytes")
		}
	})
}

func TestRebaseEqualsBuilding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genScript(t)
		ids := make([]StreamID, len(s.keys))
		define := make([]bool, len(s.keys))
		for i := range ids {
			ids[i] = StreamID(rapid.Uint32Min(1).Draw(t, "id")) + StreamID(i)
			define[i] = rapid.Bool().Draw(t, "define")
		}
		for i := range ids { // distinct, or groups would merge where Rebase keeps them apart
			ids[i] = ids[i]/8*8 + StreamID(i) + 1
		}
		var b Builder
		batch := s.build(t, &b, nil, nil)
		got, err := Rebase([]byte("kept"), batch, func(d Def) (StreamID, bool) { return ids[d.ID-1], define[d.ID-1] })
		if err != nil {
			t.Fatal(err)
		}
		want := s.build(t, &b, ids, define)
		if string(got) != "kept"+string(want) {
			t.Fatalf("rebased batch differs from the one built\n%x\n%x", got[4:], want)
		}
		var r Reader
		if err := r.Reset(want); err != nil {
			t.Fatal(err)
		}
	})
}
