//go:build linux

package faultfs

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// arriving is a matcher for one kind of operation, and a channel that has a path for each that came.
func arriving(op Op) (match func(string, Op) bool, came chan string) {
	came = make(chan string, 100)
	return func(path string, o Op) bool {
		if o == op {
			came <- path
		}
		return o == op
	}, came
}

func TestHangAndRelease(t *testing.T) {
	fs, dir := mounted(t, Options{})
	must(t, os.Mkdir(filepath.Join(dir, "wal"), 0o755))
	f := openFile(t, filepath.Join(dir, "wal", "1"), os.O_CREATE|os.O_RDWR)
	write(t, f, []byte("data"))
	match, came := arriving(Sync)
	fault := fs.Hang(match)
	done := make(chan error, 1)
	go func() { done <- f.Sync() }()
	if path := <-came; path != "wal/1" {
		t.Errorf("asked about %q", path)
	}
	create := openFile(t, filepath.Join(dir, "other"), os.O_CREATE|os.O_RDWR) // others go on
	write(t, create, []byte("x"))
	select {
	case err := <-done:
		t.Fatalf("the sync returned (%v) while it was held", err)
	default:
	}
	fault.Release()
	must(t, <-done)
	wantBites(t, fault, 1)
	fault.Release()
	must(t, f.Sync()) // nobody waits any more
	wantBites(t, fault, 1)
}

func TestKilledProcessEndsInAHungSync(t *testing.T) {
	for _, op := range []Op{Sync, Write, OpenWrite, Create, Read} {
		t.Run(string(op), func(t *testing.T) {
			fs, dir := mounted(t, Options{})
			path := filepath.Join(dir, "log")
			if op != Create {
				create(t, path, nil)
			}
			if op == Read {
				create(t, path, make([]byte, 1<<20))
				fs.Restore(fs.Snapshot()) // the kernel has it in its cache no more
			}
			match, came := arriving(op)
			fault := fs.Hang(match)
			c := start(t, map[bool]string{true: "read", false: "append"}[op == Read], path)
			c.say("go on")
			<-came
			must(t, c.cmd.Process.Signal(syscall.SIGCHLD)) // not deadly: it goes on waiting
			c.kill()
			if len(came) != 0 && op != Read { // of which the kernel sends several
				t.Errorf("%d more operations came", len(came))
			}
			fault.Release()
			if b, err := fs.ReadFile("log"); op == Write && (err != nil || len(b) != 0) {
				t.Errorf("the write that was given up left %d bytes, %v", len(b), err)
			}
		})
	}
}

// A page fault is held like a read, and ends like one.
func TestKilledProcessEndsInAHungPageFault(t *testing.T) {
	fs, dir := mounted(t, Options{})
	path := filepath.Join(dir, "db")
	create(t, path, make([]byte, 1<<20))
	fs.Restore(fs.Snapshot())
	c := start(t, "map", path)
	c.line()
	match, came := arriving(Read)
	defer fs.Hang(match).Release()
	c.say("r 5000")
	<-came
	c.kill()
}

// What a mapping has changed is written back while its process dies: that does not wait, or it could not die.
func TestKilledProcessWithAMappingEnds(t *testing.T) {
	fs, dir := mounted(t, Options{})
	create(t, filepath.Join(dir, "db"), make([]byte, pageSize))
	c := start(t, "map", filepath.Join(dir, "db"))
	c.line()
	c.say("d 0")
	c.line()
	match, _ := arriving(Write)
	defer fs.Hang(match).Release()
	c.kill()
	if b, err := fs.ReadFile("db"); err != nil || b[0] != 'W' {
		t.Errorf("the page was not written back: %q, %v", b[0], err)
	}
}

// A signal that does not kill ends no call: disks do not answer EINTR.
func TestSignalsDoNotInterrupt(t *testing.T) {
	fs, dir := mounted(t, Options{})
	match, came := arriving(Sync)
	fault := fs.Hang(match)
	c := start(t, "append", filepath.Join(dir, "log"))
	c.say("go on")
	<-came
	for range 20 {
		must(t, c.cmd.Process.Signal(syscall.SIGURG)) // the Go runtime has a handler for it
	}
	fault.Release()
	if said := c.line(); said != "ok" {
		t.Errorf("the process says %q", said)
	}
}

func TestSlow(t *testing.T) {
	fs, dir := mounted(t, Options{})
	f := openFile(t, filepath.Join(dir, "a"), os.O_CREATE|os.O_RDWR)
	match, came := arriving(Write)
	const d = 30 * time.Millisecond
	fault := fs.Slow(match, d)
	began := time.Now()
	write(t, f, []byte("x"))
	if took := time.Since(began); took < d {
		t.Errorf("the write took %v", took)
	}
	must(t, f.Sync())
	wantBites(t, fault, 1)
	fault.Clear()
	<-came
	slow := fs.Slow(match, time.Hour)
	done := make(chan error, 1)
	go func() { _, err := f.Write([]byte("y")); done <- err }()
	<-came
	slow.Clear() // lets go of who waits
	must(t, <-done)
	want(t, filepath.Join(dir, "a"), "xy")
}

func TestPowerCutEndsWhatWaits(t *testing.T) {
	fs, dir := mounted(t, Options{})
	f := openFile(t, filepath.Join(dir, "a"), os.O_CREATE|os.O_RDWR)
	match, came := arriving(Sync)
	defer fs.Hang(match).Release()
	done := make(chan error, 1)
	go func() { done <- f.Sync() }()
	<-came
	fs.PowerCut(Lose, nil)
	wantError(t, "sync", <-done, syscall.EIO)
}

func TestCloseEndsWhatWaits(t *testing.T) {
	fs, dir := mounted(t, Options{})
	other := t.TempDir()
	second := New(Options{})
	m, err := second.Mount(other)
	must(t, err)
	match, came := arriving(Sync)
	defer second.Hang(match).Release()
	c := start(t, "append", filepath.Join(other, "log"))
	c.say("go on")
	<-came
	must(t, m.Close()) // by force: the process has it open
	if said := c.line(); said == "ok" {
		t.Error("the process was told that its sync is done")
	}
	must(t, m.Close()) // once more does nothing
	wantNone(t, filepath.Join(other, "log"))
	m, err = second.Mount(other)
	must(t, err)
	want(t, filepath.Join(other, "log"), string(make([]byte, pageSize)))
	must(t, m.Close())
	if _, err := fs.Mount(dir); err == nil {
		t.Error("mounted twice")
	}
}
