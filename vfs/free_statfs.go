//go:build linux || darwin

package vfs

import "syscall"

// free is what an unprivileged process may still use: Bavail leaves out the blocks reserved for root.
func free(root string) (int64, error) {
	var st syscall.Statfs_t
	for {
		err := syscall.Statfs(root, &st)
		if err == nil {
			return int64(st.Bavail) * int64(st.Bsize), nil
		}
		if err != syscall.EINTR {
			return 0, err
		}
	}
}
