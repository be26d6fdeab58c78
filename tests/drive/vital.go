package drive

import "strings"

// Vital reports whether a file is of the log or the vote store: after one of its syncs failed it must never be written to.
func Vital(file string) bool {
	return strings.HasPrefix(file, "wal/") || strings.HasPrefix(file, VoteFile)
}

// Appended reports whether a write to a file can be what StallLog stalls. Which files the log has is written beside the appends, and stalls none of
// them.
func Appended(file string) bool { return Vital(file) && !strings.HasPrefix(file, "wal/meta") }
