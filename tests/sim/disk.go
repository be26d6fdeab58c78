package sim

import (
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/schedule"
	"github.com/gaplessdb/gapless/vfs"
)

// disk is the disk of one machine: a file system in memory, and what is wrong with it at the moment.
type disk struct {
	mu     sync.Mutex // protects all below; never held across an operation
	mem    *vfs.Mem
	armed  map[trouble]time.Duration // what the next fitting operation meets
	met    map[trouble]int           // how often it did
	onFail func(kind check.EventKind, file string, err error)
	calm   int                        // lookers from outside, whom no trouble meets
	dirty  bool                       // the log was told of an error since the disk was inserted
	copies map[time.Duration]*vfs.Mem // for rollbacks, by the time of the step
}

// trouble is one way in which an operation goes wrong.
type trouble string

const (
	failSync  trouble = "sync fails"              // once, of the log or the vote store
	dropSync  trouble = "sync fails and drops"    // likewise, and what was not synced is gone
	stallLog  trouble = "write to the log stalls" // once
	failRead  trouble = "reads fail"
	failWrite trouble = "changes fail"
	full      trouble = "no room"
)

func newDisk(onFail func(check.EventKind, string, error)) *disk {
	d := &disk{armed: map[trouble]time.Duration{}, copies: map[time.Duration]*vfs.Mem{}, met: map[trouble]int{}, onFail: onFail}
	d.insert(vfs.NewMem())
	return d
}

// insert puts another file system in.
func (d *disk) insert(mem *vfs.Mem) {
	d.mu.Lock()
	defer d.mu.Unlock()
	mem.Inject(d.meet)
	d.mem = mem
	d.dirty = false
}

func (d *disk) files() *vfs.Mem {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mem
}

// stop ends every operation from now on, for good, and returns what is left for the next process.
func (d *disk) stop(crash vfs.Crash) *vfs.Mem {
	mem := d.files()
	mem.CrashAt(mem.Ops())
	return mem.CrashClone(crash)
}

// arm lets the next fitting operation meet a trouble; d is how long a stall takes.
func (d *disk) arm(t trouble, long time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.armed[t] = long
}

// disarm ends a trouble.
func (d *disk) disarm(t trouble) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.armed, t)
}

// forget drops the copies: they are of another disk.
func (d *disk) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.copies)
}

// unreadable reports whether reads fail.
func (d *disk) unreadable() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, armed := d.armed[failRead]
	return armed
}

// times is how often something met a trouble since the start.
func (d *disk) times(of ...trouble) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range of {
		n += d.met[t]
	}
	return n
}

// meet is the hook of the file system.
func (d *disk) meet(op vfs.Op) error {
	vital := strings.HasPrefix(op.Name, "wal/") || strings.HasPrefix(op.Name, "raft.db")
	if vital && op.Kind == vfs.OpWrite {
		if d.failed() {
			d.onFail(check.WroteAfter, op.Name, nil)
		}
		if !strings.HasPrefix(op.Name, "wal/meta") { // which files there are is written beside the appends, and stalls none of them
			if long, hit := d.hit(stallLog, true); hit {
				time.Sleep(long)
			}
		}
	}
	err := d.answer(op, vital)
	if err != nil && vital && op.Kind.Changes() {
		d.fail(op, err)
	}
	return err
}

// look reads a small file, whatever is wrong with the disk.
func (d *disk) look(name string) ([]byte, error) {
	d.mu.Lock()
	mem := d.mem
	d.calm++
	d.mu.Unlock()
	b, err := vfs.ReadFile(mem, name, 1<<20)
	d.mu.Lock()
	d.calm--
	d.mu.Unlock()
	return b, err
}

// answer is the error that an operation gets, nil for none.
func (d *disk) answer(op vfs.Op, vital bool) error {
	if vital && op.Kind == vfs.OpSync {
		if _, hit := d.hit(failSync, true); hit {
			return syscall.EIO
		}
		if _, hit := d.hit(dropSync, true); hit {
			return vfs.DropOnSync()
		}
	}
	if op.Kind.Changes() {
		if _, hit := d.hit(failWrite, false); hit {
			return syscall.EIO
		}
	} else if _, hit := d.hit(failRead, false); hit {
		return syscall.EIO
	}
	if op.Kind.Allocates() {
		if _, hit := d.hit(full, false); hit {
			return syscall.ENOSPC
		}
	}
	return nil
}

// fail notes that the log or the vote store was told of an error.
func (d *disk) fail(op vfs.Op, err error) {
	d.mu.Lock()
	d.dirty = true
	d.mu.Unlock()
	d.onFail(check.SyncFailed, op.Name, err)
}

func (d *disk) failed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dirty
}

// hit reports whether a trouble is armed, and counts it. One that comes once is over with that.
func (d *disk) hit(t trouble, once bool) (time.Duration, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	long, armed := d.armed[t]
	if armed = armed && d.calm == 0; !armed {
		return 0, false
	}
	d.met[t]++
	if once {
		delete(d.armed, t)
	}
	return long, armed
}

// remember keeps a copy of the disk as it is now, for a step.
func (d *disk) remember(step schedule.Step) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.copies[step.At] = d.mem.CrashClone(vfs.Crash{})
}

// copy returns the copy that was taken for a step, nil for none.
func (d *disk) copy(step schedule.Step) *vfs.Mem {
	d.mu.Lock()
	defer d.mu.Unlock()
	if old := d.copies[step.At]; old != nil {
		return old.CrashClone(vfs.Crash{})
	}
	return nil
}
