package raftfsm

import (
	"fmt"

	"github.com/gaplessdb/gapless/ledger"
)

// SupportedVersion is the highest cluster version this binary can apply.
//
//	1  every command, batch and section of releases 0.1 to 0.3
//	2  devices, consumers, merges; a policy with author and merge settings; audit frames; max_streams holds no system device back
//	3  the proof: seal ordinals, its log and frames of it; a policy with seal settings
//
// What a version adds is in no log, floor or state before the cluster was raised to it. A new cluster begins at the newest.
const SupportedVersion = 3

// Supports reports whether this state can take a command now, so that a leader does not propose what a member would halt at. The error is a
// *RefusedError.
func (s *State) Supports(kind uint16, version uint8) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.knows(kind, version) {
		return &RefusedError{
			Code: "unknown_command", Message: fmt.Sprintf("the leader does not know command %d version %d", kind, version),
			Hint: "finish the upgrade of every node first",
		}
	}
	if sec, ok := s.section(kind); ok {
		return s.early(sec, kind, version)
	}
	return nil
}

// Knows reports whether this binary can apply a command at some cluster version.
func (s *State) Knows(kind uint16, version uint8) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.knows(kind, version)
}

func (c *content) knows(kind uint16, version uint8) bool {
	switch kind {
	case KindBatch, KindTick, KindFlush, KindMember, KindRaise, KindFlushed:
		return version == commandVersion
	case KindFound:
		return version == commandVersion || version == foundVersion
	case KindPolicy:
		return version >= commandVersion && version <= sealPolicyVersion
	case ledger.KindHeartbeat, ledger.KindSeal, ledger.KindDeclareLost, ledger.KindVerdict:
		return version == ledger.CommandVersion
	}
	for _, sec := range c.extra {
		if first, last := sec.Commands(); kind >= first && kind <= last && first != 0 {
			return supports(sec, kind, version)
		}
	}
	return false
}

// early refuses what the cluster's version does not have yet. It is nil for what it has.
func (c *content) early(sec Section, kind uint16, version uint8) error {
	needs := since(sec)
	if kind == KindPolicy {
		needs = max(needs, int(version))
	}
	if now := max(c.members.Version(), 1); now < needs {
		return &RefusedError{
			Code: "cluster_version", Conflict: true, Message: fmt.Sprintf("the cluster is at version %d, this needs %d", now, needs),
			Hint: "upgrade every node, then run `gapless ctl cluster raise`; older releases cannot take part after that",
		}
	}
	return nil
}
