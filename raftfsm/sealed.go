package raftfsm

import (
	"io"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/segment"
)

// Bounds of policy flush_bytes and of what is applied between two flush points.
const (
	minFlushBytes = 64 << 10
	maxFlushBytes = 256 << 20
	floorShare    = 4 // a flush comes after at least so many times the size of a floor file, so that floors cost a bounded share of all writing

	// maxSealed heads wait for their flush at most; then apply waits. It also makes the sizes that decide a flush point known when
	// they are needed: see measure.
	maxSealed = 2

	pressed = 2 // value of Pressure at which entries go one at a time; above it nothing new is taken
)

// Sealed is a head at its flush point with all that its floor file needs but the size of the one before. It is immutable.
type Sealed struct {
	Index, Term        uint64 // of the command that closed the head: the floor F
	After              uint64 // index of the flush point before, 0 for none
	History            uint64
	Cluster            string // cluster id
	ConfigurationIndex uint64
	Configuration      []byte
	Head               *segment.Head
	core               coreDocument
	edits              []segment.Edit  // of the manifest, for this floor
	sections           []frozenSection // without core
}

type frozenSection struct {
	name  string
	write func(io.Writer) error
}

// due is how many bytes of commands the head takes before it is sealed: a function of the log alone.
func (c *content) due() int64 {
	return min(max(c.policy.policy.FlushBytes, floorShare*c.core.Measure), maxFlushBytes)
}

// seal closes the head at the command l. What depends on the place in the log alone happens here: sections' edits and checkpoints. It first
// waits until at most one other head is sealed, and lets go of the lock meanwhile. A state that is closed stays as it is.
func (s *State) seal(l *raft.Log) {
	for len(s.sealed) >= maxSealed && s.halted == nil {
		s.signal()
		changed := s.changed
		s.mu.Unlock()
		<-changed
		s.mu.Lock()
	}
	if s.halted != nil {
		return
	}
	after := s.floor
	if n := len(s.sealed); n > 0 {
		after = s.sealed[n-1].Index
	}
	s.core.Measure, s.core.Applied = s.measure(), 0
	sealed := &Sealed{
		Index: l.Index, Term: l.Term, After: after, History: s.members.History(), Cluster: s.members.ClusterID(),
		ConfigurationIndex: s.core.ConfigurationIndex, Configuration: s.core.Configuration, Head: s.head,
	}
	for _, sec := range s.Sections() {
		if own, ok := sec.(*coreSection); ok {
			sealed.core = own.document()
			continue
		}
		if since(sec) > max(s.members.Version(), 1) {
			continue
		}
		if e, ok := sec.(editor); ok {
			sealed.edits = append(sealed.edits, e.TakeEdits()...)
		}
		sealed.sections = append(sealed.sections, frozenSection{sec.Name(), sec.Freeze()})
	}
	s.sealed = append(s.sealed, sealed)
	s.head = segment.NewHead()
	s.press()
}

// press sets Pressure from the heads. The caller holds the lock.
func (s *State) press() {
	pressure := int32(0)
	switch {
	case len(s.sealed) >= maxSealed:
		pressure = pressed + 1
	case len(s.sealed) == 1 && s.core.Applied >= s.due()/2:
		pressure = pressed
	case len(s.sealed) == 1:
		pressure = 1
	}
	s.pressure.Store(pressure)
}

// Pressure says how far the flusher is behind: 0 not at all, 1 a head is sealed, 2 and the next one is half full: send slowly, 3 two are
// sealed: take nothing new.
func (s *State) Pressure() int { return int(s.pressure.Load()) }

// oldest returns the head to flush next, nil when there is none.
func (s *State) oldest() *Sealed {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.sealed) == 0 || s.abandoned {
		return nil
	}
	return s.sealed[0]
}

// flushed replaces the oldest sealed head by the manifest that has its segment.
func (s *State) flushed(sealed *Sealed, m *segment.Manifest, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealed = append([]*Sealed(nil), s.sealed[1:]...)
	s.manifest, s.floor = m, sealed.Index
	s.sizes = [2]int64{bytes, s.sizes[0]}
	s.press()
	s.signal()
}

// Abandon makes the flusher leave the sealed heads alone, and returns when none is being published any more: the state is going to be replaced
// by a restore. Until then readers see it as it is. Raft does not run meanwhile.
func (s *State) Abandon() {
	s.replacing.Lock()
	defer s.replacing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.abandoned = true
}
