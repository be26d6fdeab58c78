package main

import (
	"fmt"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/compact"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/ledger/registry"
	"github.com/gaplessdb/gapless/proof"
	consumers "github.com/gaplessdb/gapless/query/tail"
	"github.com/gaplessdb/gapless/raftfsm"
)

// commandNames names the kinds of replicated commands.
var commandNames = map[uint16]string{
	raftfsm.KindBatch:      "batch",
	raftfsm.KindTick:       "tick",
	raftfsm.KindFlush:      "flush",
	raftfsm.KindMember:     "member",
	raftfsm.KindRaise:      "raise",
	raftfsm.KindFound:      "found",
	raftfsm.KindPolicy:     "policy",
	raftfsm.KindFlushed:    "flushed",
	ledger.KindHeartbeat:   "heartbeat",
	ledger.KindSeal:        "seal",
	ledger.KindDeclareLost: "declare-lost",
	ledger.KindVerdict:     "verdict",
	registry.KindSet:       "device-set",
	registry.KindPatch:     "device-patch",
	registry.KindDelete:    "device-delete",
	consumers.KindCommit:   "consumer-commit",
	consumers.KindReset:    "consumer-reset",
	consumers.KindDelete:   "consumer-delete",
	compact.KindPlan:       "merge-plan",
	compact.KindBuilt:      "merge-built",
	compact.KindVerified:   "merge-verified",
	compact.KindDone:       "merge-done",
	compact.KindAbort:      "merge-abort",
	proof.KindCut:          "proof-cut",
	proof.KindRoots:        "proof-roots",
	proof.KindKey:          "proof-key",
	proof.KindCosign:       "proof-cosign",
	proof.KindWitness:      "proof-witness",
	proof.KindRetire:       "proof-retire",
}

// commandOf says which command an entry holds.
func commandOf(l *raft.Log) string {
	if l.Type != raft.LogCommand {
		return ""
	}
	cmd, err := raftfsm.ParseCommand(l.Data)
	if err != nil {
		return "no command of ours"
	}
	name, ok := commandNames[cmd.Kind]
	if !ok {
		name = fmt.Sprintf("unknown %d", cmd.Kind)
	}
	return fmt.Sprintf("%s v%d", name, cmd.Version)
}
