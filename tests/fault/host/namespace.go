//go:build linux

package host

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// namespaces is where ip keeps named network namespaces.
const namespaces = "/run/netns"

// ip runs lines of ip commands in one network namespace; "" is our own.
func ip(namespace string, lines ...string) error {
	args := []string{"-batch", "-"}
	if namespace != "" {
		args = append([]string{"-n", namespace}, args...)
	}
	cmd := exec.Command("ip", args...)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s, of %q: %w: %s", strings.Join(args, " "), lines, err, bytes.TrimSpace(out))
	}
	return nil
}

func addNamespace(name string) error {
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		return fmt.Errorf("ip netns add %s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return nil
}

// within calls f on a thread that is in a namespace, and puts the thread back. One that cannot be put back ends with its goroutine.
func within(namespace string, f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		back, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			result <- err
			return
		}
		defer back.Close()
		if err := join(namespace); err != nil {
			result <- err
			return
		}
		err = f()
		if unix.Setns(int(back.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		result <- err
	}()
	return <-result
}

// join puts the calling thread into a namespace.
func join(namespace string) error {
	f, err := os.Open(filepath.Join(namespaces, namespace))
	if err != nil {
		return err
	}
	defer f.Close()
	return os.NewSyscallError("setns", unix.Setns(int(f.Fd()), unix.CLONE_NEWNET))
}

// sweep removes all that has a name that mine accepts: processes, links, namespaces, control groups.
func sweep(mine func(name string) bool) error {
	names, err := entries(namespaces)
	errs := []error{err}
	for _, name := range names {
		if mine(name) {
			errs = append(errs, killWithin(name), removeNamespace(name))
		}
	}
	return errors.Join(append(errs, sweepGroups(mine))...)
}

// sweepDead removes what owners left that ended without closing their worlds.
func sweepDead() error {
	var errs []error
	dead := map[owner]bool{}
	gone := func(name string) bool {
		o, ok := ownerOf(name)
		if ok && !o.alive() {
			dead[o] = true
			return true
		}
		return false
	}
	errs = append(errs, sweep(gone))
	for o := range dead {
		errs = append(errs, removeLinks(o.link()))
	}
	return errors.Join(errs...)
}

// entries lists a directory that may be absent.
func entries(dir string) ([]string, error) {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names, err
}

// killWithin ends every process in a namespace.
func killWithin(namespace string) error {
	var want unix.Stat_t
	if err := unix.Stat(filepath.Join(namespaces, namespace), &want); err != nil {
		return fmt.Errorf("namespace %s: %w", namespace, err)
	}
	pids, err := entries("/proc")
	for _, pid := range pids {
		n, isPid := strconv.Atoi(pid)
		var have unix.Stat_t
		if isPid == nil && unix.Stat("/proc/"+pid+"/ns/net", &have) == nil && have.Ino == want.Ino && have.Dev == want.Dev {
			unix.Kill(n, unix.SIGKILL)
		}
	}
	return err
}

func removeNamespace(name string) error {
	if out, err := exec.Command("ip", "netns", "del", name).CombinedOutput(); err != nil {
		return fmt.Errorf("ip netns del %s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return nil
}

// removeLinks removes interfaces of this namespace by the beginning of their names. They go with their namespace too, but later.
func removeLinks(prefix string) error {
	names, err := entries("/sys/class/net")
	errs := []error{err}
	for _, name := range names {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		err := ip("", "link del "+name)
		if _, gone := os.Stat("/sys/class/net/" + name); gone == nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
