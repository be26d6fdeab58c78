package ledger

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// narrow sends the true number n of a counter of so many bits at a device time of so many ns after t0.
func (r *rig) narrow(bits uint8, n uint64, atNS int64) Outcome {
	g := frame.Group{Stream: r.id, Bits: bits}
	it := frame.Item{Seq: wire(bits, n), TimeNS: t0*1_000_000 + atNS, Fingerprint: uint32(n*77) | 1}
	r.ms = max(r.ms, t0+atNS/1_000_000)
	return r.l.Arrive(&g, r.ms, r.ms, &it)
}

// Silence of so many frames at a rate that is known, with the true rate off by up to 0.2 %. The nearest number alone is
// wrong every time beyond half the counter. Here no answer is ever wrong; what cannot be known is flagged.
func TestUnwrapAfterSilence(t *testing.T) {
	const periodNS = 5_000_000 // 200 frames a second
	for _, c := range []struct {
		bits    uint8
		silence uint64
		flagged bool
	}{
		{8, 100, false}, {8, 200, false}, {8, 1_000, false}, {8, 10_000, false}, {8, 30_000, true}, {8, 1_000_000, true},
		{16, 200, false}, {16, 33_000, false}, {16, 40_000, false}, {16, 65_536, false}, {16, 131_071, false},
		{16, 1_000_000, false}, {16, 5_000_000, false}, {16, 20_000_000, true},
		{32, 40_000, false}, {32, 5_000_000, false}, {32, 1 << 32, false},
	} {
		t.Run(fmt.Sprintf("bits=%d/silence=%d", c.bits, c.silence), func(t *testing.T) {
			rng := rand.New(rand.NewSource(int64(c.silence)))
			for range 20 {
				r := newRig(t, Policy{})
				n := uint64(0)
				for ; n < 4_000; n++ {
					if o := r.narrow(c.bits, n, int64(n)*periodNS); o.Status != Stored || o.Seq != n {
						t.Fatalf("frame %d: %+v", n, o)
					}
				}
				took := float64(c.silence) * periodNS * (1 + (rng.Float64()-0.5)*0.004)
				at := int64(n)*periodNS + int64(took)
				n += c.silence
				o := r.narrow(c.bits, n, at)
				switch {
				case c.flagged && (!o.WrapAmbiguous || !o.NewEpoch):
					t.Fatalf("%d frames of silence: %+v, want a flag", c.silence, o)
				case !c.flagged && (o.Seq != n || o.Epoch != 1):
					t.Fatalf("%d frames of silence: %+v, want number %d", c.silence, o, n)
				}
				for range 100 { // it goes on after either
					n++
					at += periodNS
					if o := r.narrow(c.bits, n, at); o.NewEpoch || o.Status != Stored || o.Seq&(1<<c.bits-1) != wire(c.bits, n) {
						t.Fatalf("frame %d: %+v", n, o)
					}
				}
				r.check()
			}
		})
	}
}

// At a rate that nobody knows the same silence has many answers, and none is taken.
func TestUnwrapUnknownRate(t *testing.T) {
	for _, silence := range []uint64{40_000, 65_535, 65_536, 65_537, 100_000} {
		r := newRig(t, Policy{})
		rng := rand.New(rand.NewSource(7))
		at, n := int64(0), uint64(0)
		for ; n < 2_000; n++ { // bursts and pauses: 0.1 ms to 1 s
			at += int64(100_000 << rng.Intn(14))
			if o := r.narrow(16, n, at); o.Seq != n || o.Epoch != 1 {
				t.Fatalf("frame %d: %+v", n, o)
			}
		}
		o := r.narrow(16, n+silence, at+7_200_000_000_000)
		if !o.WrapAmbiguous || !o.NewEpoch || o.Epoch != 2 {
			t.Fatalf("silence of %d: %+v", silence, o)
		}
		rep := r.report(2)
		if rep.Verdict != Indeterminate || rep.WrapAmbiguous != 1 || rep.Wraps == nil || rep.Wraps[0] > silence>>16 || rep.Wraps[1] < (n+silence)>>16 {
			t.Fatalf("silence of %d: %v, wraps %v", silence, rep.Verdict, rep.Wraps)
		}
	}
}

