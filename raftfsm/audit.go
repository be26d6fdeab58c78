package raftfsm

import (
	"cmp"

	"github.com/gaplessdb/gapless/frame"
)

// keep stores what there is to keep of a section's command that was just applied: the audit, and the records of the proof's log. An error is a fault
// of this state.
func (f *FSM) keep(index uint64, sec Section, kind uint16, body []byte) error {
	s := f.state
	a := batchApply{FSM: f, index: index}
	ch := s.chronicle() // after a raise that is this command, too
	a.audit(ch, sec, kind, body)
	if a.fault != nil || ch == nil {
		return a.fault
	}
	if m, ok := sec.(merger); ok {
		if edit, ok := m.Decided(kind); ok {
			ch.Merged(index, s.clock.NowMS, edit)
		}
	}
	return a.keepLog(ch)
}

// audit keeps a frame of a command that changed replicated settings: who did what, and the command's own words. The proof's log gets a record of it. Beyond
// the limit there is neither, and what is dropped counts both.
func (a *batchApply) audit(ch chronicle, sec Section, kind uint16, body []byte) {
	s := a.state
	audited, ok := sec.(audited)
	if !ok || s.members.Version() < 2 {
		return
	}
	tenant, action, subject, by, detail, ok := audited.Audit(kind, body)
	if !ok {
		return
	}
	tenant = cmp.Or(tenant, TenantSystem)
	within := s.recorder.take(&s.recorder.audits, maxAudits)
	if ch != nil && (within || action == PolicyAction) { // what a policy was is never left out of the proof's log
		ch.Audited(a.index, s.clock.NowMS, tenant, action, subject, by, detail)
	}
	if !within {
		return
	}
	a.derive(tenant, DeviceAudit, s.clock.NowMS, []frame.Field{
		{Name: "action", Value: frame.String(action)},
		{Name: "by", Value: frame.String(by)},
		{Name: "size", Value: frame.Int(int64(len(detail)))},
		{Name: "subject", Value: frame.String(subject)},
	}, append([]byte(nil), detail[:min(len(detail), maxEvidenceBytes)]...))
}
