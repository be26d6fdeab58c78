package raftfsm

// RefusedError is a command that apply understood and refused: the answer is the same on every node and nothing changed.
type RefusedError struct {
	Code, Message, Hint string
}

func (e *RefusedError) Error() string { return "raftfsm: " + e.Code + ": " + e.Message }
