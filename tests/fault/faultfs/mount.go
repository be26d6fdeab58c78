//go:build linux

package faultfs

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// Mount is an FS in the tree of directories.
type Mount struct {
	fs     *FS
	dir    string
	server *fuse.Server
}

// Mount puts the file system on an existing directory. It needs root and /dev/fuse (Available).
func (fs *FS) Mount(dir string) (*Mount, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("mount on %s: %w", dir, err)
	}
	if err := Sweep(); err != nil {
		return nil, err
	}
	fs.mounting.Lock()
	defer fs.mounting.Unlock()
	fs.mu.Lock()
	busy := fs.server != nil
	fs.mu.Unlock()
	if busy {
		return nil, fmt.Errorf("mount on %s: this file system is mounted already", dir)
	}
	server, err := fs.start(dir)
	if err != nil {
		return nil, fmt.Errorf("mount on %s: %w", dir, err)
	}
	fs.mu.Lock()
	fs.server = server
	fs.mu.Unlock()
	return &Mount{fs: fs, dir: dir, server: server}, nil
}

// start mounts and serves. The fork lock keeps /dev/fuse from processes that are started at the same time: one that has it keeps the mount alive
// after us.
func (fs *FS) start(dir string) (*fuse.Server, error) {
	source, err := ownerName()
	if err != nil {
		return nil, err
	}
	syscall.ForkLock.RLock()
	server, err := fuse.NewServer(&front{fuse.NewDefaultRawFileSystem(), fs}, dir, &fuse.MountOptions{
		FsName: source, Name: fsName,
		DirectMountStrict: true, AllowOther: true, Options: []string{"default_permissions"},
		MaxWrite: 1 << 20, MaxReadAhead: 1 << 20, MaxBackground: 64,
		PanicHandler:             func(v any) fuse.Status { panic(v) }, // ours is a bug, and must not look like a fault
		Logger:                   log.New(io.Discard, "", 0),           // it tells of answers to callers that are no more
		ExplicitDataCacheControl: true, DisableXAttrs: true, DisableReadDirPlus: true,
	})
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, err
	}
	go server.Serve()
	if err := server.WaitMount(); err != nil {
		return nil, errors.Join(err, syscall.Unmount(dir, unix.MNT_FORCE|unix.MNT_DETACH))
	}
	return server, nil
}

// Close unmounts. What still uses it gets errors, what waits EIO. The FS stays as it is and can be mounted again.
func (m *Mount) Close() error {
	m.fs.mounting.Lock()
	defer m.fs.mounting.Unlock()
	m.fs.mu.Lock()
	if m.fs.server != m.server {
		m.fs.mu.Unlock()
		return nil // closed before
	}
	m.fs.server = nil
	m.fs.restart()
	m.fs.mu.Unlock()

	err := syscall.Unmount(m.dir, 0)
	if err == syscall.EBUSY {
		err = abort(m.dir)
	}
	if err != nil {
		return fmt.Errorf("unmount %s: %w", m.dir, err)
	}
	m.server.Wait()
	return nil
}

// abort ends the connection beneath those who still use it. The kernel answers EBUSY when it has done so.
func abort(dir string) error {
	if err := syscall.Unmount(dir, unix.MNT_FORCE); err == nil || err != syscall.EBUSY {
		return err
	}
	return syscall.Unmount(dir, unix.MNT_DETACH)
}

// Available says what is missing here, or "".
func Available() string {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	if err := unix.Capget(&hdr, &caps[0]); err != nil || caps[0].Effective>>unix.CAP_SYS_ADMIN&1 == 0 {
		return "root"
	}
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return "/dev/fuse"
	}
	f.Close()
	return ""
}
