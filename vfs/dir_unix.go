//go:build !windows

package vfs

import (
	"errors"
	"os"
	"syscall"
)

// syncDir makes the names in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	info, err := d.Stat()
	if err == nil && !info.IsDir() {
		err = &os.PathError{Op: "sync directory", Path: dir, Err: syscall.ENOTDIR}
	}
	if err == nil {
		err = d.Sync()
	}
	return errors.Join(err, d.Close())
}
