package ledger

import (
	"fmt"

	"github.com/gaplessdb/gapless/frame"
)

// Rule is what one device has in place of the policy. A nil value leaves it as the policy says; the zero Rule changes nothing.
type Rule struct {
	RestartBelow   *uint64 `json:"restart_below,omitempty"`   // see Policy; 0 turns the policy's rule off
	RestartDrop    *uint64 `json:"restart_drop,omitempty"`    // see Policy; 0 turns the policy's rule off
	MisorderWindow *uint64 `json:"misorder_window,omitempty"` // see Policy; at least 1
	ProtocolZero   *bool   `json:"protocol_zero,omitempty"`   // see Policy
	First          *uint64 `json:"-"`                         // the first number of every epoch that begins from now on, as if the device had declared it
}

// IsZero reports whether the rule changes nothing.
func (r Rule) IsZero() bool { return r == Rule{} }

// Equal reports whether two rules say the same.
func (r Rule) Equal(o Rule) bool {
	return same(r.RestartBelow, o.RestartBelow) && same(r.RestartDrop, o.RestartDrop) && same(r.MisorderWindow, o.MisorderWindow) &&
		same(r.ProtocolZero, o.ProtocolZero) && same(r.First, o.First)
}

func same[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

// Clone is a rule that shares nothing with r.
func (r Rule) Clone() Rule {
	return Rule{cloned(r.RestartBelow), cloned(r.RestartDrop), cloned(r.MisorderWindow), cloned(r.ProtocolZero), cloned(r.First)}
}

// Validate names the first value that is out of its range.
func (r Rule) Validate() error {
	for _, v := range []struct {
		name       string
		value      *uint64
		low, limit uint64
	}{
		{"restart_below", r.RestartBelow, 0, MaxSeq},
		{"restart_drop", r.RestartDrop, 0, MaxSeq},
		{"misorder_window", r.MisorderWindow, 1, maxPolicyWindow},
		{"first", r.First, 0, MaxSeq - 1<<32}, // a narrow counter's first number may be some wraps above it
	} {
		if v.value != nil && (*v.value < v.low || *v.value > v.limit) {
			return fmt.Errorf("ledger: rule %s is %d, it must be %d to %d", v.name, *v.value, v.low, v.limit)
		}
	}
	return nil
}

// rules are kept apart from streams: a device may have one before its first frame, and a checkpoint has none (they belong to
// the registry's). A stream points to that of its device, so that no frame looks one up.
type rules map[string]map[string]*Rule // by tenant, device

func (r rules) of(tenant, device string) *Rule { return r[tenant][device] }

func (r rules) set(tenant, device string, rule *Rule) {
	if rule == nil {
		if delete(r[tenant], device); len(r[tenant]) == 0 {
			delete(r, tenant)
		}
		return
	}
	if r[tenant] == nil {
		r[tenant] = map[string]*Rule{}
	}
	r[tenant][device] = rule
}

// SetRule gives a device a rule in place of the one it had; the zero Rule takes it away. It holds for what comes after; what was decided stays. The rule
// must be valid, and what it points to must not change. A restored ledger keeps the rules it had: they are no part of a checkpoint.
func (l *Ledger) SetRule(tenant, device string, r Rule) {
	var rule *Rule
	if !r.IsZero() {
		rule = &r
	}
	if rule == nil && l.rules.of(tenant, device) == nil {
		return
	}
	l.rules.set(tenant, device, rule)
	start := l.names.order.search(func(id frame.StreamID) bool { return l.stream(id).compareTo(tenant, device, "") > 0 })
	for id := range l.names.order.from(start) {
		if s := l.stream(id); s.family.tenant != tenant || s.device != device {
			return
		}
		l.own(id).rule = rule
	}
}

// Rule is that of a device, zero for none.
func (l *Ledger) Rule(tenant, device string) Rule {
	if rule := l.rules.of(tenant, device); rule != nil {
		return rule.Clone()
	}
	return Rule{}
}

// policyOf is the policy for a stream: that of all, with what its device's rule says instead.
func (l *Ledger) policyOf(s *stream) *Policy {
	r := s.rule
	if r == nil {
		return &l.policy
	}
	p := l.policy
	override(&p.RestartBelow, r.RestartBelow)
	override(&p.RestartDrop, r.RestartDrop)
	override(&p.MisorderWindow, r.MisorderWindow)
	override(&p.ProtocolZero, r.ProtocolZero)
	return &p
}

func override[T any](v *T, by *T) {
	if by != nil {
		*v = *by
	}
}

// window is the misorder window of a stream.
func (l *Ledger) window(s *stream) uint64 {
	if s.rule != nil && s.rule.MisorderWindow != nil {
		return *s.rule.MisorderWindow
	}
	return l.policy.MisorderWindow
}
