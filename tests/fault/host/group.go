//go:build linux

package host

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// group is a control group for memory, of version 1 or 2.
type group struct {
	dir string
	v2  bool
}

// controller is that of the groups.
const controller = "memory"

// hierarchy finds where the machine keeps the groups.
func hierarchy() (group, error) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return group{}, err
	}
	for line := range strings.Lines(string(b)) {
		before, after, _ := strings.Cut(line, " - ")
		mount, kind := strings.Fields(before), strings.Fields(after)
		if len(mount) < 5 || len(kind) < 3 {
			continue
		}
		dir := mount[4]
		if kind[0] == "cgroup" && slices.Contains(strings.Split(kind[2], ","), controller) {
			return group{dir: dir}, nil
		}
		has, _ := os.ReadFile(filepath.Join(dir, "cgroup.controllers")) // of version 2 only
		if kind[0] == "cgroup2" && slices.Contains(strings.Fields(string(has)), controller) {
			g := group{dir: dir, v2: true}
			return g, g.write("cgroup.subtree_control", "+"+controller)
		}
	}
	return group{}, errors.New("needs control groups for memory")
}

// newGroup makes a group below the top.
func newGroup(name string) (group, error) {
	g, err := hierarchy()
	if err != nil {
		return g, err
	}
	g.dir = filepath.Join(g.dir, name)
	return g, os.Mkdir(g.dir, 0o755)
}

func (g group) limitMemory(bytes uint64) error {
	if !g.v2 {
		return g.write("memory.limit_in_bytes", strconv.FormatUint(bytes, 10))
	}
	err := g.write("memory.swap.max", "0")
	if errors.Is(err, os.ErrNotExist) { // a kernel without swap
		err = nil
	}
	return errors.Join(err, g.write("memory.max", strconv.FormatUint(bytes, 10)))
}

// oomKills counts the processes that the kernel killed because the group's memory was used up.
func (g group) oomKills() (uint64, error) {
	if g.v2 {
		return g.count("memory.events", "oom_kill")
	}
	return g.count("memory.oom_control", "oom_kill")
}

// memoryMet counts how often the group's memory was used up, whatever the kernel did then.
func (g group) memoryMet() (uint64, error) {
	if g.v2 {
		return g.count("memory.events", "max")
	}
	b, err := os.ReadFile(filepath.Join(g.dir, "memory.failcnt"))
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
}

func (g group) write(file, value string) error {
	return os.WriteFile(filepath.Join(g.dir, file), []byte(value), 0o644)
}

// count reads one line of a file that has a name and a number on each.
func (g group) count(file, name string) (uint64, error) {
	b, err := os.ReadFile(filepath.Join(g.dir, file))
	if err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseUint(value, 10, 64)
		}
	}
	return 0, fmt.Errorf("%s: no %q in %q", filepath.Join(g.dir, file), name, b)
}

// remove kills what is in the group and removes it: the kernel lets go of it when the last process is no more.
func (g group) remove() error {
	limit := time.Now().Add(5 * time.Second)
	for {
		err := os.Remove(g.dir)
		if err == nil || errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) || time.Now().After(limit) {
			return err
		}
		b, _ := os.ReadFile(filepath.Join(g.dir, "cgroup.procs"))
		for _, field := range strings.Fields(string(b)) {
			if pid, err := strconv.Atoi(field); err == nil && pid > 0 {
				unix.Kill(pid, unix.SIGKILL)
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// sweepGroups removes the groups with names that mine accepts.
func sweepGroups(mine func(name string) bool) error {
	top, err := hierarchy()
	if err != nil {
		return nil // then none was made either
	}
	names, err := entries(top.dir)
	errs := []error{err}
	for _, name := range names {
		if mine(name) {
			errs = append(errs, group{filepath.Join(top.dir, name), top.v2}.remove())
		}
	}
	return errors.Join(errs...)
}
