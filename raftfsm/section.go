package raftfsm

import "io"

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
