//go:build bug_cert_old_watermark

package census

// Breaks: a watermark is the last word on a time only if it was heard when that was over.
func heard(int64, int64) bool { return true }
