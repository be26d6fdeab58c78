package registry

import (
	"errors"
	"fmt"

	"github.com/gaplessdb/gapless/frame"
)

// Error refuses a command. It is part of the replicated result: the same on every node, and nothing changed.
type Error struct {
	Code, Message, Hint string // Code is stable; Hint says what to do
	Conflict            bool   // what is stored had changed; otherwise the command itself is wrong
}

func (e *Error) Error() string { return "registry: " + e.Code + ": " + e.Message }

// Refused is the refusal for who cannot import this package.
func (e *Error) Refused() (code, message, hint string, conflict bool) {
	return e.Code, e.Message, e.Hint, e.Conflict
}

// Codes of an Error besides those of names (package frame).
const (
	CodeBadJSON         = "bad_json"
	CodeBadCommand      = "bad_command"
	CodeBadLabel        = "bad_label"
	CodeTooManyLabels   = "too_many_labels"
	CodeBadType         = "bad_type"
	CodeBadCadence      = "bad_cadence"
	CodeBadClass        = "bad_class"
	CodeBadRule         = "bad_rule"
	CodeBadMatch        = "bad_match"
	CodeDeviceRequired  = "device_required"
	CodeDuplicateDevice = "duplicate_device"
	CodeTooManyDevices  = "too_many_devices"
	CodeRegistryFull    = "registry_full"
	CodeRevisionChanged = "revision_changed"
)

// ErrCorrupt is found by errors.Is when a checkpoint's bytes are damaged.
var ErrCorrupt = errors.New("registry: checkpoint is damaged")

// refuse builds an Error; it returns the interface so that callers cannot make a typed nil of it.
func refuse(code, hint, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// refuseName turns what package frame says of a name into a refusal. The code is frame's, or the one given.
func refuseName(code string, err error) error {
	var bad *frame.InvalidError
	if !errors.As(err, &bad) {
		return err
	}
	if code == "" {
		code = bad.Code
	}
	return &Error{Code: code, Message: bad.Message, Hint: bad.Hint}
}
