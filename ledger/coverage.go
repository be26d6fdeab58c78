package ledger

import (
	"strconv"

	"github.com/gaplessdb/gapless/frame"
)

// MarshalJSON makes a run [first,last].
func (r Run) MarshalJSON() ([]byte, error) {
	b := strconv.AppendUint([]byte{'['}, r.First, 10)
	b = strconv.AppendUint(append(b, ','), r.Last, 10)
	return append(b, ']'), nil
}

// EpochCoverage is what an epoch has. Runs begin at or after the number that was asked for.
type EpochCoverage struct {
	Epoch EpochInfo
	Head  Head
	Tail  Tail
	Runs  []Run
	Next  uint64 // number to ask for next
	More  bool   // there are runs behind the last
}

// Coverage lists at most limit runs of an epoch, those that end at or after from, each whole. It is false if stream or epoch is unknown.
func (l *Ledger) Coverage(id frame.StreamID, ordinal uint32, from uint64, limit int) (EpochCoverage, bool) {
	s := l.stream(id)
	if s == nil || s.epoch(ordinal) == nil {
		return EpochCoverage{}, false
	}
	e := s.epoch(ordinal)
	c := EpochCoverage{Epoch: e.info(), Head: e.head(), Tail: e.tailReport(), Runs: []Run{}}
	for run := range e.cov.All(from, MaxSeq) {
		if len(c.Runs) >= limit {
			c.Next, c.More = run.First, true
			break
		}
		c.Runs = append(c.Runs, run)
	}
	return c, true
}

// Contains reports whether a number of an epoch was ever stored.
func (l *Ledger) Contains(id frame.StreamID, ordinal uint32, seq uint64) bool {
	s := l.stream(id)
	if s == nil || s.epoch(ordinal) == nil {
		return false
	}
	return s.epoch(ordinal).cov.Contains(seq)
}
