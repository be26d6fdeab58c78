package raftfsm

import (
	"io"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// Section is a named part of the replicated state with its own commands. Its methods use only standard-library types, so that
// rooms below implement it without importing this one.
//
// Apply is called by one goroutine in log order, under the state's write lock, and must be pure. body is only valid during the
// call. The result is JSON for the client. An error is an answer as deterministic as a result: it refuses the command and
// changes nothing; damage that must stop the node is reported by wrapping ErrHalt.
//
// Freeze is called under the same lock, at a flush point, and must be cheap. What it returns writes the section's state as of that
// moment, later and from another goroutine, while Apply goes on; equal states write equal bytes. Restore replaces the state by what
// was written.
type Section interface {
	Name() string
	Commands() (first, last uint16)
	Apply(index, term uint64, commitMS int64, kind uint16, version uint8, body []byte) ([]byte, error)
	Freeze() func(io.Writer) error
	Restore(r io.Reader) error
	LimitBytes() int64
}

// What a Section may offer besides. A section of a room that this one does not know comes through Extra and uses them like one of ours.
type (
	// later is a section that came after cluster version 1. Below its version it is in no floor and its commands are refused, so that nodes of
	// both releases hold the same state.
	later interface{ Since() int }

	// versioned tells which versions of its commands a section can apply; without it that is version 1 of its whole range.
	versioned interface {
		Supports(kind uint16, version uint8) bool
	}

	// audited describes a command that was just applied: one frame of DeviceAudit keeps it. An empty tenant is the cluster's own.
	audited interface {
		Audit(kind uint16, body []byte) (tenant, action, subject, by string, detail []byte, ok bool)
	}

	// editor hands over, at a flush point, the edits of the manifest that belong to the floor that is being sealed, in order, and forgets them.
	editor interface{ TakeEdits() []segment.Edit }

	// merger describes the edit of the manifest that the command that was just applied decided on.
	merger interface {
		Decided(kind uint16) (edit segment.Edit, ok bool)
	}

	// chronicle is the section that keeps the log of the proof. It is told in which history of which cluster and under which voters each section's command is
	// applied, whenever voters change, and of audits and merges; its records become frames of DeviceLog, in the order in which it hands them over, and
	// LogSize is how many there were. Ordinal is what rows are marked with.
	// A flush point lies behind a command after which Cut is true; such a command adds no record.
	chronicle interface {
		Section
		At(history uint64, cluster string, voters []string)
		Audited(index uint64, commitMS int64, tenant, action, subject, by string, detail []byte)
		Merged(index uint64, commitMS int64, edit segment.Edit)
		TakeRecords() ([][]byte, error)
		LogSize() int64
		Ordinal() uint32
		Cut() bool
	}

	// refusal is a deterministic refusal of a section in a room that cannot use RefusedError.
	refusal interface {
		error
		Refused() (code, message, hint string, conflict bool)
	}
)

// Extra makes the sections of rooms that this one does not import, empty, for a state with the given ledger. Their names and command ranges are
// their own; their order is that of the list.
type Extra func(l *ledger.Ledger) []Section

// since is the cluster version from which a section exists.
func since(sec Section) int {
	if l, ok := sec.(later); ok {
		return l.Since()
	}
	return 1
}

// supports reports whether a section can apply a command of its range.
func supports(sec Section, kind uint16, version uint8) bool {
	if v, ok := sec.(versioned); ok {
		return v.Supports(kind, version)
	}
	return version == commandVersion
}
