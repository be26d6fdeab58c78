package raftfsm

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/gaplessdb/gapless/ledger"
)

// Policy is the replicated settings that decide what apply does. No node's file can change them.
type Policy struct {
	Revision        uint64        `json:"revision"`          // raised by one with each change; a change names the one it replaces
	Ledger          ledger.Policy `json:"ledger"`            // grace, restart rules, limits
	IdempotencyKeys int           `json:"idempotency_keys"`  // answers each tenant's window holds
	RecorderPerTick int           `json:"recorder_per_tick"` // frames the system recorders may write between two ticks
	FlushBytes      int64         `json:"flush_bytes"`       // applied bytes after which the head is flushed to a segment, at least
	Merge           MergePolicy   `json:"merge,omitzero"`    // since cluster version 2; zero until the first change there: the defaults
	Seal            SealPolicy    `json:"seal,omitzero"`     // since cluster version 3; likewise
}

// DefaultPolicy is in force until the first change.
func DefaultPolicy() Policy {
	return Policy{
		Ledger:          ledger.Defaults(),
		IdempotencyKeys: 65536,
		RecorderPerTick: 1000,
		FlushBytes:      64 << 20,
	}
}

// policySection owns the policy and hands the ledger its part.
type policySection struct {
	policy Policy
	ledger *ledger.Ledger

	change *policyChange // the newest one, for the Audit that follows its Apply; no part of the state
}

func newPolicySection(l *ledger.Ledger) *policySection {
	return &policySection{policy: DefaultPolicy(), ledger: l}
}

func (p *policySection) Name() string               { return "policy" }
func (p *policySection) Commands() (uint16, uint16) { return KindPolicy, KindPolicy + 15 }
func (p *policySection) LimitBytes() int64          { return 1 << 20 }

// Apply replaces the policy. The body must name the revision it replaces, so that of two changes at once one is refused.
func (p *policySection) Apply(_, _ uint64, _ int64, kind uint16, version uint8, body []byte) ([]byte, error) {
	change, err := p.parse(kind, version, body)
	if err != nil {
		return nil, err
	}
	next := change.Policy
	if next.Revision != p.policy.Revision {
		return nil, &RefusedError{
			Code: "policy_changed", Conflict: true,
			Message: fmt.Sprintf("the policy is at revision %d, the change was made on revision %d", p.policy.Revision, next.Revision),
			Hint:    "read the policy again and repeat the change",
		}
	}
	next.Revision++
	change.before, change.Policy = p.policy, next
	p.policy, p.change = next, change
	p.ledger.SetPolicy(next.Ledger)
	return json.Marshal(next)
}

// parse reads a body of either version.
func (p *policySection) parse(kind uint16, version uint8, body []byte) (*policyChange, error) {
	switch {
	case kind == KindPolicy && version == commandVersion:
		next, err := parsePolicyV1(body)
		next.Merge, next.Seal = p.policy.Merge, p.policy.Seal // which the command does not know
		return &policyChange{Policy: next}, err
	case kind == KindPolicy && version == policyVersion:
		change, err := parsePolicyChange(body, parsePolicyV2)
		if err == nil {
			change.Policy.Seal = p.policy.Seal
		}
		return change, err
	case kind == KindPolicy && version == sealPolicyVersion:
		return parsePolicyChange(body, ParsePolicy)
	}
	return nil, fmt.Errorf("%w: unknown policy command %d version %d: upgrade this binary", ErrHalt, kind, version)
}

// Freeze implements Section.
func (p *policySection) Freeze() func(io.Writer) error { return freezeJSON("policy", p.policy) }

func (p *policySection) Restore(r io.Reader) error {
	if err := readJSON(r, "policy", &p.policy); err != nil {
		return err
	}
	p.ledger.SetPolicy(p.policy.Ledger)
	return nil
}
