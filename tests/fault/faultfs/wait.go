//go:build linux

package faultfs

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// wait stands still as long as Slow and Hang want. It must not hold mu.
func (fs *FS) wait(r request) error {
	delays := *fs.delays.Load()
	if len(delays) == 0 || r.background {
		return nil
	}
	paths, restarted := fs.places(r)
	for _, f := range delays {
		if !f.matches(paths, r.op) || f.over() {
			continue
		}
		f.bite()
		if err := f.hold(r, restarted); err != nil {
			return err
		}
	}
	return nil
}

func (f *Fault) matches(paths []string, op Op) bool {
	for _, p := range paths {
		if f.match(p, op) {
			return true
		}
	}
	return false
}

// hold returns nil when the operation may go on.
func (f *Fault) hold(r request, restarted <-chan struct{}) error {
	var passed <-chan time.Time
	if f.delay > 0 {
		t := time.NewTimer(f.delay)
		defer t.Stop()
		passed = t.C
	}
	var look <-chan time.Time // set by the first signal: the kernel tells of no second one
	interrupted := r.cancel
	for {
		select {
		case <-f.ended:
			return nil
		case <-passed:
			return nil
		case <-restarted:
			return syscall.EIO
		case <-interrupted:
			interrupted = nil
			t := time.NewTicker(10 * time.Millisecond)
			defer t.Stop()
			look = t.C
		case <-look:
		}
		if interrupted == nil && killed(r.pid) {
			return syscall.EINTR
		}
	}
}

// killed tells whether a thread is about to die: only then may a call be given up that real disks would not let go of.
func killed(pid uint32) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return true // gone, or not to be asked
	}
	for s := bufio.NewScanner(bytes.NewReader(status)); s.Scan(); {
		name, value, _ := bytes.Cut(s.Bytes(), []byte(":"))
		if string(name) != "SigPnd" && string(name) != "ShdPnd" {
			continue
		}
		pending, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 16, 64)
		if err != nil || pending>>(syscall.SIGKILL-1)&1 == 1 {
			return true
		}
	}
	return false
}
