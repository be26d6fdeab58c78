package compact

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Kinds of the section's commands, version 1. Bodies are JSON (docs/format/merges.md).
const (
	KindPlan     uint16 = 112
	KindBuilt    uint16 = 113
	KindVerified uint16 = 114
	KindDone     uint16 = 115
	KindAbort    uint16 = 116

	lastKind uint16 = 127

	CommandVersion uint8 = 1
)

// Bounds of what one command may hold, and the section.
const (
	maxInputs  = 64  // segments that one plan merges
	maxPlans   = 16  // under way
	maxEdits   = 64  // that wait for the next floor
	maxServers = 64  // in one command
	maxServer  = 128 // bytes of a server's name
	maxDetail  = 512 // bytes of why a plan was given up
)

// planCommand begins a plan; the index of its log entry is the plan's number.
type planCommand struct {
	Floor    uint64 `json:"floor"`     // index of the manifest that lists the inputs
	WindowNS int64  `json:"window_ns"` // width of the windows of the result
	Builder  string `json:"builder"`   // server that merges
	Inputs   []file `json:"inputs"`    // by first index, last index and name
}

// builtCommand is what the builder made.
type builtCommand struct {
	ID      uint64 `json:"id"`
	Server  string `json:"server"`
	Outputs []file `json:"outputs"` // by first index, last index and name
}

// verifiedCommand says that a server has these files, durable, and that they have the frames of its own inputs.
type verifiedCommand struct {
	ID      uint64 `json:"id"`
	Server  string `json:"server"`
	Outputs []name `json:"outputs"` // in the order of BUILT
}

// doneCommand ends a plan well.
type doneCommand struct {
	ID       uint64   `json:"id"`
	Voters   []string `json:"voters"`   // of the cluster, ascending
	Verified []string `json:"verified"` // those of them who said BUILT or VERIFIED, ascending
}

// abortCommand gives a plan up.
type abortCommand struct {
	ID     uint64 `json:"id"`
	Server string `json:"server"`
	Reason Reason `json:"reason"`
	Detail string `json:"detail,omitempty"`
}

// Reason says why a plan was given up.
type Reason string

// The reasons of ABORT.
const (
	ReasonMismatch    Reason = "mismatch"     // the result differs from the inputs of a node
	ReasonFailed      Reason = "failed"       // the builder could not merge
	ReasonBuilderGone Reason = "builder_gone" // no member any more, or silent
	ReasonTimeout     Reason = "timeout"      // not built, or not verified by a majority, for too long
	ReasonInputsGone  Reason = "inputs_gone"  // an input is in no manifest any more
)

// Reasons lists every Reason.
var Reasons = []Reason{ReasonMismatch, ReasonFailed, ReasonBuilderGone, ReasonTimeout, ReasonInputsGone}

// parse reads a body strictly.
func parse(body []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return refuse(CodeBadMerge, "repeat it with the fields of docs/format/merges.md", "the body cannot be read: %v", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return refuse(CodeBadMerge, "send one JSON object", "something follows the body")
	}
	return nil
}
