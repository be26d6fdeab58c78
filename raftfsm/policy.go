package raftfsm

import (
	"bytes"
	"encoding/json"
	"errors"
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
}

func newPolicySection(l *ledger.Ledger) *policySection {
	return &policySection{policy: DefaultPolicy(), ledger: l}
}

func (p *policySection) Name() string               { return "policy" }
func (p *policySection) Commands() (uint16, uint16) { return KindPolicy, KindPolicy + 15 }
func (p *policySection) LimitBytes() int64          { return 1 << 20 }

// Apply replaces the policy. The body must name the revision it replaces, so that of two changes at once one is refused.
func (p *policySection) Apply(_, _ uint64, _ int64, kind uint16, version uint8, body []byte) ([]byte, error) {
	if kind != KindPolicy || version != commandVersion {
		return nil, fmt.Errorf("%w: unknown policy command %d version %d: upgrade this binary", ErrHalt, kind, version)
	}
	next, err := ParsePolicy(body)
	if err != nil {
		return nil, err
	}
	if next.Revision != p.policy.Revision {
		return nil, &RefusedError{
			Code: "policy_changed", Conflict: true,
			Message: fmt.Sprintf("the policy is at revision %d, the change was made on revision %d", p.policy.Revision, next.Revision),
			Hint:    "read the policy again and repeat the change",
		}
	}
	next.Revision++
	p.policy = next
	p.ledger.SetPolicy(next.Ledger)
	return json.Marshal(next)
}

// ParsePolicy reads a policy strictly, gives every limit that is zero or absent its default, and checks the ranges.
func ParsePolicy(body []byte) (Policy, error) {
	var p Policy
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err := dec.Decode(&p)
	if err == nil && dec.More() {
		err = errors.New("something follows the policy")
	}
	if err != nil {
		return Policy{}, &RefusedError{Code: "bad_policy", Message: err.Error(), Hint: "start from what GET /v1/policy answers"}
	}
	if p.IdempotencyKeys == 0 {
		p.IdempotencyKeys = DefaultPolicy().IdempotencyKeys
	}
	if p.RecorderPerTick == 0 {
		p.RecorderPerTick = DefaultPolicy().RecorderPerTick
	}
	if p.FlushBytes == 0 {
		p.FlushBytes = DefaultPolicy().FlushBytes
	}
	if p.FlushBytes < minFlushBytes || p.FlushBytes > maxFlushBytes {
		return Policy{}, &RefusedError{
			Code:    "bad_policy",
			Message: fmt.Sprintf("flush_bytes %d is out of range", p.FlushBytes),
			Hint:    fmt.Sprintf("flush_bytes: %d to %d", minFlushBytes, maxFlushBytes),
		}
	}
	if p.IdempotencyKeys < 0 || p.IdempotencyKeys > 1<<24 || p.RecorderPerTick < 0 || p.RecorderPerTick > 1<<20 {
		return Policy{}, &RefusedError{
			Code:    "bad_policy",
			Message: fmt.Sprintf("idempotency_keys %d or recorder_per_tick %d is out of range", p.IdempotencyKeys, p.RecorderPerTick),
			Hint:    "idempotency_keys: 0 to 16777216, recorder_per_tick: 0 to 1048576",
		}
	}
	if err := p.Ledger.Validate(); err != nil {
		return Policy{}, &RefusedError{Code: "bad_policy", Message: err.Error(), Hint: "choose a value within the limit"}
	}
	p.Ledger = p.Ledger.WithDefaults()
	return p, nil
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
