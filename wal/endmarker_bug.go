//go:build bug_zero_length_end

package wal

// Breaks: an entry of no bytes is an entry. Here it passes for the end of the log.
func (h *recordHeader) ends() bool { return h.dataLen == 0 && h.extLen == 0 }
