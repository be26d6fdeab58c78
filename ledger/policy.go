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
	maxSkewMS       = 10 * maxPolicyMS // archives are older than most devices
	maxPolicyWindow = 1 << 20
	maxPolicyPPM    = 1_000_000
	maxPolicyCount  = 1 << 28
	maxPolicyEpochs = 1 << 20
)

// field is one number of a policy with its range. Zero stands for the default.
type field struct {
	name       string
	get        uint64 // a negative value is huge
	set        func(uint64)
	def, limit uint64
}

func fieldOf[T int | int64 | uint64](name string, v *T, def, limit uint64) field {
	return field{name, uint64(*v), func(n uint64) { *v = T(n) }, def, limit}
}

func (p *Policy) fields() []field {
	return []field{
		fieldOf("grace_ms", &p.GraceMS, 10_000, maxPolicyMS),
		fieldOf("misorder_window", &p.MisorderWindow, 100, maxPolicyWindow),
		fieldOf("restart_below", &p.RestartBelow, 0, MaxSeq),
		fieldOf("restart_drop", &p.RestartDrop, 0, MaxSeq),
		fieldOf("max_jump", &p.MaxJump, 1<<32, MaxSeq),
		fieldOf("rate_tolerance_ppm", &p.RateTolerancePPM, 5_000, maxPolicyPPM),
		fieldOf("skew_limit_ms", &p.SkewLimitMS, 24*3_600_000, maxSkewMS),
		fieldOf("finalise_per_tick", &p.FinalisePerTick, 100_000, maxPolicyCount),
		fieldOf("max_streams", &p.MaxStreams, 1_000_000, maxPolicyCount),
		fieldOf("max_epochs", &p.MaxEpochs, 1_024, maxPolicyEpochs),
		fieldOf("max_runs", &p.MaxRuns, 1_000_000, maxPolicyCount),
	}
}

// Defaults is the policy of a new cluster.
func Defaults() Policy { return Policy{}.WithDefaults() }

// WithDefaults fills every limit that is zero, and cuts to its range what Validate would refuse.
func (p Policy) WithDefaults() Policy {
	for _, f := range p.fields() {
		switch {
		case f.get == 0:
			f.set(f.def)
		case f.get > f.limit:
			f.set(f.limit)
		}
	}
	return p
}

// Validate names the first value that is out of its range.
func (p Policy) Validate() error {
	for _, f := range p.fields() {
		if f.get > f.limit {
			return fmt.Errorf("ledger: policy %s is %d, the limit is %d", f.name, int64(f.get), f.limit)
		}
	}
	return nil
}
