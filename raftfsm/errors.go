package raftfsm

import "errors"

// RefusedError is a command that apply understood and refused: the answer is the same on every node and nothing changed.
type RefusedError struct {
	Code, Message, Hint string
	Conflict            bool // the state had changed; otherwise the command itself is wrong
}

func (e *RefusedError) Error() string { return "raftfsm: " + e.Code + ": " + e.Message }

// refusedBy gives the refusal of a section in another room our type; any other error stays as it is.
func refusedBy(err error) error {
	var r refusal
	if !errors.As(err, &r) {
		return err
	}
	code, message, hint, conflict := r.Refused()
	return &RefusedError{Code: code, Message: message, Hint: hint, Conflict: conflict}
}
