//go:build linux

package faultfs

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

const childEnv = "FAULTFS_CHILD"

// children are the processes under test: what maps files, is killed, or holds locks must not be the process that serves the mount.
var children = map[string]func() error{
	"append": childAppend, "read": childRead, "map": childMap, "lock": childLock, "serve": childServe,
	"bolt-make": childBoltMake, "bolt-write": childBoltWrite, "bolt-check": childBoltCheck,
}

// child is one of them, running.
type child struct {
	t     testing.TB
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Scanner
	ended bool
}

func start(t testing.TB, name string, args ...string) *child {
	t.Helper()
	c := &child{t: t, cmd: exec.Command("/proc/self/exe", args...)}
	c.cmd.Env = append(os.Environ(), childEnv+"="+name)
	c.cmd.Stderr = os.Stderr
	in, err := c.cmd.StdinPipe()
	must(t, err)
	out, err := c.cmd.StdoutPipe()
	must(t, err)
	c.in, c.out = in, bufio.NewScanner(out)
	must(t, c.cmd.Start())
	t.Cleanup(func() { c.kill() })
	return c
}

// kill returns when the process has really ended.
func (c *child) kill() {
	if !c.ended {
		c.ended = true
		c.cmd.Process.Kill()
		c.cmd.Wait()
	}
}

// wait is for a process that ends by itself.
func (c *child) wait() error {
	c.ended = true
	c.in.Close()
	return c.cmd.Wait()
}

// line is the next thing that it says.
func (c *child) line() string {
	c.t.Helper()
	if !c.out.Scan() {
		c.t.Fatalf("the process said nothing more: %v", c.out.Err())
	}
	return c.out.Text()
}

func (c *child) say(line string) { fmt.Fprintln(c.in, line) }

// childAppend appends 4 KiB and syncs, and says what came of it, for each line that it is told.
func childAppend() error {
	f, err := os.OpenFile(os.Args[1], os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	for s := bufio.NewScanner(os.Stdin); s.Scan(); {
		if _, err := f.Write(make([]byte, pageSize)); err != nil {
			fmt.Println(err)
		} else if err := f.Sync(); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("ok")
		}
	}
	return nil
}

func childRead() error {
	_, err := os.ReadFile(os.Args[1])
	return err
}

// childMap maps a file: "r OFFSET" says the byte there, "d OFFSET" changes it to W, "w OFFSET" also syncs the mapping.
func childMap() error {
	f, err := os.OpenFile(os.Args[1], os.O_RDWR, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	m, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	fmt.Println("mapped")
	for s := bufio.NewScanner(os.Stdin); s.Scan(); {
		var what string
		var at int
		if _, err := fmt.Sscan(s.Text(), &what, &at); err != nil {
			return err
		}
		if what != "r" {
			m[at] = 'W'
		}
		if what == "w" {
			if err := unix.Msync(m, unix.MS_SYNC); err != nil {
				return err
			}
		}
		fmt.Printf("%c\n", m[at])
	}
	return nil
}

// childLock takes a lock and holds it.
func childLock() error {
	f, err := os.OpenFile(os.Args[1], os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		fmt.Println(err)
	} else {
		fmt.Println("locked")
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// childServe mounts, says so, and is killed.
func childServe() error {
	if _, err := New(Options{}).Mount(os.Args[1]); err != nil {
		return err
	}
	fmt.Println("mounted")
	select {}
}

var bucket = []byte("b")

func openBolt() (*bolt.DB, error) { return bolt.Open(os.Args[1], 0o644, nil) }

// childBoltMake makes a database and its name durable.
func childBoltMake() error {
	db, err := openBolt()
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket(bucket)
		return err
	})
	return errors.Join(err, db.Close(), tryDir(filepath.Dir(os.Args[1]), unix.Fsync))
}

// childBoltWrite writes one number a transaction, from the one after the last, and says each that was committed.
func childBoltWrite() error {
	db, err := openBolt()
	if err != nil {
		return err
	}
	next := uint64(0)
	err = db.View(func(tx *bolt.Tx) error {
		if k, _ := tx.Bucket(bucket).Cursor().Last(); k != nil {
			next = binary.BigEndian.Uint64(k) + 1
		}
		return nil
	})
	for ; err == nil; next++ {
		err = db.Update(func(tx *bolt.Tx) error {
			return tx.Bucket(bucket).Put(binary.BigEndian.AppendUint64(nil, next), []byte(strings.Repeat("v", int(next%3000))))
		})
		if err == nil {
			fmt.Println(next)
		}
	}
	return err
}

// childBoltCheck checks the whole database, and says how many numbers from 0 on it has.
func childBoltCheck() error {
	db, err := openBolt()
	if err != nil {
		return err
	}
	return db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			return err
		}
		n := uint64(0)
		err := tx.Bucket(bucket).ForEach(func(k, v []byte) error {
			if got := binary.BigEndian.Uint64(k); got != n || len(v) != int(n%3000) {
				return fmt.Errorf("entry %d has number %d and %d bytes", n, got, len(v))
			}
			n++
			return nil
		})
		fmt.Println(n)
		return err
	})
}
