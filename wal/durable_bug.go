//go:build bug_ack_before_fsync

package wal

import (
	"time"

	"github.com/gaplessdb/gapless/vfs"
)

// Breaks: what was acknowledged is durable. The sync is one write too early.
func durable(f vfs.File, b []byte, off int64) (synced time.Duration, err error) {
	start := time.Now()
	if err := f.Sync(); err != nil {
		return 0, err
	}
	synced = time.Since(start)
	_, err = f.WriteAt(b, off)
	return synced, err
}
