//go:build linux

package faultfs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// fsName makes the type of our mounts "fuse.faultfs".
const fsName = "faultfs"

// ownerName is the source of our mounts: this process, which a later one of the same number is not.
func ownerName() (string, error) {
	born, err := bornAt(os.Getpid())
	return fmt.Sprintf("%s:%d:%s", fsName, os.Getpid(), born), err
}

// bornAt is when a process was started, in ticks since the machine was.
func bornAt(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // the name before may hold anything
	if len(fields) < 20 {
		return "", fmt.Errorf("/proc/%d/stat: %d fields after the name, want 20", pid, len(fields))
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return "", fmt.Errorf("process %d has ended: %w", pid, os.ErrNotExist) // and only its parent has not looked yet
	}
	return fields[19], nil
}

// Sweep unmounts what processes left behind that were killed. It never touches a mount whose process lives, nor asks one anything.
func Sweep() error {
	table, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	defer table.Close()
	var errs []error
	for s := bufio.NewScanner(table); s.Scan(); {
		dir, source, ours := parseMount(s.Text())
		if !ours || lives(source) {
			continue
		}
		err := syscall.Unmount(dir, unix.MNT_FORCE|unix.MNT_DETACH)
		if err != nil && err != syscall.EINVAL && err != syscall.ENOENT { // those: another was faster
			errs = append(errs, fmt.Errorf("sweep: unmount %s of %s: %w", dir, source, err))
		}
	}
	return errors.Join(errs...)
}

// parseMount reads a line of mountinfo: id parent device root DIR options ... - TYPE SOURCE options.
func parseMount(line string) (dir, source string, ours bool) {
	before, after, ok := strings.Cut(line, " - ")
	left, right := strings.Fields(before), strings.Fields(after)
	if !ok || len(left) < 5 || len(right) < 2 || right[0] != "fuse."+fsName {
		return "", "", false
	}
	return unescape(left[4]), right[1], true
}

// unescape reads \040 and the like.
func unescape(s string) string {
	var b strings.Builder
	for ; len(s) > 0; s = s[1:] {
		if s[0] == '\\' && len(s) >= 4 {
			if c, err := strconv.ParseUint(s[1:4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				s = s[3:]
				continue
			}
		}
		b.WriteByte(s[0])
	}
	return b.String()
}

// lives tells whether the process that a source names still runs. A source that it cannot read is not ours to judge.
func lives(source string) bool {
	parts := strings.Split(source, ":")
	if len(parts) != 3 || parts[0] != fsName {
		return true
	}
	pid, err := strconv.Atoi(parts[1])
	if err != nil {
		return true
	}
	born, err := bornAt(pid)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return false
	}
	return err != nil || born == parts[2]
}
