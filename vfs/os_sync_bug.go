//go:build bug_os_sync

package vfs

import (
	"strings"
	"sync"
	"time"
)

// lastSync is when each *osFile was synced.
var lastSync sync.Map

// Breaks: what is acknowledged is on the disks. A log that is synced "often enough" looks the same to everybody but a disk that loses power, and no
// simulated disk is asked through this function.
func (o *osFile) Sync() error {
	at, ok := lastSync.Load(o)
	if ok && time.Since(at.(time.Time)) < 200*time.Millisecond && strings.Contains(o.f.Name(), "/wal/") {
		return nil
	}
	lastSync.Store(o, time.Now())
	if err := syncData(o.f); err != nil {
		return pathError("sync", o.f.Name(), err)
	}
	return nil
}
