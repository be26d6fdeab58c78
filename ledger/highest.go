package ledger

import "github.com/gaplessdb/gapless/frame"

// HighestStored is the newest frame of a stream that was ever stored, by (epoch, number): the highest number of the highest epoch that has any. It is false
// for an unknown stream and for one of which nothing was stored.
func (l *Ledger) HighestStored(id frame.StreamID) (ordinal uint32, seq uint64, ok bool) {
	s := l.stream(id)
	if s == nil {
		return 0, 0, false
	}
	for i := len(s.epochs) - 1; i >= 0; i-- {
		if top, any := s.epochs[i].top(); any {
			return s.epochs[i].ordinal, top, true
		}
	}
	return 0, 0, false
}
