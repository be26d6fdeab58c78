//go:build linux

package host

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

const prefix = "gapless-"

// owner is a process that owns worlds. Its start tells it from another that gets the same number later.
type owner struct {
	pid   int
	start uint64 // ticks of the kernel's clock since it booted
}

// self is this process.
func self() (owner, error) {
	start, err := startOf(os.Getpid())
	return owner{os.Getpid(), start}, err
}

func (o owner) String() string { return fmt.Sprintf("%s%d-%d-", prefix, o.pid, o.start) }

// link is the beginning of the names of its interfaces, which have 15 bytes for all.
func (o owner) link() string { return "gl" + strconv.FormatInt(int64(o.pid), 36) + "." }

// ownerOf finds the owner in a name that begins with it.
func ownerOf(name string) (o owner, ok bool) {
	rest, ok := strings.CutPrefix(name, prefix)
	parts := strings.SplitN(rest, "-", 3)
	if !ok || len(parts) != 3 {
		return o, false
	}
	pid, err1 := strconv.Atoi(parts[0])
	start, err2 := strconv.ParseUint(parts[1], 10, 64)
	return owner{pid, start}, err1 == nil && err2 == nil
}

func (o owner) alive() bool {
	start, err := startOf(o.pid)
	return err == nil && start == o.start
}

// startOf reads when a process started: field 22 of its line. Field 2, its program's name, may hold anything, and ends with the last ")".
func startOf(pid int) (uint64, error) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(line[strings.LastIndexByte(string(line), ')')+1:]))
	if len(fields) < 20 {
		return 0, fmt.Errorf("/proc/%d/stat: %d fields after the name", pid, len(fields))
	}
	return strconv.ParseUint(fields[19], 10, 64)
}
