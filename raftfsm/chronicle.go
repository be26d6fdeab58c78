package raftfsm

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/frame"
)

// DeviceLog has the records of the proof's log, one frame each: the frame with number n is record n-1. It belongs to TenantSystem.
const DeviceLog = "_tlog"

// chronicle is the section that keeps the proof's log, told where it is; nil where there is none or the cluster's version has none yet.
func (c *content) chronicle() chronicle {
	for _, sec := range c.extra {
		if ch, ok := sec.(chronicle); ok && since(sec) <= max(c.members.Version(), 1) {
			ch.At(c.members.History(), c.voters)
			return ch
		}
	}
	return nil
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

// mark sets what rows are marked with from now on.
func (c *content) mark() {
	c.ordinal = 1
	if ch := c.chronicle(); ch != nil {
		c.ordinal = ch.Ordinal()
	}
}

// keepLog stores the records that a section's command added to the proof's log, and lets a flush point follow a cut. An error is a fault of this state.
func (a *batchApply) keepLog(ch chronicle) error {
	s := a.state
	records, err := ch.TakeRecords()
	if err != nil {
		return err
	}
	for _, r := range records {
		frames := s.head.Frames()
		a.derive(TenantSystem, DeviceLog, s.clock.NowMS, []frame.Field{}, kept(r))
		if a.fault != nil || s.head.Frames() != frames+1 {
			return errors.Join(fmt.Errorf("a record of the proof's log of %d bytes could not be stored", len(r)), a.fault)
		}
	}
	if ch.Cut() {
		if len(records) > 0 {
			return fmt.Errorf("a cut added %d records", len(records))
		}
		s.core.flushNow = true
	}
	s.mark()
	return nil
}
