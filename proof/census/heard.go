//go:build !bug_cert_old_watermark

package census

// heard reports whether a watermark was heard when a time was over, or later.
func heard(atMS, toMS int64) bool { return atMS >= toMS }
