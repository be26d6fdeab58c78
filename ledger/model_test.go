package ledger

import (
	"slices"

	"github.com/gaplessdb/gapless/frame"
)

// model is the oracle: what is known of a stream with declared epochs, number by number in maps, straight from the rules and sharing nothing with the
// ledger. It is slow, and small enough to be read for mistakes.
type model struct {
	graceMS int64
	window  uint64        // of the policy, or of the device's rule
	first   *uint64       // what the device's rule declares of each new epoch
	epochs  []*modelEpoch // by ordinal - 1
}

type modelEpoch struct {
	value   string
	isNew   bool // see opened
	begun   bool
	lo, hi  uint64 // expected are lo..hi-1
	has     map[uint64]uint32
	fresh   map[uint64]bool // stored while among the newest 64
	cause   map[uint64]frame.Cause
	open    map[uint64]int64
	top     uint64
	dropped bool

	first, mark, seal, successor, count   *uint64
	identical, conflict, unverified       uint64
	lateClosed, reordered, againstOwnWord uint64
}

func (m *model) epoch(value string) (e *modelEpoch, ordinal int) {
	for i, e := range m.epochs {
		if e.value == value {
			return e, i + 1
		}
	}
	if old := len(m.epochs) - 4; old >= 0 {
		m.epochs[old].fresh = map[uint64]bool{} // four epochs keep fingerprints
		m.epochs[old].dropped = true
	}
	e = &modelEpoch{value: value, isNew: true, has: map[uint64]uint32{}, fresh: map[uint64]bool{}, cause: map[uint64]frame.Cause{}, open: map[uint64]int64{}}
	m.epochs = append(m.epochs, e)
	return e, len(m.epochs)
}

// opened enters the first number that the rule declares into an epoch that has just begun. A command says where its numbers end.
func (m *model) opened(e *modelEpoch, end, now int64) {
	if e.isNew && m.first != nil && *m.first <= uint64(end) {
		first := *m.first
		e.declareFirst(first, now)
	}
	e.isNew = false
}

func (e *modelEpoch) expect(from, to uint64, now int64) {
	for n := from; n < to; n++ {
		if _, known := e.cause[n]; !known {
			e.open[n] = now
		}
	}
}

func (e *modelEpoch) begin(n uint64) {
	if !e.begun {
		e.begun, e.lo, e.hi = true, n, n
	}
}

func (e *modelEpoch) raise(hi uint64, now int64) {
	if hi > e.hi {
		e.expect(e.hi, hi, now)
		e.hi = hi
	}
}

func (e *modelEpoch) lower(lo uint64, now int64) {
	if lo < e.lo {
		e.expect(lo, e.lo, now)
		e.lo = lo
	}
}

func (e *modelEpoch) frame(n uint64, fp uint32, now int64) Status {
	if have, stored := e.has[n]; stored {
		switch {
		case n+64 <= e.top || !e.fresh[n]:
			e.unverified++
			return Unverified
		case have == fp:
			e.identical++
			return Duplicate
		}
		e.conflict++
		return Conflict
	}
	if e.seal != nil && n > *e.seal || e.successor != nil && n > *e.successor {
		e.againstOwnWord++
	}
	e.begin(n)
	_, open := e.open[n]
	_, explained := e.cause[n]
	switch {
	case open:
		e.reordered++
	case explained || n >= e.lo && n < e.hi:
		e.lateClosed++
	}
	delete(e.cause, n)
	e.lower(n, now)
	e.raise(n+1, now)
	delete(e.open, n)
	e.has[n] = fp
	if len(e.has) == 1 || n > e.top {
		e.top = n
	}
	e.fresh[n] = n+64 > e.top && !e.dropped
	return Stored
}

func (e *modelEpoch) explain(from, to uint64, cause frame.Cause) (explained uint64) {
	for n := from; n <= to; n++ {
		_, stored := e.has[n]
		if _, known := e.cause[n]; stored || known {
			continue
		}
		e.cause[n] = cause
		delete(e.open, n)
		explained++
	}
	return explained
}

func (e *modelEpoch) include(from, to uint64, now int64) {
	e.begin(from)
	e.lower(from, now)
	e.raise(to+1, now)
}

func (e *modelEpoch) next(hi uint64, now int64) {
	e.begin(hi)
	if hi >= e.hi && (e.mark == nil || hi > *e.mark) {
		e.mark = &hi
		e.raise(hi, now)
	}
}

func (e *modelEpoch) declareFirst(first uint64, now int64) {
	if e.first != nil && *e.first == first {
		return
	}
	if e.first != nil {
		e.againstOwnWord++
		if *e.first < first {
			return
		}
	}
	e.begin(first)
	if e.lo < first {
		e.againstOwnWord++
	}
	e.first = &first
	e.lower(first, now)
}

func (m *model) tick(now int64) {
	for _, e := range m.epochs {
		for n, since := range e.open {
			if since+m.graceMS <= now {
				delete(e.open, n)
			}
		}
	}
}

// missing is every expected number that is not stored, with its state and cause.
func (e *modelEpoch) missing() (numbers []uint64, state map[uint64]string) {
	state = map[uint64]string{}
	for n := e.lo; n < e.hi; n++ {
		if _, stored := e.has[n]; stored {
			continue
		}
		numbers = append(numbers, n)
		cause, explained := e.cause[n]
		_, open := e.open[n]
		switch {
		case open:
			state[n] = "OPEN"
		case explained:
			state[n] = "FINAL " + cause.String()
		default:
			state[n] = "FINAL never_arrived"
		}
	}
	return numbers, state
}

func (e *modelEpoch) headBasis() string {
	if e.first != nil && e.begun && e.lo == *e.first {
		return "declared"
	}
	return "first_seen"
}

func (e *modelEpoch) tailBasis() string {
	switch {
	case e.seal != nil && *e.seal+1 == e.hi:
		return "seal"
	case e.successor != nil && *e.successor+1 == e.hi:
		return "successor"
	case e.mark != nil && *e.mark == e.hi:
		return "watermark"
	}
	return "last_seen"
}

// verdict follows the definition in docs/ledger.md to the letter.
func (e *modelEpoch) verdict() string {
	numbers, state := e.missing()
	for _, n := range numbers {
		if !slices.Contains([]string{"FINAL declared_lost", "FINAL rejected.crc", "FINAL rejected.schema", "FINAL shed.snapshot"}, state[n]) {
			return "INCOMPLETE"
		}
	}
	if len(numbers) > 0 {
		return "EXPLAINED"
	}
	counted := e.count == nil || *e.count == e.hi-e.lo
	if e.headBasis() == "declared" && e.tailBasis() != "last_seen" && e.conflict+e.unverified+e.againstOwnWord == 0 && counted {
		return "COMPLETE"
	}
	return "COMPLETE_BETWEEN_SEEN"
}
