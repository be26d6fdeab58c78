//go:build !bug_os_sync

package vfs

// Sync implements File.
func (o *osFile) Sync() error {
	if err := syncData(o.f); err != nil {
		return pathError("sync", o.f.Name(), err)
	}
	return nil
}
