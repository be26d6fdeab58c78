//go:build !bug_cert_forgets_gap

package census

// told is what a leaf tells of an account: all of it, the numbers that may still come, too.
func told(e Epoch) Epoch { return e }