// The same before a steady rate is established: what is known bounds the rate from above, and that is not enough for a whole wrap.
func TestUnwrapAfterEarlySilence(t *testing.T) {
	for _, c := range []struct {
		silence uint64
		flagged bool
	}{{1_000, false}, {20_000, false}, {65_536, true}, {65_537, true}, {100_000, true}} {
		r := newRig(t, Policy{})
		n := uint64(0)
		for ; n < 60; n++ {
			r.narrow(16, n, int64(n)*5_000_000)
		}
		n += c.silence
		if o := r.narrow(16, n, int64(n)*5_000_000); o.WrapAmbiguous != c.flagged || !c.flagged && o.Seq != n {
			t.Errorf("silence of %d: %+v", c.silence, o)
		}
	}
}

// A counter whose first two numbers are far apart: nothing is known of its rate.
func TestUnwrapSecondFrame(t *testing.T) {
	for _, c := range []struct {
		bits      uint8
		second    uint64
		ambiguous bool
	}{{16, 101, false}, {16, 700, true}, {8, 20, false}, {8, 100, true}, {32, 70_000, false}} {
		r := newRig(t, Policy{})
		r.narrow(c.bits, 1, 0)
		if o := r.narrow(c.bits, c.second, 1_000_000_000); o.WrapAmbiguous != c.ambiguous || !c.ambiguous && o.Seq != c.second {
			t.Errorf("%d bits, 1 then %d: %+v", c.bits, c.second, o)
		}
	}
}

// The clocks of a device may be set. A number is taken only if it does not depend on which clock to believe.
func TestUnwrapClockSteps(t *testing.T) {
	const second = int64(1_000_000_000)
	for _, c := range []struct {
		name   string
		bits   uint8
		stepNS int64 // of the device's clock
		silent int64 // seconds of real time, all of whose frames are lost
		flag   bool
	}{
		{"8 bits, an hour forward", 8, 3600 * second, 1, true},
		{"8 bits, an hour back: a late frame may have shown that too", 8, -3600 * second, 1, true},
		{"8 bits, 5 s back", 8, -5 * second, 1, false},
		{"16 bits, an hour forward", 16, 3600 * second, 1, false},
		{"16 bits, an hour back", 16, -3600 * second, 1, false},
		{"16 bits, 56 years forward", 16, 56 * 365 * 86_400 * second, 1, true},
		{"16 bits, silent for a day", 16, 0, 86_400, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, Policy{})
			n := uint64(0)
			for ; n < 1000; n++ {
				r.narrow(c.bits, n, int64(n)*second)
			}
			n += uint64(c.silent)
			r.ms += c.silent * 1000
			g := frame.Group{Stream: r.id, Bits: c.bits}
			it := frame.Item{Seq: wire(c.bits, n), TimeNS: r.ms*1_000_000 + c.stepNS, Fingerprint: 5}
			o := r.l.Arrive(&g, r.ms, r.ms, &it)
			if o.WrapAmbiguous != c.flag || !o.WrapAmbiguous && o.Seq != n {
				t.Errorf("%+v, want number %d or a flag %v", o, n, c.flag)
			}
		})
	}
}

// A device that stores while it is offline sends old device times at once; they are believed.
func TestUnwrapBufferedFrames(t *testing.T) {
	const second = int64(1_000_000_000)
	r := newRig(t, Policy{})
	n := uint64(0)
	for ; n < 1000; n++ {
		r.narrow(8, n, int64(n)*second)
	}
	r.ms += 20_000 * 1000 // offline for hours, nothing is lost
	for ; n < 20_000; n++ {
		if o := r.narrow(8, n, int64(n)*second); o.Seq != n || o.Epoch != 1 {
			t.Fatalf("frame %d: %+v", n, o)
		}
	}
	if got := r.shape(); !slices.Equal(got, []string{"0..19999"}) {
		t.Error(got)
	}
}

// A pause in which the device did not count is no wrap.
func TestUnwrapPause(t *testing.T) {
	const second = int64(1_000_000_000)
	for _, c := range []struct {
		hours int64
		flag  bool
	}{{1, false}, {11, false}, {24, true}} {
		r := newRig(t, Policy{})
		n := uint64(0)
		for ; n < 1000; n++ {
			r.narrow(16, n, int64(n)*second)
		}
		o := r.narrow(16, n, int64(n)*second+c.hours*3600*second)
		if o.WrapAmbiguous != c.flag || !c.flag && o.Seq != n {
			t.Errorf("pause of %d hours: %+v", c.hours, o)
		}
	}
}

