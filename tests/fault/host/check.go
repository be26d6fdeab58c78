//go:build linux

package host

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// Check tells what this machine lacks for a World, if anything: "needs ...".
var Check = sync.OnceValue(func() error {
	if os.Getuid() != 0 {
		return errors.New("needs root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return errors.New("needs ip of iproute2")
	}
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the namespace that it tries things in
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			result <- fmt.Errorf("needs network namespaces: %w", err)
			return
		}
		result <- tryWire()
	}()
	return <-result
})

// tryWire runs the program of the wire on the loopback interface of the calling thread's namespace.
func tryWire() error {
	w, err := newWire()
	if err == nil {
		err = w.attach(1)
		w.close()
	}
	if err != nil {
		return fmt.Errorf("needs BPF of Linux 6.6 (tcx): %w", err)
	}
	return nil
}

// CheckLimits tells what this machine lacks for Limits of memory, if anything: "needs ...".
var CheckLimits = sync.OnceValue(func() error {
	_, err := hierarchy()
	return err
})
