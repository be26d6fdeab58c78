package raftfsm

import (
	"cmp"
	"fmt"
)

// SealPolicy is when seal ordinals end by themselves. Zero stands for the default.
type SealPolicy struct {
	Off        bool  `json:"off"`         // only on demand; default false
	IntervalMS int64 `json:"interval_ms"` // between two cuts, ms of commit time; default 1 h
}

// WithDefaults fills what is zero.
func (p SealPolicy) WithDefaults() SealPolicy {
	p.IntervalMS = cmp.Or(p.IntervalMS, 3_600_000)
	return p
}

// validate names the first value that is out of its range.
func (p SealPolicy) validate() error {
	if p.IntervalMS != 0 && (p.IntervalMS < 1000 || p.IntervalMS > 7*24*3_600_000) {
		return badPolicy(fmt.Sprintf("seal.interval_ms %d is out of range", p.IntervalMS), "seal.interval_ms: 1000 to 604800000")
	}
	return nil
}
