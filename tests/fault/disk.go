//go:build linux

package fault

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/drive"
	"github.com/gaplessdb/gapless/tests/fault/faultfs"
	"github.com/gaplessdb/gapless/vfs"
)

// diskBytes is the room on a disk.
const diskBytes = 2 << 30

// disk is the disk of one computer.
type disk struct {
	w     *world
	name  string // of the computer
	fs    *faultfs.FS
	votes *votes

	mu     sync.Mutex // protects all below
	armed  map[drive.Trouble]*faultfs.Fault
	met    map[drive.Trouble]int // by faults that were taken away
	sick   time.Time             // when reads last failed
	copies map[time.Duration]*faultfs.Image
	told   int // events that the history has
}

func newDisk(w *world, name string) *disk {
	d := &disk{w: w, name: name, armed: map[drive.Trouble]*faultfs.Fault{}, met: map[drive.Trouble]int{}, copies: map[time.Duration]*faultfs.Image{}}
	d.fs = faultfs.New(faultfs.Options{SizeBytes: diskBytes})
	d.votes = &votes{disk: d}
	w.Go(d.votes.watch)
	return d
}

// Arm implements drive.Disk.
func (d *disk) Arm(t drive.Trouble, long time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var f *faultfs.Fault
	switch t {
	case drive.FailSync, drive.DropSync:
		f = d.fs.SyncErrorOf(func(path string, _ faultfs.Op) bool { return drive.Vital(path) }, 1, t == drive.DropSync)
	case drive.StallLog:
		f = d.fs.Slow(once(func(path string, op faultfs.Op) bool {
			return op == faultfs.Write && drive.Appended(path)
		}), long)
	case drive.FailRead:
		f = d.fs.IOError(true, false)
	case drive.FailWrite:
		f = d.fs.IOError(false, true)
	case drive.Full:
		f = d.fs.Full()
	case drive.SlowAll:
		f = d.fs.Slow(anything, long)
	case drive.HangAll:
		f = d.fs.Hang(anything)
	}
	d.armed[t] = f
}

func anything(string, faultfs.Op) bool { return true }

// once matches the first time only.
func once(match func(string, faultfs.Op) bool) func(string, faultfs.Op) bool {
	var mu sync.Mutex
	done := false
	return func(path string, op faultfs.Op) bool {
		mu.Lock()
		defer mu.Unlock()
		matched := !done && match(path, op)
		done = done || matched
		return matched
	}
}

// Disarm implements drive.Disk.
func (d *disk) Disarm(t drive.Trouble) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.armed[t]; f != nil {
		f.Clear()
		if t == drive.FailRead {
			d.sick = time.Now()
		}
		d.met[t] += int(f.Bites())
		delete(d.armed, t)
	}
}

// Times implements drive.Disk.
func (d *disk) Times(of ...drive.Trouble) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range of {
		n += d.met[t]
		if f := d.armed[t]; f != nil {
			n += int(f.Bites())
		}
	}
	return n
}

// Unreadable implements drive.Disk. What a node says of its reads arrives a little later than they failed.
func (d *disk) Unreadable() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.armed[drive.FailRead] != nil || time.Since(d.sick) < deathRattle
}

// Look implements drive.Disk.
func (d *disk) Look() vfs.FS { return look{d.fs} }

// Flip implements drive.Disk.
func (d *disk) Flip(name string, offset int64, bit uint) (reads func() uint64, err error) {
	defer d.votes.forget()
	f, err := d.fs.Flip(name, offset, bit)
	if err != nil {
		return nil, err
	}
	return f.Bites, nil
}

// Empty implements drive.Disk.
func (d *disk) Empty() {
	defer d.votes.begin()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fs.Wipe()
	clear(d.copies)
}

// Remember implements drive.Disk.
func (d *disk) Remember(key time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.copies[key] = d.fs.Snapshot()
}

// Remembers implements drive.Disk.
func (d *disk) Remembers(key time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.copies[key] != nil
}

// PutBack implements drive.Disk.
func (d *disk) PutBack(key time.Duration) {
	defer d.votes.forget()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fs.Restore(d.copies[key])
}

// Swap implements drive.Swapper.
func (d *disk) Swap(with drive.Disk) {
	other := with.(*disk)
	faultfs.Swap(d.fs, other.fs)
	d.votes.forget()
	other.votes.forget()
}

// ended says how the process on this disk ended, and tells the history what it was refused.
func (d *disk) ended(how drive.Crash) {
	switch {
	case how.Kill:
		d.fs.NewProcess()
	case how.Rand != nil:
		lost := d.fs.PowerCut(faultfs.Torn, rand.New(rand.NewPCG(how.Rand.Uint64(), how.Rand.Uint64())))
		d.w.Note(d.name, lost.String())
	default:
		d.w.Note(d.name, d.fs.PowerCut(faultfs.Lose, nil).String())
	}
	d.tell()
}

// tell adds to the history what happened since the last time.
func (d *disk) tell() {
	list, more := d.fs.Events()
	if more > 0 {
		d.w.Violate("harness", fmt.Sprintf("%s: %d events of the disk were not kept", d.name, more))
	}
	d.mu.Lock()
	fresh := list[min(d.told, len(list)):]
	d.told = len(list)
	d.mu.Unlock()
	failed := map[string]bool{}
	for _, e := range fresh {
		failed[e.Path] = failed[e.Path] || e.Err != nil
		if !drive.Vital(e.Path) || !failed[e.Path] { // beside a file that failed, others may be written until the process has ended
			continue
		}
		event := check.Event{At: d.w.Now() - time.Since(e.At), Kind: check.WroteAfter, File: e.Path, Text: e.String()}
		if e.Err != nil {
			event.Kind, event.Text = check.SyncFailed, fmt.Sprint(e.Err)
		}
		d.w.Event(d.name, event)
	}
}
