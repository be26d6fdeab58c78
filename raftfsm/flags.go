package raftfsm

import (
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// rowFlags keeps with a row what the ledger found out about its frame.
func rowFlags(out *ledger.Outcome, g *frame.Group, it *frame.Item) segment.Flags {
	var flags segment.Flags
	set := func(on bool, flag segment.Flags) {
		if on {
			flags |= flag
		}
	}
	set(it.NoTime, segment.FlagNoTime)
	set(out.Skew, segment.FlagSkew)
	set(out.Late, segment.FlagLate)
	set(out.WrapAmbiguous, segment.FlagWrapAmbiguous)
	set(out.Probation, segment.FlagProbation)
	set(g.Unseq, segment.FlagServerSeq)
	set(out.SuspectedDuplicate, segment.FlagSuspectedDuplicate)
	return flags
}
