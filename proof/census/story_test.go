package census

import (
	"bytes"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"pgregory.net/rapid"
)

// t0 is the commit time at which stories begin, ms.
const t0 = int64(1_790_000_000_000)

// streams of the stories: equal devices of two tenants, and two streams of one device, so that the order of keys is tried.
var keys = []frame.StreamKey{
	{Tenant: "t", Device: "mill-07", Stream: "0"}, {Tenant: "t", Device: "mill-07", Stream: "fast"},
	{Tenant: "t", Device: "mill", Stream: "zz"}, {Tenant: "u", Device: "mill-07", Stream: "0"},
}

// story is a ledger and what happens to it: loss, disorder, duplicates, conflicts, restarts, narrow counters, declarations, refusals, and time.
type story struct {
	t    *rapid.T
	l    *ledger.Ledger
	ms   int64
	last map[frame.StreamID]uint64 // newest number that was tried
}

func newStory(t *rapid.T) *story {
	p := rapid.SampledFrom([]ledger.Policy{
		{}, {GraceMS: 1500, FinalisePerTick: 2}, {RestartDrop: 90, ProtocolZero: true}, {MaxEpochs: 4, MaxRuns: 8}, {MaxJump: 50, MisorderWindow: 9},
	}).Draw(t, "policy")
	return &story{t: t, l: ledger.New(p), ms: t0, last: map[frame.StreamID]uint64{}}
}

func (s *story) pick(name string, n uint64) uint64 { return rapid.Uint64Range(0, n-1).Draw(s.t, name) }

func (s *story) chance(name string, oneIn uint64) bool { return s.pick(name, oneIn) == oneIn-1 }

// tell lets some things happen.
func (s *story) tell(steps int) {
	for range rapid.IntRange(1, steps).Draw(s.t, "steps") {
		s.step()
	}
	s.calm()
}

