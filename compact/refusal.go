package compact

import "fmt"

// Refusal is a command that apply understood and refused: the answer is the same on every node, and nothing changed.
type Refusal struct {
	Code, Message, Hint string
	Conflict            bool // the command was right for another state
}

// Codes of refusals.
const (
	CodeBadMerge        = "bad_merge"         // the command contradicts itself
	CodeMergeOverlap    = "merge_overlap"     // an input belongs to another plan, or was replaced
	CodeMergeLimit      = "merge_limit"       // too many plans under way, or edits that wait
	CodeMergeUnknown    = "merge_unknown"     // no plan of that number is under way
	CodeMergeNotBuilder = "merge_not_builder" // another server builds it
	CodeMergeNotBuilt   = "merge_not_built"   // there is nothing to verify yet
	CodeMergeDiffers    = "merge_differs"     // other files than those that were announced
	CodeMergeNoQuorum   = "merge_no_quorum"   // too few have verified
)

func (r *Refusal) Error() string { return "compact: " + r.Code + ": " + r.Message }

// Refused tells who cannot import this package.
func (r *Refusal) Refused() (code, message, hint string, conflict bool) {
	return r.Code, r.Message, r.Hint, r.Conflict
}

func refuse(code, hint, format string, args ...any) error {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...), Hint: hint, Conflict: code != CodeBadMerge}
}
