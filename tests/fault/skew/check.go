//go:build linux

package skew

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
)

// Check tells what this machine lacks for Wrap, if anything: "needs ...".
var Check = sync.OnceValue(func() error {
	if _, ok := machines[runtime.GOARCH]; !ok {
		return errors.New("needs amd64 or arm64, not " + runtime.GOARCH)
	}
	if os.Getuid() != 0 {
		return errors.New("needs root")
	}
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its filter
		listener, err := install()
		if err != nil {
			result <- fmt.Errorf("needs Linux 5.19 and seccomp: %w", err)
			return
		}
		result <- listener.Close()
	}()
	return <-result
})