// a flipped bit in an unprotected 16-bit number never gets into coverage until a neighbour confirms it.
func TestFlippedNumberStaysApart(t *testing.T) {
	const period = int64(5_000_000)
	r := newRig(t, Policy{})
	for n := range uint64(3000) {
		if n == 2000 {
			if o := r.narrow(16, n^0x4000, int64(n)*period); !o.Probation || !o.NewEpoch || o.Status != Stored {
				t.Fatalf("flipped number: %+v", o)
			}
			continue
		}
		if o := r.narrow(16, n, int64(n)*period); o.Epoch != 1 || o.Seq != n {
			t.Fatalf("frame %d: %+v", n, o)
		}
	}
	if got, want := r.shape(), []string{"0..2999 missing 1", "18384..18384 probation"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	r.check()
}

// a 16-bit counter at 200 frames a second wraps every 5.5 minutes, for hours.
func TestSixteenBitsForHours(t *testing.T) {
	const period = int64(5_000_000)
	r := newRig(t, Policy{})
	stored := uint64(0)
	for n := range uint64(400_000) {
		if n%997 == 5 {
			continue
		}
		if o := r.narrow(16, n, int64(n)*period); o.Seq != n || o.Status != Stored {
			t.Fatalf("frame %d: %+v", n, o)
		}
		stored++
	}
	if rep := r.report(1); rep.Stored != stored || rep.Expected != 400_000 {
		t.Errorf("%d of %d, want %d of 400000", rep.Stored, rep.Expected, stored)
	}
}

// A narrow counter restarts: with the device's clock, the numbers behind are no late frames.
func TestNarrowRestart(t *testing.T) {
	const second = int64(1_000_000_000)
	for _, bits := range []uint8{16, 32} {
		r := newRig(t, Policy{})
		for n := range uint64(5000) {
			r.narrow(bits, n, int64(n)*second)
		}
		for n := range uint64(10) {
			o := r.narrow(bits, n, int64(5060+n)*second)
			if o.Epoch != 2 || o.Seq != n || o.NewEpoch != (n == 0) || o.WrapAmbiguous {
				t.Fatalf("%d bits, frame %d after the restart: %+v", bits, n, o)
			}
		}
		if got, want := r.shape(), []string{"0..4999", "0..9"}; !slices.Equal(got, want) {
			t.Errorf("%d bits: got %q, want %q", bits, got, want)
		}
	}
}

// The same frame through a door with 16 bits and one with 64 is one frame.
func TestTwoWidthsOneCounter(t *testing.T) {
	const second = int64(1_000_000_000)
	r := newRig(t, Policy{})
	for n := uint64(70_000); n < 70_500; n++ {
		at := int64(n) * second
		wide, narrow := uint8(64), uint8(16)
		if n%3 == 0 {
			wide, narrow = 16, 64
		}
		if o := r.narrow(wide, n, at); o.Status != Stored || o.Epoch != 1 {
			t.Fatalf("frame %d with %d bits: %+v", n, wide, o)
		}
		if o := r.narrow(narrow, n, at); o.Status != Duplicate || o.Epoch != 1 {
			t.Fatalf("frame %d again with %d bits: %+v", n, narrow, o)
		}
	}
	// 70,000 is a multiple of 3 off: the first frame had 64 bits or the offset was learned from the second.
	if rep := r.report(1); rep.Stored != 500 || rep.Duplicates.Identical != 500 {
		t.Errorf("%d stored, %+v", rep.Stored, rep.Duplicates)
	}
}

// An ambiguous silence is settled by a heartbeat with the whole number: what lay between is expected of the epoch before, and no frame moves.
func TestLinkByHeartbeat(t *testing.T) {
	const second = int64(1_000_000_000)
	r := newRig(t, Policy{RateTolerancePPM: 100_000})
	n := uint64(0)
	for ; n < 1000; n++ {
		r.narrow(16, n, int64(n)*second)
	}
	r.heartbeat(Heartbeat{Next: 1000, HasTime: true, TimeNS: t0*1_000_000 + 999*second})
	n = 400_000
	o := r.narrow(16, n, 400_000*second)
	if !o.WrapAmbiguous || o.Epoch != 2 {
		t.Fatalf("%+v", o)
	}
	if o := r.narrow(16, n+1, 400_001*second); o.Epoch != 2 || o.Probation {
		t.Fatalf("neighbour: %+v", o)
	}
	before := r.report(1)
	if before.Expected != 1000 || r.report(2).Verdict != Indeterminate {
		t.Fatalf("before the link: %d expected, %v", before.Expected, r.report(2).Verdict)
	}
	res := r.heartbeat(Heartbeat{Next: n + 2, HasTime: true, TimeNS: t0*1_000_000 + 400_001*second})
	if res.Epoch != 2 {
		t.Fatalf("%+v", res)
	}
	one, two := r.report(1), r.report(2)
	if one.Expected != 400_000 || one.Stored != 1000 || one.Tail.Basis != BasisSuccessor {
		t.Errorf("epoch 1: %d of %d, tail %s", one.Stored, one.Expected, one.Tail.Basis)
	}
	if two.Stored != 2 || two.Expected != 2 || two.Verdict == Indeterminate || two.Epoch.Linked == nil || two.Epoch.Offset == nil {
		t.Fatalf("epoch 2: %+v", two)
	}
	if got := *two.Head.First + *two.Epoch.Offset; got != n {
		t.Errorf("first number of epoch 2 is %d with its offset, want %d", got, n)
	}
	// A frame that was lost in the silence and comes now belongs to epoch 1.
	if o := r.narrow(16, n-5, (400_000-5)*second); o.Epoch != 1 || o.Seq != n-5 || !o.Late {
		t.Errorf("late frame: %+v", o)
	}
	r.check()
}

// A narrow counter that was joined late has an offset, which the first whole number tells.
func TestOffsetOfALateJoin(t *testing.T) {
	const second = int64(1_000_000_000)
	r := newRig(t, Policy{})
	for n := uint64(200_000); n < 200_100; n++ {
		if o := r.narrow(16, n, int64(n)*second); o.Seq != n-196_608 {
			t.Fatalf("%+v", o)
		}
	}
	res := r.heartbeat(Heartbeat{Next: 200_103, HasFirst: true, First: 0})
	if res.Next != 200_103-196_608 || res.Missing != 3 || !slices.Equal(res.Ignored, []string{"first"}) {
		t.Errorf("%+v", res)
	}
	rep := r.report(1)
	if rep.Epoch.Offset == nil || *rep.Epoch.Offset != 196_608 || rep.Tail.Basis != BasisWatermark || rep.Head.Basis != BasisFirstSeen {
		t.Errorf("%+v %+v %+v", rep.Epoch, rep.Head, rep.Tail)
	}
	if res := r.lost(DeclareLost{From: 200_100, To: 200_101}); res.From != 200_100-196_608 || res.Declared != 2 {
		t.Errorf("%+v", res)
	}
}

// A number that only an ambiguity could place opens an epoch under the same value when the device names its epochs, and frames find it by that value.
func TestAmbiguityUnderADeclaredEpoch(t *testing.T) {
	r := newRig(t, Policy{})
	send16 := func(n uint64, atMS int64) Outcome {
		r.ms = max(r.ms, t0+atMS)
		return r.arrive(send{seq: wire(16, n), bits: 16, epoch: "boot-7", timeMS: t0 + atMS, first: ptr(uint64(0))})
	}
	for n := range uint64(50) {
		send16(n, int64(n)*10)
	}
	if o := send16(500_000, 3_600_000); !o.WrapAmbiguous || o.Epoch != 2 {
		t.Fatalf("%+v", o)
	}
	if o := send16(500_001, 3_600_010); o.Epoch != 2 || o.Probation || o.WrapAmbiguous {
		t.Fatalf("%+v", o)
	}
	if o := send16(500_002, 3_600_020); o.Epoch != 2 {
		t.Fatalf("%+v", o)
	}
	one, two := r.report(1), r.report(2)
	if one.Head.Basis != BasisDeclared || two.Head.Basis != BasisFirstSeen || two.Epoch.Raw != "boot-7" || two.Epoch.Source != "inferred" || two.Epoch.After != 1 {
		t.Errorf("%+v %+v %+v", one.Head, two.Head, two.Epoch)
	}
	r.check()
}
