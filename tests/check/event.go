package check

import (
	"fmt"
	"time"
)

// Event is something that happened to a node, seen from outside of it or by what it stands on (disk, vote store).
type Event struct {
	At     time.Duration
	Kind   EventKind
	Node   string
	Server string // node.incarnation, where Kind asks for it

	Term      uint64   // Voted, Led
	Candidate string   // Voted: whom for, in any form that is the same for the same server
	Servers   []string // Voters: the server ids that have a vote from now on
	File      string   // SyncFailed, WroteAfter, Damaged, Repaired: which file
	Index     uint64   // Voters: where the configuration stands in the log
	Text      string   // for the reader
}

// EventKind is what happened.
type EventKind uint8

const (
	Started    EventKind = iota // a process of the node began: a new life, which ends with Ended
	Ended                       // it ended: killed, closed or by its own decision; its last answer left before
	Reopened                    // the process lives, and began anew at its newest floor ("opening raft anew"): its answers may go back
	SyncFailed                  // a sync or write of the log returned an error to the process
	WroteAfter                  // a write or sync reached the log after SyncFailed in the same life
	Voted                       // Server made its vote for Candidate in Term durable
	Led                         // Server was elected in Term
	Voters                      // the cluster's voters are Servers from now on; the first configuration counts too
	DiskLost                    // Server's disk is gone or put back to a copy that lacks what it acknowledged: Server must never vote or lead again
	Wiped                       // the node's disk is empty: what it had is no copy any more
	Damaged                     // the node noticed damage in File
	Repaired                    // File is whole again
	Refusal                     // the node refused to take part on its disk, and said so
)

func (k EventKind) String() string {
	return [...]string{
		"started", "ended", "reopened", "sync failed", "wrote after a failed sync", "voted", "led", "voters", "disk lost", "wiped", "damaged",
		"repaired", "refusal",
	}[k]
}

func (e *Event) String() string {
	s := fmt.Sprintf("%s %s at %s", e.Node, e.Kind, e.At)
	if e.Server != "" {
		s += " as " + e.Server
	}
	if e.Term != 0 {
		s += fmt.Sprintf(" term %d", e.Term)
	}
	if e.Candidate != "" {
		s += " for " + e.Candidate
	}
	if e.File != "" {
		s += " " + e.File
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// Fault is one thing that the schedule broke.
type Fault struct {
	From, To time.Duration
	Kind     string // as in the schedule: kill, cut, flip, ...
	Node     string // "" for none in particular
	Text     string // for the reader
	Witness  uint64 // how often it bit: bytes held, syncs failed, processes ended, ... 0 makes the run Unknown
	File     string // flip: the file
	MustFind bool   // flip: the byte is live, and was read again since: the node must have noticed (Damaged, Refusal, or Final.Found)
	Forged   bool   // frames of File were changed with all their checksums: from To on the node must count something else, and say so (Sealing)
}

func (f *Fault) String() string {
	return fmt.Sprintf("%s %s at %s..%s %s", f.Kind, f.Node, f.From, f.To, f.Text)
}
