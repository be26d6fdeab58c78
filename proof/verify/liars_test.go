package verify_test

import (
	"testing"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
)

// TestLiars lets a quorum sign a log whose parts contradict each other: no key was stolen, and nobody kept an earlier checkpoint.
func TestLiars(t *testing.T) {
	on := func(device string, edit func(*content.Strip)) func(uint32, []content.Strip) []content.Strip {
		return func(ordinal uint32, strips []content.Strip) []content.Strip {
			for i := range strips {
				if strips[i].Key.Device == device && ordinal == 2 {
					edit(&strips[i])
				}
			}
			return strips
		}
	}
	runs := func(list ...ledger.Run) func(*content.Strip) {
		return func(s *content.Strip) {
			s.Runs, s.Frames = list, 0
			for _, r := range list {
				s.Frames += r.Last - r.First + 1
			}
		}
	}
	for what, tt := range map[string]struct {
		strips func(uint32, []content.Strip) []content.Strip
		seal   func(*record.Seal)
		code   int
	}{
		"nothing":                         {nil, nil, verify.CodeComplete},
		"a strip with fewer numbers":      {on("d", runs(ledger.Run{First: 51, Last: 99})), nil, verify.CodeTampered},
		"a strip with more numbers":       {on("d", runs(ledger.Run{First: 51, Last: 101})), nil, verify.CodeTampered},
		"a number in two strips":          {on("d", runs(ledger.Run{First: 50, Last: 100})), nil, verify.CodeTampered},
		"a strip of another ordinal":      {on("d", func(s *content.Strip) { s.Ordinal = 1 }), nil, verify.CodeTampered},
		"a strip of an epoch that is not": {on("d", func(s *content.Strip) { s.Epoch = 2 }), nil, verify.CodeTampered},
		"a strip of another root":         {on("d", func(s *content.Strip) { s.Root[0]++ }), nil, verify.CodeTampered},
		"a strip less": {func(ordinal uint32, strips []content.Strip) []content.Strip {
			if ordinal == 2 {
				return nil
			}
			return strips
		}, nil, verify.CodeTampered},
		"an ordinal twice":                {nil, func(s *record.Seal) { s.Ordinal = 1 }, verify.CodeTampered},
		"ordinals that overlap":           {nil, func(s *record.Seal) { s.First -= min(s.First-1, 1) }, verify.CodeTampered},
		"an ordinal that ends first":      {nil, func(s *record.Seal) { s.First = s.Last + 1 }, verify.CodeTampered},
		"an ordinal 0":                    {nil, func(s *record.Seal) { s.Ordinal = 0 }, verify.CodeTampered},
		"an ordinal that ends too early":  {nil, func(s *record.Seal) { s.Last -= uint64(s.Ordinal) / 2 }, verify.CodeTampered},
		"an ordinal of an earlier life":   {nil, func(s *record.Seal) { s.History -= uint64(s.Ordinal) / 2 }, verify.CodeTampered},
		"a root that is none":             {nil, func(s *record.Seal) { s.Root = "none" }, verify.CodeTampered},
		"fewer strips than there are":     {nil, func(s *record.Seal) { s.Strips-- }, verify.CodeTampered},
		"no strips":                       {nil, func(s *record.Seal) { s.Strips = 0 }, verify.CodeTampered},
		"a number of strips below naught": {nil, func(s *record.Seal) { s.Strips = -1 }, verify.CodeTampered},
		"strips beyond counting":          {nil, func(s *record.Seal) { s.Strips = 1<<63 - 1 }, verify.CodeTampered},
	} {
		t.Run(what, func(t *testing.T) {
			w, honest := tell(t, tt.strips, tt.seal), tell(t, nil, nil)
			c := honest.Certify(devices("d"))
			w.Reprove(c, 0, 2, 3) // what Build would refuse to show
			for i := range c.Proof.Seals {
				c.Proof.Seals[i] = w.Show(uint32(i+1), func(leaves.Key) bool { return true })
			}
			w.Issue(c, "n1")
			in := input(w, c)
			want(t, what, run(t, in), tt.code)
			if in.Files = nil; what != "a strip of another root" { // which only frames tell
				want(t, what+", without segments", run(t, in), tt.code)
			}
		})
	}
}

// tell is a world with two ordinals in which a device lost nothing.
func tell(t *testing.T, strips func(uint32, []content.Strip) []content.Strip, seal func(*record.Seal)) *world.World {
	w := world.New(t, "plant")
	w.LieStrips, w.LieSeal = strips, seal
	one := uint64(1)
	w.Send(world.Batch{Device: "d", Epoch: "a", First: &one, Seqs: world.Seqs(1, 50)})
	w.Cut()
	w.Send(world.Batch{Device: "d", Epoch: "a", Seqs: world.Seqs(51, 100)})
	w.Heartbeat(lifeAt("d", "a", 101))
	w.Cut()
	return w
}
