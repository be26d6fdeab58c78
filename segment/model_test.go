package segment

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"pgregory.net/rapid"
)

// model is what a segment must answer, slow and obvious: the samples of each epoch, sorted.
type model map[frame.StreamKey]map[uint32][]sample

func (m model) add(s sample) {
	if m[s.key] == nil {
		m[s.key] = map[uint32][]sample{}
	}
	list := m[s.key][s.ordinal]
	i, found := slices.BinarySearchFunc(list, s.row.Seq, func(s sample, n uint64) int { return cmp.Compare(s.row.Seq, n) })
	if !found {
		m[s.key][s.ordinal] = slices.Insert(list, i, s)
	}
}

func (m model) keys() []frame.StreamKey {
	keys := make([]frame.StreamKey, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b frame.StreamKey) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Device, b.Device), cmp.Compare(a.Stream, b.Stream))
	})
	return keys
}

func (m model) ordinals(key frame.StreamKey) []uint32 {
	var list []uint32
	for o := range m[key] {
		list = append(list, o)
	}
	slices.Sort(list)
	return list
}

// testFields draws fields the way devices send them: the same ones again and again, some now and then, some in two kinds.
func testFields(rnd *rand.Rand, style int) (fields []frame.Field) {
	add := func(name string, v frame.Value) { fields = append(fields, frame.Field{Name: name, Value: v}) }
	if style == 0 {
		return nil
	}
	d, _ := frame.DecimalFloat(rnd.Int64N(5000), uint8(rnd.IntN(3)))
	add("analog", d)
	if rnd.IntN(3) > 0 {
		add("count", frame.Int(rnd.Int64()>>rnd.IntN(64)))
	}
	if style == 2 {
		wild := []frame.Value{
			frame.Float(math.Float64frombits(rnd.Uint64())), frame.Float(math.NaN()), frame.Float(math.Copysign(0, -1)), frame.Float(math.Inf(1)),
			frame.Int(math.MinInt64), frame.Uint(math.MaxUint64), frame.Uint(1 << 63), frame.Bool(true), frame.String("ok"), frame.Bytes([]byte{0, 255}),
			frame.String(""), frame.Float(math.Float64frombits(1)), frame.Float(math.Float64frombits(0x7ff0000000000001)),
		}
		add("mixed", wild[rnd.IntN(len(wild))])
	}
	if rnd.IntN(2) == 0 {
		add("state", frame.String([]string{"run", "stop", "a state that has a name of more than sixteen bytes"}[rnd.IntN(3)]))
	}
	add("valve", frame.Bool(rnd.IntN(10) == 0))
	return fields
}

func testRaw(rnd *rand.Rand) []byte {
	if rnd.IntN(2) == 0 {
		return nil
	}
	return []byte(fmt.Sprintf("payload %d", rnd.IntN(100)))
}

var testKeys = []frame.StreamKey{
	{Tenant: "acme", Device: "mill-1", Stream: "0"}, {Tenant: "acme", Device: "mill-1", Stream: "aux"}, {Tenant: "acme", Device: "mill-10", Stream: "0"},
	{Tenant: "acme", Device: "müll", Stream: "0"}, {Tenant: "acme-2", Device: "mill-1", Stream: "0"}, {Tenant: "b", Device: "x", Stream: "0"},
}

// testFleet draws a head and its model.
func testFleet(t *rapid.T, tb testing.TB) (*fixture, model) {
	f, m := newFixture(tb), model{}
	rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	for range rapid.IntRange(1, 6).Draw(t, "bursts") {
		samples := testBurst(t, rnd)
		f.add(samples...)
		for _, s := range samples {
			m.add(s)
		}
	}
	return f, m
}

// testBurst draws frames of one epoch.
func testBurst(t *rapid.T, rnd *rand.Rand) []sample {
	key := rapid.SampledFrom(testKeys).Draw(t, "key")
	ordinal := uint32(rapid.IntRange(1, 3).Draw(t, "epoch"))
	style := rapid.IntRange(0, 2).Draw(t, "style")
	unit := rapid.SampledFrom([]int64{1, 1e6, 1e9}).Draw(t, "unit")
	seqs := pattern(t)
	samples := make([]sample, len(seqs))
	for i, seq := range seqs {
		row := Row{Seq: seq, TimeNS: (rnd.Int64N(100) - 50) * unit, ReceiveMS: rnd.Int64N(5) - 2, Class: 1 + frame.Class(rnd.IntN(2)), Seal: uint32(rnd.IntN(2) * 7)}
		if rnd.IntN(10) == 0 {
			row.Flags = FlagSkew
		}
		if rnd.IntN(10) == 0 {
			row.Flags |= FlagLate
		}
		if rnd.IntN(50) == 0 {
			row.TimeNS = math.MinInt64 + rnd.Int64N(2)*math.MaxInt64
		}
		samples[i] = sample{key: key, ordinal: ordinal, row: row, fields: testFields(rnd, style), raw: testRaw(rnd)}
	}
	return samples
}

// record is what a read must give for a sample.
func (s *sample) matches(rec *Record, cols Columns) error {
	want := s.row
	want.Body, want.Seal = frame.Body{}, max(want.Seal, 1)
	got := rec.Row
	want.Index, want.Ordinal = got.Index, got.Ordinal // given by the fixture, compared with the head
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("row %+v, want %+v", got, want)
	}
	var fields []frame.Field
	for _, f := range s.fields {
		if cols.All || slices.Contains(cols.Fields, f.Name) {
			fields = append(fields, f)
		}
	}
	if !slices.EqualFunc(rec.Fields, fields, func(a, b frame.Field) bool { return a.Name == b.Name && a.Value.Equal(b.Value) }) {
		return fmt.Errorf("seq %d: fields %v, want %v", want.Seq, rec.Fields, fields)
	}
	raw := s.raw
	if !cols.All && !cols.Raw {
		raw = nil
	}
	if !bytes.Equal(rec.Raw, raw) || (rec.Raw == nil) != (raw == nil) {
		return fmt.Errorf("seq %d: raw %q, want %q", want.Seq, rec.Raw, raw)
	}
	return nil
}

func TestSegmentAgreesWithSortedSamples(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f, m := testFleet(rt, t)
		info, file := f.write()
		cache := NewCache(rapid.SampledFrom([]int64{0, 1 << 20, 1 << 30}).Draw(rt, "cache"))
		r := openBytes(t, file, ReaderOptions{Name: info.Name, Cache: cache, OnDamage: func(err error) { rt.Fatal(err) }})
		if got, err := Verify(bytes.NewReader(file), int64(len(file)), info.Name, nil); err != nil || got != info {
			rt.Fatalf("Verify: %+v, %v, want %+v", got, err, info)
		}
		checkInfo(rt, r, f.head, m, info)
		for _, key := range testKeys {
			checkKey(rt, r, m, key)
			for _, o := range m.ordinals(key) {
				e, ok, err := r.Epoch(key, o)
				if err != nil || !ok {
					rt.Fatalf("Epoch(%v, %d): %v, %v", key, o, ok, err)
				}
				list := m[key][o]
				checkEpoch(rt, r, &e, list)
				checkPositions(rt, r, &e, f.head, f.ids[key], o)
				checkStatistics(rt, r, &e, list)
				for range 3 {
					checkSpan(rt, r, &e, list)
				}
				checkNeighbours(rt, r, &e, list)
				checkTimes(rt, r, &e, f.head, f.ids[key], o, list)
			}
		}
	})
}
