//go:build linux

package faultfs

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"syscall"
	"time"
)

// maxEvents bounds Events; what comes later is counted only.
const maxEvents = 4096

// Event is a change that the disk refused, or a write or sync after one.
type Event struct {
	At   time.Time
	Op   Op
	Path string
	Err  error // nil: it succeeded
}

func (e Event) String() string {
	if e.Err == nil {
		return fmt.Sprintf("%s /%s", e.Op, e.Path)
	}
	return fmt.Sprintf("%s /%s: %v", e.Op, e.Path, e.Err)
}

// events is the list; all under FS.mu.
type events struct {
	list    []Event
	more    uint64
	running bool // a change by this process was refused
}

// Events is what happened from the first refused change of each process on, in order. More is how many were left off.
func (fs *FS) Events() (list []Event, more uint64) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return slices.Clone(fs.events.list), fs.events.more
}

// NewProcess says that what comes is done by a process that saw no change refused. PowerCut, Restore, Wipe and Swap imply it.
func (fs *FS) NewProcess() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.events.running = false
}

// note records an operation that was carried out or failed. It holds mu.
func (fs *FS) note(r *request, i *inode, err error) {
	e := &fs.events
	refused := r.op.changes() && sick(err)
	e.running = e.running || refused
	if !e.running || !refused && !r.op.logged() {
		return
	}
	if len(e.list) == maxEvents {
		e.more++
		return
	}
	e.list = append(e.list, Event{At: time.Now(), Op: r.op, Path: path.Join(i.path(), r.name), Err: err})
}

// sick tells errors of a disk from those that a sound one gives, such as a name that is not there.
func sick(err error) bool {
	return errors.Is(err, syscall.EIO) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EROFS)
}
