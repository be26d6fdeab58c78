//go:build !bug_seal_own_root

package proof

// differs reports whether a tree that this node counted is another one than the cluster's. Then this node says so, and does not sign.
func (c Counted) differs(root string, count int64) bool {
	return hashText(c.Root) != root || c.Count != count
}
