//go:build !bug_compare_blind

package segment

// differs compares the values of n rows of two blocks: every field, of whatever kind, and the raw payload.
func (b *sourceBlock) differs(o *sourceBlock, at, other, n int) (difference, bool) {
	d, ok := differentFields(b.fields, o.fields, at, other, n)
	if !ok {
		d, ok = differentValues(b.raw, o.raw, at, other, n)
	}
	return d, ok
}
