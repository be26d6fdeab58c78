package raftfsm

import (
	"cmp"

	"github.com/gaplessdb/gapless/frame"
)

// audit keeps a frame of a command that changed replicated settings: who did what, and the command's own words. An error is a fault of this state.
func (f *FSM) audit(index uint64, sec Section, kind uint16, body []byte) error {
	s := f.state
	a, ok := sec.(audited)
	if !ok || s.members.Version() < 2 {
		return nil
	}
	tenant, action, subject, by, detail, ok := a.Audit(kind, body)
	if !ok || !s.recorder.take(&s.recorder.audits, maxAudits) {
		return nil
	}
	apply := batchApply{FSM: f, index: index}
	apply.derive(cmp.Or(tenant, TenantSystem), DeviceAudit, s.clock.NowMS, []frame.Field{
		{Name: "action", Value: frame.String(action)},
		{Name: "by", Value: frame.String(by)},
		{Name: "size", Value: frame.Int(int64(len(detail)))},
		{Name: "subject", Value: frame.String(subject)},
	}, append([]byte(nil), detail[:min(len(detail), maxEvidenceBytes)]...))
	return apply.fault
}
