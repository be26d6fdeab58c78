package vfs

import (
	"os"
	"syscall"
)

// syncDir only checks that dir is one: Windows cannot flush a directory, NTFS journals names by itself.
func syncDir(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = &os.PathError{Op: "sync directory", Path: dir, Err: syscall.ENOTDIR}
	}
	return err
}
