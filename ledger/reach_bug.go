//go:build bug_gap_forgets_tail

package ledger

// Breaks: what a device declared and nobody saw is missing. The search ends at the last frame that arrived.
func (e *epoch) reach() uint64 { return e.cov.tail.end }
