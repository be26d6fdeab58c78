package raftfsm

import (
	"errors"
	"fmt"

	"github.com/gaplessdb/gapless/frame"
)

// DeviceLog has the records of the proof's log, one frame each: in the newest epoch the frame with number n is record n-1. It belongs to TenantSystem.
const DeviceLog = "_tlog"

// chronicle is the section that keeps the proof's log, told where it is; nil where there is none or the cluster's version has none yet.
func (c *content) chronicle() chronicle {
	for _, sec := range c.extra {
		if ch, ok := sec.(chronicle); ok && since(sec) <= max(c.members.Version(), 1) {
			ch.At(c.members.History(), c.members.ClusterID(), c.voters)
			return ch
		}
	}
	return nil
}

// beginLog lets the proof's log begin with number 1 when the cluster's version gets one. Until then only doors refuse frames of its device, and a member
// that is at fault can forward some.
func (c *content) beginLog() {
	if c.chronicle() != nil {
		c.ledger.Renumber(frame.StreamKey{Tenant: TenantSystem, Device: DeviceLog, Stream: frame.DefaultStream})
	}
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
	next := uint64(ch.LogSize()-int64(len(records))) + 1
	for _, r := range records {
		frames := s.head.Frames()
		out := a.derive(TenantSystem, DeviceLog, s.clock.NowMS, []frame.Field{}, kept(r))
		if a.fault != nil || s.head.Frames() != frames+1 || out.Seq != next {
			return errors.Join(fmt.Errorf("a record of the proof's log of %d bytes was not stored as frame %d: it is %d", len(r), next, out.Seq), a.fault)
		}
		next++
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
