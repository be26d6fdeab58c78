//go:build !bug_zero_length_end

package wal

// ends reports whether the record is an end marker. Its kind says so, and nothing else: Raft writes entries without any data, too.
func (h *recordHeader) ends() bool { return h.kind == kindEnd }
