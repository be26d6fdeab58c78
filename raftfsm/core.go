package raftfsm

import (
	"fmt"
	"io"
	"slices"

	"github.com/hashicorp/raft"
)

// core is what the state machine knows of itself besides the sections: where the next flush point lies, and Raft's configuration.
type core struct {
	ConfigurationIndex uint64 `json:"configuration_index"`
	Configuration      []byte `json:"configuration"` // raft.EncodeConfiguration of the newest committed one
	Applied            int64  `json:"-"`             // bytes of commands applied since the last flush point; none at one
	flushNow           bool   // a FLUSH command asked for a flush point behind it
	Measure            int64  `json:"measure"` // bytes of the floor file that decides how many are due: see State.measure
	Before             int64  `json:"before"`  // bytes of the floor file before the one this is written to
}

// coreDocument is the section checkpoint of core, with the parts of the state that belong to no section.
type coreDocument struct {
	core
	Index           uint64 `json:"index"`
	Clock           Clock  `json:"clock"`
	Tick            Tick   `json:"tick"`
	RecorderUsed    int    `json:"recorder_used"`
	RecorderDropped uint64 `json:"recorder_dropped"`
	RecorderAudits  int    `json:"recorder_audits,omitempty"` // none at cluster version 1
}

// configured takes in Raft's configuration: who votes.
func (c *content) configured() {
	c.voters = nil
	if len(c.core.Configuration) == 0 {
		return
	}
	for _, s := range raft.DecodeConfiguration(c.core.Configuration).Servers {
		if s.Suffrage == raft.Voter {
			c.voters = append(c.voters, string(s.ID))
		}
	}
	slices.Sort(c.voters)
}

const coreName = "core"

// coreSection is the section of a content's own fields. It has no commands: batch, tick and flush are applied by the FSM.
type coreSection struct{ c *content }

func (s *coreSection) Name() string               { return coreName }
func (s *coreSection) Commands() (uint16, uint16) { return 0, 0 }
func (s *coreSection) LimitBytes() int64          { return 1 << 20 }

// Apply is never called: the section has no commands.
func (s *coreSection) Apply(_, _ uint64, _ int64, kind uint16, _ uint8, _ []byte) ([]byte, error) {
	return nil, fmt.Errorf("%w: core has no command %d", ErrHalt, kind)
}

// Freeze implements Section.
func (s *coreSection) Freeze() func(io.Writer) error { return freezeJSON(s.Name(), s.document()) }

func (s *coreSection) document() coreDocument {
	c := s.c
	return coreDocument{core: c.core, Index: c.index, Clock: c.clock, Tick: c.tick, RecorderUsed: c.recorder.used, RecorderDropped: c.recorder.dropped, RecorderAudits: c.recorder.audits}
}

func (s *coreSection) Restore(r io.Reader) error {
	var d coreDocument
	if err := readJSON(r, s.Name(), &d); err != nil {
		return err
	}
	c := s.c
	c.core, c.index, c.clock, c.tick = d.core, d.Index, d.Clock, d.Tick
	c.recorder = recorder{used: d.RecorderUsed, audits: d.RecorderAudits, dropped: d.RecorderDropped}
	return nil
}
