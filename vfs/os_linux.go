package vfs

import (
	"io/fs"
	"os"
	"syscall"
)

// syncData is fdatasync: data and size, not the timestamps that fsync would pay a journal write for.
func syncData(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var serr error
	closed := conn.Control(func(fd uintptr) {
		for {
			if serr = syscall.Fdatasync(int(fd)); serr != syscall.EINTR {
				return
			}
		}
	})
	if closed != nil { // Control fails for nothing else, and with an error that does not say fs.ErrClosed
		return fs.ErrClosed
	}
	return serr
}
