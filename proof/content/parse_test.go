package content

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/merkle"
)

// goldenGroup has a frame of each sort: a snapshot, one without time, some of the same shape, one without anything, one with raw.
func goldenGroup() Group {
	power := func(v float64) []frame.Field {
		return []frame.Field{{Name: "ok", Value: frame.Bool(true)}, {Name: "power", Value: frame.Float(v)}}
	}
	return Group{Key: frame.StreamKey{Tenant: "acme", Device: "mill-7", Stream: "0"}, Epoch: 2, Ordinal: 5, Frames: []Frame{
		{Seq: 64, TimeNS: 1_760_000_000_000_000_000, Class: frame.ClassEvent, Fields: power(21.5)},
		{Seq: 65, TimeNS: 1_760_000_001_000_000_000, Class: frame.ClassSnapshot, Fields: power(math.Copysign(0, -1))},
		{Seq: 67, NoTime: true, Class: frame.ClassEvent},
		{Seq: 70, TimeNS: -1, Class: frame.ClassEvent, Raw: []byte("\x00raw")},
		{Seq: 127, NoTime: true, Class: frame.ClassSnapshot, Fields: []frame.Field{
			{Name: "count", Value: frame.Int(-2)}, {Name: "key", Value: frame.Bytes([]byte{0xff})}, {Name: "note", Value: frame.String("")},
			{Name: "total", Value: frame.Uint(math.MaxUint64)},
		}},
	}}
}

func goldenStrip() Strip {
	s := Strip{Key: frame.StreamKey{Tenant: "acme", Device: "mill-7", Stream: "0"}, Epoch: 2, Ordinal: 5, Frames: 304,
		Runs: []ledger.Run{{First: 3, Last: 5}, {First: 64, Last: 363}, {First: 1 << 40, Last: 1 << 40}}}
	for i := range s.Root {
		s.Root[i] = byte(i)
	}
	return s
}

// edit gives bytes with some of them replaced at a place that holds other ones now.
func edit(t *testing.T, b []byte, before, after string) []byte {
	t.Helper()
	if !bytes.Contains(b, []byte(before)) {
		t.Fatalf("%q is not in %q", before, b)
	}
	return bytes.Replace(b, []byte(before), []byte(after), 1)
}

func TestGroupsThatAreNotCanonicalAreRefused(t *testing.T) {
	with := func(change func(g *Group)) []byte {
		g := goldenGroup()
		change(&g)
		return AppendGroup(nil, &g)
	}
	good := with(func(*Group) {})
	if _, err := ParseGroup(good); err != nil {
		t.Fatal(err)
	}
	head := len("gapless/frames/v1") + 2 + 4 + 2 + 6 + 2 + 1 + 4 + 4
	second := bytes.Index(good, binary.LittleEndian.AppendUint64(nil, 65))
	shape := "\x02\x00\x02\x00ok\x04\x05\x00power\x01"
	again := append(append(append([]byte(nil), good[:second+17]...), shape...), good[second+17:]...)
	again[second+8] &^= flagSameShape
	set := func(at int, v byte) []byte {
		b := bytes.Clone(good)
		b[at] = v
		return b
	}
	tooMany := with(func(g *Group) {
		f := g.Frames[2]
		for seq := range uint64(65) {
			f.Seq = seq
			g.Frames = append(g.Frames[:seq:seq], f)
		}
	})
	for name, b := range map[string][]byte{
		"nothing":                      nil,
		"another domain":               edit(t, good, "frames/v1", "frames/v2"),
		"a strip":                      (&Strip{}).Append(nil),
		"an empty name":                with(func(g *Group) { g.Key.Stream = "" }),
		"a name with a control":        with(func(g *Group) { g.Key.Device = "mill\x00" }),
		"a name that is not UTF-8":     with(func(g *Group) { g.Key.Tenant = "\xff" }),
		"a long name":                  with(func(g *Group) { g.Key.Tenant = strings.Repeat("x", 257) }),
		"ordinal 0":                    with(func(g *Group) { g.Ordinal = 0 }),
		"no frames":                    with(func(g *Group) { g.Frames = nil }),
		"65 frames":                    tooMany,
		"more frames than there are":   set(head, 6),
		"fewer frames than there are":  set(head, 4),
		"a byte more":                  append(bytes.Clone(good), 0),
		"a byte less":                  good[:len(good)-1],
		"a number twice":               with(func(g *Group) { g.Frames[1].Seq = 64 }),
		"numbers that descend":         with(func(g *Group) { g.Frames[0].Seq = 66 }),
		"numbers of two groups":        with(func(g *Group) { g.Frames[4].Seq = 128 }),
		"a flag that is not there":     set(head+9, 4),
		"flag 128 in the first frame":  set(head+9, 128),
		"the fields once more":         again,
		"a time without time":          edit(t, good, "C\x00\x00\x00\x00\x00\x00\x00\x02\x00", "C\x00\x00\x00\x00\x00\x00\x00\x02\x01"),
		"fields that descend":          with(func(g *Group) { g.Frames[4].Fields[0].Name = "z" }),
		"a field twice":                with(func(g *Group) { g.Frames[4].Fields[0].Name = "key" }),
		"an empty name of a field":     with(func(g *Group) { g.Frames[4].Fields[0].Name = "" }),
		"kind 0":                       edit(t, good, "count\x02", "count\x00"),
		"kind 7":                       edit(t, good, "count\x02", "count\x07"),
		"a bool of 2":                  edit(t, good, "power\x01\x01", "power\x01\x02"),
		"a bool with a high byte":      edit(t, good, "power\x01\x01\x00", "power\x01\x01\x01"),
		"more fields than a frame has": with(func(g *Group) { g.Frames[4].Fields = manyFields(frame.MaxFields + 1) }),
		"raw beyond the end":           edit(t, good, "\x04\x00\x00\x00\x00raw", "\x04\x00\x00\xff\x00raw"),
	} {
		if g, err := ParseGroup(b); !errors.Is(err, ErrForm) {
			t.Errorf("%s: %+v, %v", name, g, err)
		}
	}
	if b := with(func(g *Group) { g.Frames[4].Fields = manyFields(frame.MaxFields) }); !roundGroup(b) {
		t.Error("a frame with as many fields as there may be is refused")
	}
}

