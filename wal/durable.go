//go:build !bug_ack_before_fsync

package wal

import (
	"time"

	"github.com/gaplessdb/gapless/vfs"
)

// durable writes b to f at off. When it returns without an error no crash can take b back, so what it holds may be acknowledged. It also
// returns how long the sync took.
func durable(f vfs.File, b []byte, off int64) (synced time.Duration, err error) {
	if _, err := f.WriteAt(b, off); err != nil {
		return 0, err
	}
	start := time.Now()
	err = f.Sync()
	return time.Since(start), err
}
