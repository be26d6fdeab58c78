package fleet

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
)

// mishaps counts what a fleet's plan does.
type mishaps struct {
	heads, inside, tails, declared          int // runs of lost numbers
	repeats, conflicts, reordered, late     int
	afterReboot                             int // late stretches of an earlier life
	reboots, wraps, heartbeats, seals, told int
	bases                                   map[ending]int
}

func countMishaps(sources []*source) mishaps {
	m := mishaps{bases: map[ending]int{}}
	for _, s := range sources {
		m.reboots += len(s.lives) - 1
		for i, l := range s.lives {
			m.bases[l.tail]++
			m.wraps += int(l.wraps(s.kind.bits))
			m.declared += len(s.declared(i))
			for _, r := range minus(s.lost(i), s.declared(i)) {
				switch {
				case r.from == l.first:
					m.heads++
				case r.to == l.last:
					m.tails++
				default:
					m.inside++
				}
			}
		}
		m.countOps(s)
	}
	return m
}

func (m *mishaps) countOps(s *source) {
	life, top := 0, uint64(0)
	for _, o := range s.ops {
		if o.life > life {
			life, top = o.life, 0
		}
		switch o.kind {
		case opHeartbeat:
			m.heartbeats++
			if o.previous {
				m.told++
			}
		case opSeal:
			m.seals++
		}
		for i, r := range o.frames {
			switch {
			case r.role == roleRepeat:
				m.repeats++
			case r.role == roleConflict:
				m.conflicts++
			case o.life < life:
				m.afterReboot++
			case r.seq < top && i == 0:
				m.late++
			case r.seq < top:
				m.reordered++
			}
			if o.life == life {
				top = max(top, r.seq)
			}
		}
	}
}

func TestEverySizeHasEveryMishap(t *testing.T) {
	for _, o := range []Options{{}, {Devices: 7, Frames: 7 * minPerDevice}, {Seed: 42, Devices: 12, Frames: 6000}} {
		f, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		m := countMishaps(f.sources)
		t.Logf("%d frames: %+v", f.frames, m)
		v := reflect.ValueOf(m)
		for i := range v.NumField() {
			if v.Field(i).Kind() == reflect.Int && v.Field(i).Int() == 0 {
				t.Errorf("%d devices, %d frames: no %s", o.Devices, o.Frames, v.Type().Field(i).Name)
			}
		}
		for _, basis := range []ending{endSeal, endWatermark, endSuccessor, endLastSeen} {
			if m.bases[basis] == 0 {
				t.Errorf("no life whose end is known by %s", basis)
			}
		}
		for _, s := range f.sources {
			for i := range s.lives {
				if len(minus(s.lost(i), s.declared(i))) == 0 {
					t.Errorf("%s/%s life %d loses nothing in silence", s.device, s.stream, i)
				}
			}
		}
	}
}

// TestDemoSize holds the zero Options to what the demo promises.
func TestDemoSize(t *testing.T) {
	f, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	devices := map[string]bool{}
	widest := map[uint8]uint64{}
	for _, s := range f.sources {
		devices[s.device] = true
		for _, l := range s.lives {
			widest[s.kind.bits] = max(widest[s.kind.bits], l.last-l.first+1)
		}
	}
	if len(devices) < 50 || f.frames < 100_000 || widest[16] <= 1<<16 || widest[8] <= 1<<8 {
		t.Errorf("%d devices, %d frames, longest lives %v", len(devices), f.frames, widest)
	}
}

// TestPlanIsSeeded: equal seeds give equal requests, byte for byte, other seeds others.
func TestPlanIsSeeded(t *testing.T) {
	bodies := func(seed uint64) []byte {
		o := small()
		o.Seed = seed
		f, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		for _, s := range f.sources {
			for i := range s.ops {
				r, err := s.request(&s.ops[i])
				if err != nil {
					t.Fatal(err)
				}
				out.WriteString(r.path)
				out.Write(r.body)
			}
		}
		return out.Bytes()
	}
	one := bodies(1)
	if !bytes.Equal(one, bodies(1)) || bytes.Equal(one, bodies(2)) {
		t.Error("the plan is not a function of the seed")
	}
}

// TestConflictDiffers: a conflict has the same number and time and other bytes, a repeat the same.
func TestConflictDiffers(t *testing.T) {
	f, err := New(small())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range f.sources {
		seq := s.lives[0].first + 30
		a, b, c := s.frame(0, ref{seq: seq}), s.frame(0, ref{seq: seq, role: roleRepeat}), s.frame(0, ref{seq: seq, role: roleConflict})
		if sumOf(&a) != sumOf(&b) || sumOf(&a) == sumOf(&c) || a.Seq != c.Seq || a.TimeNS != c.TimeNS {
			t.Errorf("%s: frame %d: sums %x %x %x", s.device, seq, sumOf(&a), sumOf(&b), sumOf(&c))
		}
	}
}

func TestNarrowCountersWrapOnTheWire(t *testing.T) {
	s := &source{kind: &kind{bits: 8}}
	for seq, want := range map[uint64]uint64{0: 0, 255: 255, 256: 0, 1000: 232} {
		if got := s.wire(seq); got != want {
			t.Errorf("wire(%d) = %d, want %d", seq, got, want)
		}
	}
	l := &life{first: 65_000, last: 65_536 * 2}
	if l.wraps(16) != 2 || l.wraps(64) != 0 {
		t.Errorf("wraps: %d of 16 bits, %d of 64", l.wraps(16), l.wraps(64))
	}
}

func TestBadOptions(t *testing.T) {
	for _, o := range []Options{
		{Devices: 3}, {Devices: 1_000_000}, {Devices: 20, Frames: 20}, {Frames: 1 << 40}, {Break: "everything"}, {Workers: -1}, {GiveUp: -time.Second},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v: accepted", o)
		}
	}
}

func TestMinus(t *testing.T) {
	got := minus([]run{{from: 0, to: 9}, {from: 20, to: 29}}, []run{{from: 0, to: 1}, {from: 5, to: 22}, {from: 29, to: 40}})
	want := []run{{from: 2, to: 4}, {from: 23, to: 28}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestSumOfAnswer: a value made here and its JSON in an answer have one sum, and kinds are told apart.
func TestSumOfAnswer(t *testing.T) {
	for _, v := range []frame.Value{frame.Float(12), frame.Float(-0.5), frame.Float(1e300), frame.Int(-7), frame.Int(1 << 62), frame.Bool(true), frame.String("Böe \"7\"")} {
		f := frame.Frame{TimeNS: 1_790_000_000_000_000_001, Class: frame.ClassEvent, Fields: []frame.Field{{Name: "v", Value: v}}}
		token, err := jsonValue(v)
		if err != nil {
			t.Fatal(err)
		}
		a := frameAnswer{Time: time.Unix(0, f.TimeNS).UTC().Format(time.RFC3339Nano), Class: "event"}
		a.Fields = map[string]json.RawMessage{"v": token}
		if got, err := a.sum(); err != nil || got != sumOf(&f) {
			t.Errorf("%s: sum %x, %v; want %x", token, got, err, sumOf(&f))
		}
	}
	for _, bad := range []frameAnswer{
		{Time: "yesterday"}, {Time: "2026-01-02T03:04:05Z", Raw: "%"}, {Time: "2026-01-02T03:04:05Z", Fields: map[string]json.RawMessage{"v": nil}},
	} {
		if _, err := bad.sum(); err == nil {
			t.Errorf("%+v: has a sum", bad)
		}
	}
}
