package ledger

import (
	"errors"
	"fmt"
)

var (
	// ErrCorrupt is found by errors.Is when a checkpoint's bytes are damaged.
	ErrCorrupt = errors.New("ledger: checkpoint is damaged")
	// ErrVersion is found by errors.Is when bytes of another format version are met: they may be fine, but this program cannot read them.
	ErrVersion = errors.New("ledger: format version is not supported")
)

// Codes of a CommandError and of a refused Outcome. They are stable: clients decide by them.
const (
	CodeUnknownStream   = "unknown_stream"
	CodeUnknownEpoch    = "unknown_epoch"
	CodeTooManyStreams  = "too_many_streams"
	CodeTooManyEpochs   = "too_many_epochs"
	CodeTooManyRuns     = "too_many_runs"
	CodeTooManyCauses   = "too_many_causes"
	CodeSeqOutOfRange   = "seq_out_of_range"
	CodeBadBits         = "bad_bits"
	CodeBadEpoch        = "bad_epoch"
	CodeBadRange        = "bad_range"
	CodeBadReason       = "bad_reason"
	CodeBadName         = "bad_name"
	CodeNameReserved    = "name_reserved" // the name is that of one of the store's own devices: said by who applies, of its own cluster version on
	CodeBadCommand      = "bad_command"
	CodeStreamMismatch  = "stream_mismatch"
	CodeImplausibleJump = "implausible_jump"
	CodeWrapAmbiguous   = "wrap_ambiguous"
	CodeNoNumbers       = "no_numbers"
	CodeContradiction   = "contradiction"
	CodeNotUnverified   = "not_unverified"
	CodeIDTaken         = "id_taken"
	CodeKeyTaken        = "key_taken"
	CodeIDOutOfRange    = "id_out_of_range"
)

// CommandError is the answer to a command that changes nothing. It is part of the replicated result: equal on every node.
type CommandError struct {
	Code    string // one of the Code constants
	Message string // what is wrong, with the values that disagree
	Hint    string // what to do about it
}

func (e *CommandError) Error() string { return "ledger: " + e.Message }

// refuse builds a CommandError; it returns the interface so that callers cannot make a typed nil of it.
func refuse(code, hint, format string, args ...any) error {
	return &CommandError{Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
}
