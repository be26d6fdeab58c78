//go:build !linux

package vfs

import "os"

// syncData is File.Sync where there is no fdatasync; on macOS that is F_FULLFSYNC, which reaches the platter.
func syncData(f *os.File) error { return f.Sync() }
