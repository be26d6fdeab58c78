package ledger

import "fmt"

// MaxSeq is the highest number of a frame. It leaves room for the count of all numbers below and for JSON readers with signed integers.
const MaxSeq = 1<<63 - 1

// Policy is what an operator may choose. It is replicated: every node applies a command under the same policy. The zero value of a limit stands
// for its default.
type Policy struct {
	GraceMS          int64  `json:"grace_ms"`           // commit time that a gap stays OPEN before it is final; default 10,000
	MisorderWindow   uint64 `json:"misorder_window"`    // numbers by which a frame may come early or late without suspicion; default 100
	RestartBelow     uint64 `json:"restart_below"`      // a number that falls below this is a restart; 0 = rule off
	RestartDrop      uint64 `json:"restart_drop"`       // a number that falls by more than this is a restart; 0 = rule off
	MaxJump          uint64 `json:"max_jump"`           // numbers that an undeclared epoch may skip before it is implausible; default 2^32
	ProtocolZero     bool   `json:"protocol_zero"`      // the protocol starts every epoch at 0, so the head of a new epoch is known
	RateTolerancePPM uint64 `json:"rate_tolerance_ppm"` // by how much a steady rate may drift through a silence; default 5,000 (0.5 %)
	SkewLimitMS      int64  `json:"skew_limit_ms"`      // device time further than this from commit time is marked; default 86,400,000
	FinalisePerTick  int    `json:"finalise_per_tick"`  // gaps that one Tick looks at; default 100,000
	MaxStreams       int    `json:"max_streams"`        // default 1,000,000; Define answers too_many_streams
	MaxEpochs        int    `json:"max_epochs"`         // of a stream; default 1,024; frames get too_many_epochs
	MaxRuns          int    `json:"max_runs"`           // of an epoch; default 1,000,000; frames get too_many_runs. Also bounds causes
}

// Upper ends of what a policy may ask for: beyond them sums of times and counts could overflow.
const (
	maxPolicyMS     = 10 * 365 * 24 * 3_600_000
	maxPolicyWindow = 1 << 20
	maxPolicyPPM    = 1_000_000
	maxPolicyCount  = 1 << 28
)

// Defaults is the policy of a new cluster.
func Defaults() Policy {
	return Policy{
		GraceMS:          10_000,
		MisorderWindow:   100,
		MaxJump:          1 << 32,
		RateTolerancePPM: 5_000,
		SkewLimitMS:      24 * 3_600_000,
		FinalisePerTick:  100_000,
		MaxStreams:       1_000_000,
		MaxEpochs:        1_024,
		MaxRuns:          1_000_000,
	}
}

// WithDefaults fills every limit that is zero.
func (p Policy) WithDefaults() Policy {
	d := Defaults()
	fill(&p.GraceMS, d.GraceMS)
	fill(&p.MisorderWindow, d.MisorderWindow)
	fill(&p.MaxJump, d.MaxJump)
	fill(&p.RateTolerancePPM, d.RateTolerancePPM)
	fill(&p.SkewLimitMS, d.SkewLimitMS)
	fill(&p.FinalisePerTick, d.FinalisePerTick)
	fill(&p.MaxStreams, d.MaxStreams)
	fill(&p.MaxEpochs, d.MaxEpochs)
	fill(&p.MaxRuns, d.MaxRuns)
	return p
}

func fill[T int | int64 | uint64](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

// Validate names the first value that is out of its range.
func (p Policy) Validate() error {
	for _, c := range []struct {
		name     string
		got, max uint64
	}{
		{"grace_ms", uint64(p.GraceMS), maxPolicyMS},
		{"misorder_window", p.MisorderWindow, maxPolicyWindow},
		{"restart_below", p.RestartBelow, MaxSeq},
		{"restart_drop", p.RestartDrop, MaxSeq},
		{"max_jump", p.MaxJump, MaxSeq},
		{"rate_tolerance_ppm", p.RateTolerancePPM, maxPolicyPPM},
		{"skew_limit_ms", uint64(p.SkewLimitMS), maxPolicyMS},
		{"finalise_per_tick", uint64(p.FinalisePerTick), maxPolicyCount},
		{"max_streams", uint64(p.MaxStreams), maxPolicyCount},
		{"max_epochs", uint64(p.MaxEpochs), 1 << 20},
		{"max_runs", uint64(p.MaxRuns), maxPolicyCount},
	} {
		if c.got > c.max { // a negative value is a huge uint64
			return fmt.Errorf("ledger: policy %s is %d, the limit is %d", c.name, int64(c.got), c.max)
		}
	}
	return nil
}
