package raftfsm

// RefusedError is a command that apply understood and refused: the answer is the same on every node and nothing changed.
type RefusedError struct {
	Code, Message, Hint string
	Conflict            bool // the state had changed; otherwise the command itself is wrong
}

func (e *RefusedError) Error() string { return "raftfsm: " + e.Code + ": " + e.Message }
