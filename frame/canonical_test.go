package frame

import (
	"encoding/hex"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Certificates and replicas depend on these bytes for ever.
func TestCanonicalIsFrozen(t *testing.T) {
	v, _ := DecimalFloat(205, 1)
	f := Frame{Seq: 99, TimeNS: 1000, Class: ClassEvent, Fields: []Field{{"temp", v}}, Raw: []byte("r")}
	const leaf = "6761706c6573732f6672616d652f7631" + "070064656661756c74" + "07006d696c6c2d3037" + "010030" +
		"03000000" + "1100000000000000" + "01000000" + "040074656d70" + "00" + "e803000000000000" + "010000000000803440" + "72"
	if got := hex.EncodeToString(AppendCanonical(nil, StreamKey{"default", "mill-07", "0"}, 3, 17, &f)); got != leaf {
		t.Errorf("leaf is\n%s, want\n%s", got, leaf)
	}
	if got := Fingerprint(&f); got != 0xede78fa2 {
		t.Errorf("fingerprint is %08x", got)
	}
}

func TestFingerprintIsOfTheContent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Group{Bits: 64}
		f := genFrame(t, &g)
		base := Fingerprint(&f)
		same := f
		same.Seq++
		same.Fields = slices.Clone(f.Fields)
		slices.Reverse(same.Fields)
		for i := range same.Fields {
			same.Fields[i].Value.Decimal = false
		}
		if f.NoTime {
			same.TimeNS++
		}
		if Fingerprint(&same) != base {
			t.Fatal("order of fields, decimals, number or receive time changed the fingerprint")
		}
	})
}

func TestFingerprintSeesEveryDifference(t *testing.T) {
	base := func() *Frame {
		return &Frame{TimeNS: 5, Class: ClassEvent, Fields: []Field{{"a", Float(0)}, {"b", Int(1)}}, Raw: []byte("raw")}
	}
	changes := map[string]func(*Frame){
		"time":        func(f *Frame) { f.TimeNS++ },
		"no time":     func(f *Frame) { f.NoTime = true },
		"class":       func(f *Frame) { f.Class = ClassSnapshot },
		"name":        func(f *Frame) { f.Fields[0].Name = "A" },
		"-0":          func(f *Frame) { f.Fields[0].Value = Float(math.Copysign(0, -1)) },
		"kind":        func(f *Frame) { f.Fields[0].Value = Int(0) },
		"string kind": func(f *Frame) { f.Fields[0].Value = String("") },
		"bytes kind":  func(f *Frame) { f.Fields[0].Value = Bytes(nil) },
		"value":       func(f *Frame) { f.Fields[1].Value = Int(2) },
		"one less":    func(f *Frame) { f.Fields = f.Fields[:1] },
		"raw":         func(f *Frame) { f.Raw = []byte("raW") },
		"no raw":      func(f *Frame) { f.Raw = nil },
	}
	seen := map[uint32]string{Fingerprint(base()): "unchanged"}
	for name, change := range changes {
		f := base()
		change(f)
		fp := Fingerprint(f)
		if other, ok := seen[fp]; ok {
			t.Errorf("%s and %s have one fingerprint", name, other)
		}
		seen[fp] = name
	}
}

func TestAddAndReaderAgreeOnFingerprints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genScript(t)
		calls, _, _ := read(t, new(Reader), s.build(t, new(Builder), nil, nil))
		for i := range s.calls {
			if f := &s.calls[i].Frame; f.Fingerprint != Fingerprint(f) {
				t.Fatal("Add left another fingerprint than Fingerprint computes")
			}
		}
		for i := range calls {
			if f := &calls[i].Frame; f.Fingerprint != Fingerprint(f) {
				t.Fatal("a decoded frame has another fingerprint than it came with")
			}
		}
	})
}

func TestDecimalFloat(t *testing.T) {
	tests := []struct {
		mantissa int64
		scale    uint8
		want     float64
		ok       bool
	}{
		{205, 1, 20.5, true},
		{-1, 22, -1e-22, true},
		{0, 5, 0, true},
		{maxMantissa, 0, 9007199254740991, true},
		{maxMantissa + 1, 0, 0, false},
		{-maxMantissa - 1, 0, 0, false},
		{math.MinInt64, 0, 0, false},
		{1, 23, 0, false},
	}
	for _, test := range tests {
		v, ok := DecimalFloat(test.mantissa, test.scale)
		if ok != test.ok || ok && math.Float64bits(v.Float64()) != math.Float64bits(test.want) {
			t.Errorf("DecimalFloat(%d, %d) = %v, %v", test.mantissa, test.scale, v.Float64(), ok)
		}
	}
}

// A hint that does not reproduce the float must never reach the encoding, where it would replace the bits.
func TestFalseDecimalHintIsDropped(t *testing.T) {
	hints := []Value{
		{Kind: KindFloat, Decimal: true, Num: math.Float64bits(math.Copysign(0, -1))},
		{Kind: KindFloat, Decimal: true, Num: math.Float64bits(20.5), Mantissa: 206, Scale: 1},
		{Kind: KindFloat, Decimal: true, Num: math.Float64bits(1), Mantissa: 1, Scale: 255},
		{Kind: KindFloat, Decimal: true, Num: math.Float64bits(1 << 53), Mantissa: 1 << 53},
	}
	for _, v := range hints {
		f := Frame{Class: ClassEvent, Fields: []Field{{"a", v}}}
		s := script{keys: []StreamKey{{"t", "d", "s"}}, calls: []call{{Group{Stream: 1, Bits: 64}, f}}}
		calls, _, _ := read(t, new(Reader), s.build(t, new(Builder), nil, nil))
		if got := calls[0].Frame.Fields[0].Value; got.Decimal || got.Num != v.Num {
			t.Errorf("%+v came back as %+v", v, got)
		}
	}
}
