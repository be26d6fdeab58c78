package raftfsm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gaplessdb/gapless/ledger"
)

// ParsePolicy reads a policy strictly, gives every limit that is zero or absent its default, and checks the ranges. An error is a *RefusedError.
func ParsePolicy(body []byte) (Policy, error) {
	var p Policy
	if err := readStrictly(body, &p); err != nil {
		return Policy{}, badPolicy(err.Error(), "start from what GET /v1/policy answers")
	}
	p.Merge, p.Seal = p.Merge.WithDefaults(), p.Seal.WithDefaults()
	return p.complete()
}

// parsePolicyV2 reads what a command of version 2 says: all but the seal settings, and as releases that know only that version read it.
func parsePolicyV2(body []byte) (Policy, error) {
	var v struct {
		policyV1
		Merge MergePolicy `json:"merge"`
	}
	if err := readStrictly(body, &v); err != nil {
		return Policy{}, badPolicy(err.Error(), "start from what GET /v1/policy answers; seal needs cluster version 3")
	}
	p := v.policy()
	p.Merge = v.Merge.WithDefaults()
	return p.complete()
}

// policyV1 is what a command of version 1 says. Releases that know only that version read it so, and what they take or refuse, this one must, too: every
// looseness of theirs is part of it.
type policyV1 struct {
	Revision        uint64        `json:"revision"`
	Ledger          ledger.Policy `json:"ledger"`
	IdempotencyKeys int           `json:"idempotency_keys"`
	RecorderPerTick int           `json:"recorder_per_tick"`
	FlushBytes      int64         `json:"flush_bytes"`
}

func parsePolicyV1(body []byte) (Policy, error) {
	var v policyV1
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err := dec.Decode(&v)
	if err == nil && dec.More() {
		err = errFollows
	}
	if err != nil {
		return Policy{}, badPolicy(err.Error(), "start from what GET /v1/policy answers; merge needs cluster version 2")
	}
	if v.Ledger.SkewLimitMS > maxSkewV1MS {
		return Policy{}, badPolicy(fmt.Sprintf("ledger: policy skew_limit_ms is %d, the limit is %d", v.Ledger.SkewLimitMS, int64(maxSkewV1MS)), "more needs cluster version 2")
	}
	return v.policy().complete()
}

func (v *policyV1) policy() Policy {
	return Policy{Revision: v.Revision, Ledger: v.Ledger, IdempotencyKeys: v.IdempotencyKeys, RecorderPerTick: v.RecorderPerTick, FlushBytes: v.FlushBytes}
}

// maxSkewV1MS is ten years, the most that releases of cluster version 1 take for skew_limit_ms.
const maxSkewV1MS = 10 * 365 * 24 * 3_600_000

func readStrictly(body []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errFollows
	}
	return nil
}

var errFollows = errors.New("something follows the policy")

func badPolicy(message, hint string) error {
	return &RefusedError{Code: "bad_policy", Message: message, Hint: hint}
}

// complete is the policy with its defaults, if it is within the ranges.
func (p Policy) complete() (Policy, error) {
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
		return Policy{}, badPolicy(fmt.Sprintf("flush_bytes %d is out of range", p.FlushBytes), fmt.Sprintf("flush_bytes: %d to %d", minFlushBytes, maxFlushBytes))
	}
	if p.IdempotencyKeys < 0 || p.IdempotencyKeys > 1<<24 || p.RecorderPerTick < 0 || p.RecorderPerTick > 1<<20 {
		return Policy{}, badPolicy(fmt.Sprintf("idempotency_keys %d or recorder_per_tick %d is out of range", p.IdempotencyKeys, p.RecorderPerTick),
			"idempotency_keys: 0 to 16777216, recorder_per_tick: 0 to 1048576")
	}
	if err := p.Ledger.Validate(); err != nil {
		return Policy{}, badPolicy(err.Error(), "choose a value within the limit")
	}
	p.Ledger = p.Ledger.WithDefaults()
	if err := p.Merge.validate(); err != nil {
		return p, err
	}
	return p, p.Seal.validate()
}
