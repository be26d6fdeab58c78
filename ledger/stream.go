package ledger

import (
	"cmp"
	"strings"

	"github.com/gaplessdb/gapless/frame"
)

// stream is one counter of one device through all its epochs.
type stream struct {
	family  *family
	device  string
	epochs  []*epoch // by ordinal - 1
	cur     *epoch   // where frames without an epoch value go; nil before the first epoch
	suspect uint64   // number whose arrival right now would prove a restart (see infer.go); 0 = none

	id       frame.StreamID
	trial    uint32 // ordinal of the epoch in probation, 0 = none
	previous uint32 // ordinal of the epoch that was current before cur, 0 = none
	version  uint32 // see own.go
	trialAge uint16 // frames that cur may still take before the probation lapses unconfirmed
	proven   bool   // suspect rests on a compared conflict, so a number near it proves the restart too
	rule     *Rule  // of its device, nil for none: see SetRule
}

func (s *stream) key() frame.StreamKey {
	return frame.StreamKey{Tenant: s.family.tenant, Device: s.device, Stream: s.family.stream}
}

func (s *stream) compareTo(tenant, device, name string) int {
	if c := strings.Compare(s.family.tenant, tenant); c != 0 {
		return c
	}
	return cmp.Or(strings.Compare(s.device, device), strings.Compare(s.family.stream, name))
}

func (s *stream) compare(t *stream) int {
	return s.compareTo(t.family.tenant, t.device, t.family.stream)
}

// epoch is nil for an unknown ordinal.
func (s *stream) epoch(ordinal uint32) *epoch {
	if ordinal == 0 || uint64(ordinal) > uint64(len(s.epochs)) {
		return nil
	}
	return s.epochs[ordinal-1]
}

// line is the epoch to which a device's own epoch value leads: its newest one that is not in probation. One value has several epochs
// only after an ambiguous wrap. A value once seen leads there for ever.
func (s *stream) line(value string, unseq bool) *epoch {
	if e := s.cur; e != nil && e.value == value && e.unseq == unseq {
		return e
	}
	for i := len(s.epochs) - 1; i >= 0; i-- {
		if e := s.epochs[i]; e.value == value && e.unseq == unseq && !e.probation {
			return e
		}
	}
	return nil
}

// ringEpochs is how many of the newest epochs keep fingerprints. Duplicates of older ones are unverified.
const ringEpochs = 4

// open adds an epoch. It returns nil when the stream has as many as the policy allows.
func (l *Ledger) open(s owned, value string, source Source) *epoch {
	if len(s.epochs) >= l.policy.MaxEpochs {
		return nil
	}
	return l.add(s, value, source)
}

// add is open without a limit.
func (l *Ledger) add(s owned, value string, source Source) *epoch {
	e := newEpoch(uint32(len(s.epochs)+1), strings.Clone(value), source)
	e.version, e.zero = s.version, l.policyOf(s.stream).ProtocolZero
	s.epochs = append(s.epochs, e)
	if e.ordinal > ringEpochs {
		old := s.epoch(e.ordinal - ringEpochs)
		old.ring, old.ringSet = nil, 0
	}
	return e
}

// makeCurrent sends frames without an epoch value to e, which is s's own, from now on.
func (s owned) makeCurrent(e *epoch) {
	if s.cur == e {
		return
	}
	if s.cur != nil {
		s.previous = s.cur.ordinal
	}
	s.cur = e
	s.trial, s.trialAge = 0, 0
	s.forgive()
}

// forgive drops the suspicion of a restart.
func (s owned) forgive() { s.suspect, s.proven = 0, false }
