//go:build linux

package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// launcherName is what a program is called when it is to be the launcher.
const launcherName = "gapless-host-launcher"

// order is what the launcher is to do. It is its only argument.
type order struct {
	Controller int // its parent
	Namespace  string
	Group      string // directory of the control group, "" for none
	OpenFiles  uint64
	Status     int // the last descriptor: it takes what went wrong, and closes when the command begins
	Path       string
	Args       []string // with the name
}

// Main makes this program the launcher if it was started as that, and does not return then. It must be called before anything else, in
// main or TestMain of each program that calls Start.
func Main() {
	if len(os.Args) != 2 || os.Args[0] != launcherName {
		return
	}
	var o order
	if err := json.Unmarshal([]byte(os.Args[1]), &o); err != nil {
		fmt.Fprintf(os.Stderr, "%s: its order: %v\n", launcherName, err)
		os.Exit(127)
	}
	// The command gets what it was given and no more: descriptors that the controller inherited would count against its limit.
	if err := unix.CloseRange(uint(o.Status), math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		fmt.Fprintf(os.Stderr, "%s: close_range: %v\n", launcherName, err)
		os.Exit(127)
	}
	fmt.Fprintf(os.NewFile(uintptr(o.Status), "status"), "%v", o.carryOut())
	os.Exit(127)
}

// carryOut returns only if it fails. The process that exec leaves has the namespace of the thread that called it.
func (o *order) carryOut() error {
	runtime.LockOSThread()
	// The signal at the controller's end belongs to a thread, not to the process, so the one that calls exec asks for it itself.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	if os.Getppid() != o.Controller {
		return errors.New("the controller has ended")
	}
	if err := join(o.Namespace); err != nil {
		return err
	}
	if o.Group != "" {
		if err := os.WriteFile(filepath.Join(o.Group, "cgroup.procs"), []byte("0"), 0o644); err != nil {
			return err
		}
	}
	if o.OpenFiles != 0 {
		// By syscall, not unix: it makes the runtime forget the limit that it would put back at exec.
		if err := syscall.Setrlimit(unix.RLIMIT_NOFILE, &syscall.Rlimit{Cur: o.OpenFiles, Max: o.OpenFiles}); err != nil {
			return fmt.Errorf("limit of %d open files: %w", o.OpenFiles, err)
		}
	}
	return fmt.Errorf("exec %s: %w", o.Path, syscall.Exec(o.Path, o.Args, os.Environ()))
}
