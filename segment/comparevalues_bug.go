//go:build bug_compare_blind

package segment

// Breaks: an output that passes Compare has the values of the inputs. Only which rows are there is looked at.
func (b *sourceBlock) differs(o *sourceBlock, at, other, n int) (difference, bool) {
	return difference{}, false
}
