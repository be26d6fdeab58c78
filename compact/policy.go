package compact

import (
	"fmt"
	"time"
)

// Policy is the replicated settings of merging. The zero value is the default policy.
type Policy struct {
	Off      bool  // no new plans
	WindowNS int64 // width of a time window, nanoseconds; default 6 h
	FanIn    int   // segments that a merge takes at least; default 4
	MaxBytes int64 // largest result, by the bytes of its inputs; default 1 GiB
}

// Defaults and bounds of a Policy.
const (
	DefaultWindow   = 6 * time.Hour
	DefaultFanIn    = 4
	DefaultMaxBytes = 1 << 30

	MinWindow   = time.Second
	MaxWindow   = 10 * 365 * 24 * time.Hour
	MinFanIn    = 2
	MaxFanIn    = maxInputs
	MinMaxBytes = 64 << 10
	MaxMaxBytes = 1 << 40
)

// WithDefaults returns the policy with defaults for what is zero.
func (p Policy) WithDefaults() Policy {
	if p.WindowNS == 0 {
		p.WindowNS = int64(DefaultWindow)
	}
	if p.FanIn == 0 {
		p.FanIn = DefaultFanIn
	}
	if p.MaxBytes == 0 {
		p.MaxBytes = DefaultMaxBytes
	}
	return p
}

// Validate says which setting is out of its bounds. Zero stands for the default.
func (p Policy) Validate() error {
	p = p.WithDefaults()
	switch {
	case p.WindowNS < int64(MinWindow) || p.WindowNS > int64(MaxWindow):
		return fmt.Errorf("compact: a window of %s: give %s to %s", time.Duration(p.WindowNS), MinWindow, MaxWindow)
	case p.FanIn < MinFanIn || p.FanIn > MaxFanIn:
		return fmt.Errorf("compact: fan-in %d: give %d to %d", p.FanIn, MinFanIn, MaxFanIn)
	case p.MaxBytes < MinMaxBytes || p.MaxBytes > MaxMaxBytes:
		return fmt.Errorf("compact: results of up to %d bytes: give %d to %d", p.MaxBytes, int64(MinMaxBytes), int64(MaxMaxBytes))
	}
	return nil
}

// Growth is how many times the frames of its largest input a merge inside a window makes at least.
// More of it writes less, and leaves more segments in a window: TestAmplification has the figures.
func (p Policy) Growth() int { return max(2, p.WithDefaults().FanIn*3/4) }
