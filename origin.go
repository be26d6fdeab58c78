package gapless

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gaplessdb/gapless/compact"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/ledger/registry"
	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/query/tail"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/raftfsm/port"
)

// origin is from whom the leader takes a command that another node asks it to commit.
type origin uint8

const (
	byLeader  origin = iota // from nobody: the leader makes it, from what it sees itself
	byItself                // one server's word: its member "server" is who calls
	byAnybody               // a client or an operator wished it at some node, and that one forwards it
)

// origins has every kind that is not byLeader.
var origins = map[uint16]origin{
	raftfsm.KindFlush: byAnybody, raftfsm.KindRaise: byAnybody, raftfsm.KindPolicy: byAnybody,
	ledger.KindHeartbeat: byAnybody, ledger.KindSeal: byAnybody, ledger.KindDeclareLost: byAnybody,
	registry.KindSet: byAnybody, registry.KindPatch: byAnybody, registry.KindDelete: byAnybody,
	tail.KindCommit: byAnybody, tail.KindReset: byAnybody, tail.KindDelete: byAnybody,
	proof.KindCut: byAnybody,

	raftfsm.KindMember: byItself, raftfsm.KindFlushed: byItself,
	compact.KindBuilt: byItself, compact.KindVerified: byItself, compact.KindAbort: byItself,
	proof.KindRoots: byItself, proof.KindKey: byItself, proof.KindCosign: byItself,
}

// Codes of commands that the leader does not take from another node, whatever the log would say of them.
const (
	codeOtherServer = "other_server" // it speaks in the name of a third one
	codeLeaderOnly  = "leader_only"  // no node but the leader makes it
)

// foreignCommands counts them.
func foreignCommands() prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{
		Name: "gapless_foreign_commands_total",
		Help: "Commands that another node wanted committed in the name of a third one, or that only the leader makes. Anything but 0 is an alarm: that node's binary is not gapless.",
	})
}

// admitCommand refuses, on the leader, a command that another node must not ask for. Whose word it is can only be held against a caller that proved
// who it is, which takes TLS on the cluster port.
func (n *Node) admitCommand(ctx context.Context, head *commandHead) error {
	caller, _ := port.CallerOf(ctx)
	code, what := "", ""
	switch origins[head.Kind] {
	case byLeader:
		code, what = codeLeaderOnly, "only the leader makes"
	case byItself:
		var word struct{ Server string }
		if err := json.Unmarshal(head.Body, &word); caller.Proven && (err != nil || word.Server != caller.Server) {
			code, what = codeOtherServer, fmt.Sprintf("speaks in the name of %.300q:", word.Server)
		}
	}
	if code == "" {
		return nil
	}
	n.foreign.Inc()
	n.log.Warn("a command was refused", "from", caller.Server, "kind", head.Kind, "code", code)
	return &ingest.RefusedError{
		Status: http.StatusForbidden, Code: code, Message: fmt.Sprintf("%.300q %s command %d", caller.Server, what, head.Kind),
		Hint: "find out what runs on that node: its own binary does not do this",
	}
}
