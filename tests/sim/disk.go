package sim

import (
	"sync"
	"syscall"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/drive"
	"github.com/gaplessdb/gapless/vfs"
)

// disk is the disk of one machine: a file system in memory, and what is wrong with it at the moment.
type disk struct {
	mu     sync.Mutex // protects all below; never held across an operation
	mem    *vfs.Mem
	armed  map[drive.Trouble]time.Duration // what the next fitting operation meets
	met    map[drive.Trouble]int           // how often it did
	onFail func(kind check.EventKind, file string, err error)
	dirty  bool                       // the log was told of an error since the disk was inserted
	copies map[time.Duration]*vfs.Mem // for rollbacks, by the time of the step
}

func newDisk(onFail func(check.EventKind, string, error)) *disk {
	d := &disk{armed: map[drive.Trouble]time.Duration{}, copies: map[time.Duration]*vfs.Mem{}, met: map[drive.Trouble]int{}, onFail: onFail}
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

// Arm lets the next fitting operation meet a trouble; d is how long a stall takes.
func (d *disk) Arm(t drive.Trouble, long time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.armed[t] = long
}

// Disarm ends a trouble.
func (d *disk) Disarm(t drive.Trouble) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.armed, t)
}

// Look implements drive.Disk.
func (d *disk) Look() vfs.FS { return d.files().CrashClone(vfs.Crash{Kill: true}) }

// Flip implements drive.Disk.
func (d *disk) Flip(name string, offset int64, bit uint) (reads func() uint64, err error) {
	return nil, d.files().Flip(name, offset, bit)
}

// Empty implements drive.Disk.
func (d *disk) Empty() {
	d.insert(vfs.NewMem())
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.copies)
}

// Unreadable reports whether reads fail.
func (d *disk) Unreadable() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, armed := d.armed[drive.FailRead]
	return armed
}

// Times is how often something met a trouble since the start.
func (d *disk) Times(of ...drive.Trouble) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range of {
		n += d.met[t]
	}
	return n
}

// meet is the hook of the file system.
func (d *disk) meet(op vfs.Op) error {
	vital := drive.Vital(op.Name)
	if op.Kind == vfs.OpWrite {
		if vital && d.failed() {
			d.onFail(check.WroteAfter, op.Name, nil)
		}
		if drive.Appended(op.Name) {
			if long, hit := d.hit(drive.StallLog, true); hit {
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

// answer is the error that an operation gets, nil for none.
func (d *disk) answer(op vfs.Op, vital bool) error {
	if vital && op.Kind == vfs.OpSync {
		if _, hit := d.hit(drive.FailSync, true); hit {
			return syscall.EIO
		}
		if _, hit := d.hit(drive.DropSync, true); hit {
			return vfs.DropOnSync()
		}
	}
	if op.Kind.Changes() {
		if _, hit := d.hit(drive.FailWrite, false); hit {
			return syscall.EIO
		}
	} else if _, hit := d.hit(drive.FailRead, false); hit {
		return syscall.EIO
	}
	if op.Kind.Allocates() {
		if _, hit := d.hit(drive.Full, false); hit {
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
func (d *disk) hit(t drive.Trouble, once bool) (time.Duration, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	long, armed := d.armed[t]
	if !armed {
		return 0, false
	}
	d.met[t]++
	if once {
		delete(d.armed, t)
	}
	return long, armed
}

// Remember implements drive.Disk.
func (d *disk) Remember(key time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.copies[key] = d.mem.CrashClone(vfs.Crash{})
}

// Remembers implements drive.Disk.
func (d *disk) Remembers(key time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.copies[key] != nil
}

// PutBack implements drive.Disk.
func (d *disk) PutBack(key time.Duration) {
	d.mu.Lock()
	old := d.copies[key].CrashClone(vfs.Crash{})
	d.mu.Unlock()
	d.insert(old)
}
