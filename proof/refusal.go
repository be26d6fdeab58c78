package proof

import "fmt"

// Refusal is a command that apply understood and refused: the answer is the same on every node, and nothing changed.
type Refusal struct {
	Code, Message, Hint string
	Conflict            bool // the command was right for another state
}

// Codes of refusals.
const (
	CodeBadProof     = "bad_proof"     // the command contradicts itself
	CodeNotCurrent   = "not_current"   // the ordinal, the tree or the key is not the one at hand any more
	CodeProofLimit   = "proof_limit"   // too many ordinals wait for their roots, too many keys
	CodeNotVoter     = "not_voter"     // the server has no vote
	CodeBadSignature = "bad_signature" // it does not verify, or its key is not the server's

	CodeFlushUnderWay = "flush_under_way" // of the leader, before the log: a cut waits until the flush is done
)

func (r *Refusal) Error() string { return "proof: " + r.Code + ": " + r.Message }

// Refused tells who cannot import this package.
func (r *Refusal) Refused() (code, message, hint string, conflict bool) {
	return r.Code, r.Message, r.Hint, r.Conflict
}

func refuse(code, hint, format string, args ...any) error {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...), Hint: hint, Conflict: code != CodeBadProof && code != CodeBadSignature}
}
