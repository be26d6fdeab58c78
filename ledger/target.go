//go:build !bug_merged_epochs

package ledger

// target is the epoch that a frame with this epoch value, or none, should continue; nil when there is none yet. Another value is another life
// of the counter, so it never leads to the epoch at hand.
func (s owned) target(value string) *epoch {
	if value == "" && s.cur != nil && !s.cur.unseq {
		return s.cur
	}
	return s.line(value, false)
}
