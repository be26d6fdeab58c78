//go:build bug_seal_own_root

package proof

// Breaks: a node signs what it counted itself. It takes the word of the majority for its own.
func (c Counted) differs(string, int64) bool { return false }
