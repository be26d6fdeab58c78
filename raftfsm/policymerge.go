package raftfsm

import (
	"cmp"
	"fmt"
)

// MergePolicy is how segments are merged. Zero stands for the default.
type MergePolicy struct {
	Off      bool  `json:"off"`       // no new merges; default false
	WindowMS int64 `json:"window_ms"` // width of a window of time, ms; default 6 h
	FanIn    int   `json:"fan_in"`    // segments that a merge takes at least; default 4
	MaxBytes int64 `json:"max_bytes"` // size up to which segments are merged; default 1 GiB
}

// WithDefaults fills what is zero.
func (m MergePolicy) WithDefaults() MergePolicy {
	m.WindowMS = cmp.Or(m.WindowMS, 6*3_600_000)
	m.FanIn = cmp.Or(m.FanIn, 4)
	m.MaxBytes = cmp.Or(m.MaxBytes, 1<<30)
	return m
}

// validate names the first value that is out of its range.
func (m MergePolicy) validate() error {
	for _, v := range []struct {
		name            string
		value, low, top int64
	}{
		{"window_ms", m.WindowMS, 1000, 10 * 365 * 24 * 3_600_000},
		{"fan_in", int64(m.FanIn), 2, 64},
		{"max_bytes", m.MaxBytes, 64 << 10, 1 << 40},
	} {
		if v.value != 0 && (v.value < v.low || v.value > v.top) {
			return badPolicy(fmt.Sprintf("merge.%s %d is out of range", v.name, v.value), fmt.Sprintf("merge.%s: %d to %d", v.name, v.low, v.top))
		}
	}
	return nil
}