// calm is a device without loss that declares where its numbers begin, and where they end.
func (s *story) calm() {
	id, err := s.l.Intern(frame.StreamKey{Tenant: "t", Device: "calm", Stream: "0"})
	if err != nil {
		s.t.Fatal(err)
	}
	g := frame.Group{Stream: id, Epoch: "boot-1", HasFirst: true, First: s.pick("first", 5)}
	next := g.First + s.pick("frames", 20) + 1
	for n := g.First; n < next; n++ {
		s.l.Arrive(&g, s.ms, s.ms, &frame.Item{Seq: n, TimeNS: s.ms * 1_000_000})
	}
	sub := ledger.Subject{ID: id, Epoch: g.Epoch}
	if s.chance("seals", 2) {
		_, err = s.l.Seal(s.ms, &ledger.Seal{Subject: sub, Last: next - 1, HasCount: true, Count: next - g.First - s.pick("off by", 2)})
	} else {
		_, err = s.l.Heartbeat(s.ms, &ledger.Heartbeat{Subject: sub, Next: next})
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *story) step() {
	id, err := s.l.Intern(rapid.SampledFrom(keys).Draw(s.t, "stream"))
	if err != nil {
		s.t.Fatal(err)
	}
	g := frame.Group{
		Stream: id, Epoch: rapid.SampledFrom([]string{"", "", "boot-1", "boot-2"}).Draw(s.t, "epoch"),
		Bits:  rapid.SampledFrom([]uint8{64, 64, 64, 8, 16}).Draw(s.t, "bits"),
		Unseq: s.chance("unnumbered", 20),
	}
	if g.HasFirst = s.chance("has first", 6); g.HasFirst {
		g.First = s.pick("first", 40)
	}
	s.ms += int64(s.pick("wait", 3000))
	switch s.pick("do", 12) {
	case 0:
		s.command(&g)
	case 1:
		s.refuse(&g)
	case 2:
		for s.l.Tick(s.ms+int64(s.pick("grace", 20_000)), false) > 0 {
		}
	case 3:
		s.l.Request(id, uint32(s.pick("ordinal", 3)+1), 0, s.pick("to", 300), s.ms)
	default:
		s.frames(&g)
	}
}

// near is mostly a number near the newest one, sometimes far from it.
func (s *story) near(id frame.StreamID, bits uint8) uint64 {
	n := s.last[id]
	switch s.pick("where", 10) {
	case 0:
		n = s.pick("far", 1<<40)
	case 1, 2:
		n -= min(n, s.pick("back", 150))
	case 3:
		n += s.pick("ahead", 30)
	default:
		n++
	}
	s.last[id] = n
	return wire(bits, n)
}

func wire(bits uint8, n uint64) uint64 {
	if bits == 64 {
		return n
	}
	return n & (1<<bits - 1)
}

func (s *story) frames(g *frame.Group) {
	for range s.pick("frames", 12) + 1 {
		if !s.chance("at once", 6) {
			s.ms += 1000
		}
		age := int64(0)
		if s.chance("old", 8) {
			age = int64(s.pick("age", 300_000))
		}
		it := frame.Item{Seq: s.near(g.Stream, g.Bits), TimeNS: (s.ms - age) * 1_000_000, NoTime: s.chance("no time", 8)}
		it.Fingerprint = uint32(s.pick("content", 3))
		s.l.Arrive(g, s.ms, s.ms, &it)
	}
}

func (s *story) refuse(g *frame.Group) {
	cause := rapid.SampledFrom([]frame.Cause{
		frame.CauseRejectedCRC, frame.CauseRejectedSchema, frame.CauseShedSnapshot, frame.CauseShedDisk, frame.CauseExpired, frame.CauseErased,
	}).Draw(s.t, "cause")
	for range s.pick("refused", 4) + 1 {
		s.l.Reject(g, s.near(g.Stream, g.Bits), s.ms, s.ms, cause)
	}
}

// command is a device's word. One that is refused changes nothing.
func (s *story) command(g *frame.Group) {
	sub := ledger.Subject{ID: g.Stream, Epoch: g.Epoch, Bits: g.Bits}
	at := s.near(g.Stream, g.Bits)
	switch s.pick("command", 5) {
	case 0, 1:
		h := ledger.Heartbeat{Subject: sub, Next: at, HasFirst: g.HasFirst, First: g.First, Birth: s.chance("birth", 8)}
		if h.HasPrev = s.chance("says previous", 4); h.HasPrev {
			h.PrevLast = s.near(g.Stream, 64)
		}
		_, _ = s.l.Heartbeat(s.ms, &h)
	case 2:
		_, _ = s.l.Seal(s.ms, &ledger.Seal{Subject: sub, Last: at, HasCount: s.chance("count", 2), Count: s.pick("counted", 100)})
	case 3:
		reason := rapid.SampledFrom([]string{"", "ring overflow", "überlauf"}).Draw(s.t, "reason")
		_, _ = s.l.DeclareLost(s.ms, &ledger.DeclareLost{Subject: sub, From: at, To: at + s.pick("more", 30), Reason: reason})
	case 4:
		v := ledger.Verdict{Subject: sub, Ordinal: uint32(s.pick("ordinal", 3) + 1), To: ledger.MaxSeq, Identical: s.chance("identical", 2)}
		_, _ = s.l.Verdict(s.ms, &v)
	}
}

// leaf is a leaf with its bytes, and the stream's number in the ledger.
type leaf struct {
	*Leaf
	id    frame.StreamID
	bytes []byte
}

// census is all leaves of a ledger, each read back from its bytes.
func census(t testing.TB, l *ledger.Ledger) []leaf {
	t.Helper()
	all := []leaf{}
	err := Walk(l, func(made *Leaf) error {
		b := made.Append(nil)
		read, err := Parse(b)
		if err != nil {
			return err
		}
		id, _ := l.ID(read.Key)
		all = append(all, leaf{read, id, b})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func restored(t testing.TB, l *ledger.Ledger) *ledger.Ledger {
	t.Helper()
	var b bytes.Buffer
	if err := l.Checkpoint(&b); err != nil {
		t.Fatal(err)
	}
	again := ledger.New(ledger.Policy{})
	if err := again.Restore(&b); err != nil {
		t.Fatal(err)
	}
	return again
}
