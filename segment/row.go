package segment

import (
	"math"

	"github.com/gaplessdb/gapless/frame"
)

const nsPerMS = 1_000_000

// Row is one stored frame. Its values stay encoded in Body, which refers to the committed batch and is never written to.
type Row struct {
	Seq         uint64 // unwrapped, or assigned by the server
	TimeNS      int64  // device time, nanoseconds since the Unix epoch, UTC; the receive time when FlagNoTime is set
	ReceiveMS   int64  // when the batch was received, milliseconds since the Unix epoch, UTC
	Index       uint64 // Raft index of the entry that carried the frame
	Ordinal     uint32 // place of the frame in that entry
	Fingerprint uint32 // CRC32C of the canonical content
	Flags       Flags
	Class       frame.Class
	Seal        uint32 // number of the seal that covers the frame; 0, not known yet, is written as 1
	Body        frame.Body
}

// FiledNS is the time a row is found under, in nanoseconds: the device's own, or the receive time where the device's is implausible
// (FlagSkew). It saturates where milliseconds do not fit.
func (r *Row) FiledNS() int64 {
	if r.Flags&FlagSkew == 0 {
		return r.TimeNS
	}
	if r.ReceiveMS > math.MaxInt64/nsPerMS {
		return math.MaxInt64
	}
	if r.ReceiveMS < math.MinInt64/nsPerMS {
		return math.MinInt64
	}
	return r.ReceiveMS * nsPerMS
}

// Flags says what the ledger found out about a frame when it was applied.
type Flags uint16

// The flags of a row. Their numbers are kept in files from the next format on: append, never renumber.
const (
	FlagNoTime             Flags = 1 << iota // the device sent no time: the receive time stands in
	FlagSkew                                 // the device's time is implausible: the frame is filed under its receive time
	FlagLate                                 // it arrived below the highest number of its epoch
	FlagWrapAmbiguous                        // its number was unwrapped without certainty
	FlagProbation                            // nothing has confirmed yet that the counter jumped or restarted
	FlagServerSeq                            // the source has no numbers: the server assigned this one
	FlagSuspectedDuplicate                   // unnumbered, and equal to an earlier frame of the same device time
)

var flagNames = [...]string{"no_time", "skew", "late", "wrap_ambiguous", "probation", "server_seq", "suspected_duplicate"}

// Each calls fn with the name of every set flag, in the order of the constants.
func (f Flags) Each(fn func(name string)) {
	for i, name := range flagNames {
		if f&(1<<i) != 0 {
			fn(name)
		}
	}
}
