package ledger

import "github.com/gaplessdb/gapless/frame"

// Summary is what a list of devices shows of a stream.
type Summary struct {
	Epochs     int     // how many it has had
	Current    uint32  // ordinal of the newest that is not in probation, 0 before the first
	LastSeq    uint64  // highest stored number of the current epoch, if HasLast
	HasLast    bool    // something is stored there
	LastTimeNS int64   // newest plausible device time stored there, if HasTime
	HasTime    bool    //
	Verdict    Grade   // of the worst epoch; 0 when there is none
	Totals     Balance // sum of the counters of all epochs; Drift is not measured
	Through    Through // last number of the current epoch before its first gap, if Whole
	Whole      bool    // the first expected number of the current epoch is stored
}

// Summary looks at counters only, not at runs. It is false for an unknown stream.
func (l *Ledger) Summary(id frame.StreamID) (Summary, bool) {
	s := l.stream(id)
	if s == nil {
		return Summary{}, false
	}
	sum := Summary{Epochs: len(s.epochs), Verdict: s.grade()}
	for _, e := range s.epochs {
		sum.Totals.add(e.counters())
	}
	if e := s.cur; e != nil {
		sum.Current = e.ordinal
		sum.LastSeq, sum.HasLast = e.top()
		sum.LastTimeNS, sum.HasTime = e.maxTime, e.maxTime != noTime
		if t := e.completeThrough(); t != nil {
			sum.Through, sum.Whole = *t, true
		}
	}
	return sum, true
}

// Completeness is stored/expected in millionths, rounded down: one million only if nothing is missing.
func (b *Balance) Completeness() uint64 { return ratio(b.Stored, b.Expected) }

// EpochValue is the device's own value of an epoch, "" if it sent none; false if stream or epoch is unknown.
func (l *Ledger) EpochValue(id frame.StreamID, ordinal uint32) (string, bool) {
	s := l.stream(id)
	if s == nil || s.epoch(ordinal) == nil {
		return "", false
	}
	return s.epoch(ordinal).value, true
}