func manyFields(n int) (fields []frame.Field) {
	for i := range n {
		fields = append(fields, frame.Field{Name: "f" + string(rune(0x4e00+i)), Value: frame.Bool(false)})
	}
	return fields
}

func roundGroup(b []byte) bool {
	g, err := ParseGroup(b)
	return err == nil && bytes.Equal(AppendGroup(nil, &g), b)
}

func TestStripsThatAreNotCanonicalAreRefused(t *testing.T) {
	strip := goldenStrip()
	front := strip.Append(nil)[:stripFront(&strip)]
	with := func(frames uint64, runs ...uint64) []byte {
		b := bytes.Clone(front)
		binary.LittleEndian.PutUint64(b[len(b)-40:], frames)
		b = binary.AppendUvarint(b, uint64(len(runs)/2))
		for _, n := range runs {
			b = binary.AppendUvarint(b, n)
		}
		return b
	}
	for name, b := range map[string][]byte{
		"one":                     with(1, 7, 0),
		"all numbers but one":     with(math.MaxUint64, 1, math.MaxUint64-1),
		"the highest number":      with(2, 7, 0, math.MaxUint64-8, 0),
		"every second":            with(3, 0, 0, 1, 0, 1, 0),
		"the golden strip itself": strip.Append(nil),
	} {
		if s, err := ParseStrip(b); err != nil || !bytes.Equal(s.Append(nil), b) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	for name, b := range map[string][]byte{
		"nothing":                      nil,
		"another domain":               edit(t, strip.Append(nil), "strip/v1", "strip/v2"),
		"no runs":                      with(0),
		"runs that touch":              with(2, 7, 0, 0, 0),
		"fewer frames than numbers":    with(2, 7, 2),
		"more frames than numbers":     with(4, 7, 2),
		"more frames than all numbers": with(0, 0, math.MaxUint64),
		"a run beyond the end":         with(2, math.MaxUint64, 1),
		"a run behind the end":         with(2, math.MaxUint64, 0, 1, 0),
		"a run at 0 again":             with(2, math.MaxUint64, 0, 0, 0),
		"a gap beyond the end":         with(2, 0, 0, math.MaxUint64, 0),
		"a byte more":                  append(with(1, 7, 0), 0),
		"a byte less":                  with(1, 7, 0)[:len(front)+2],
		"a long uvarint":               append(bytes.Clone(with(1, 7, 0)[:len(front)+1]), 0x87, 0x00, 0x00),
		"a long count":                 append(bytes.Clone(with(1)[:len(front)]), 0x81, 0x00, 7, 0),
		"more runs than bytes":         append(bytes.Clone(with(1)[:len(front)]), 0xff, 0xff, 0xff, 0xff, 0x7f, 7, 0),
		"a uvarint without end":        append(bytes.Clone(with(1)[:len(front)]), 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0),
	} {
		if s, err := ParseStrip(b); !errors.Is(err, ErrForm) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	zero := strip
	zero.Ordinal = 0
	if _, err := ParseStrip(zero.Append(nil)); !errors.Is(err, ErrForm) {
		t.Errorf("ordinal 0: %v", err)
	}
}

// stripFront is where the count of runs stands.
func stripFront(s *Strip) int {
	return len(appendHead(nil, stripDomain, s.Key, s.Epoch)) + 4 + 8 + len(s.Root)
}

func FuzzParseGroup(f *testing.F) {
	g := goldenGroup()
	f.Add(AppendGroup(nil, &g))
	rows := someRows(rand.New(rand.NewPCG(1, 1)), 5)
	f.Add(slowGroup(rows[:4]))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := ParseGroup(b); err == nil && !roundGroup(b) {
			t.Fatalf("%x is accepted and is not canonical", b)
		}
	})
}

func FuzzParseStrip(f *testing.F) {
	s := goldenStrip()
	f.Add(s.Append(nil))
	s.Frames, s.Root, s.Runs = 1, merkle.Hash{1}, []ledger.Run{{First: math.MaxUint64, Last: math.MaxUint64}}
	f.Add(s.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseStrip(b)
		if err == nil && (!bytes.Equal(s.Append(nil), b) || s.Groups() < 1) {
			t.Fatalf("%x is accepted and is not canonical", b)
		}
	})
}
