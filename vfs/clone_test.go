package vfs

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestTornSectors(t *testing.T) {
	const size, from, to = 16 * sectorSize, 700, 5000 // starts and ends within a sector
	old, now := bytes.Repeat([]byte("o"), size), bytes.Repeat([]byte("n"), to-from)
	m := NewMem()
	write("f", string(old))(t, m)
	syncFile("f")(t, m)
	syncDirs(".")(t, m)
	writeAt("f", string(now), from)(t, m)

	var none, all, prefix, hole int
	for seed := range uint64(400) {
		got := get(m.CrashClone(Crash{Rand: newRand(seed)}), "f")
		pattern := ""
		for s := from / sectorSize; s*sectorSize < to; s++ {
			lo, hi := max(from, s*sectorSize), min(to, (s+1)*sectorSize)
			switch got[lo:hi] {
			case string(old[lo:hi]):
				pattern += "o"
			case string(now[lo-from : hi-from]):
				pattern += "n"
			default:
				t.Fatalf("seed %d: sector %d is torn within", seed, s)
			}
		}
		if got[:from] != string(old[:from]) || got[to:] != string(old[to:]) {
			t.Fatalf("seed %d: bytes outside of the write changed", seed)
		}
		switch {
		case !strings.Contains(pattern, "n"):
			none++
		case !strings.Contains(pattern, "o"):
			all++
		case !strings.Contains(pattern, "on"):
			prefix++
		default:
			hole++
		}
	}
	if none < 40 || all < 40 || prefix < 40 || hole < 40 {
		t.Errorf("of 400: %d nothing, %d whole, %d prefix, %d with holes: one case is too rare", none, all, prefix, hole)
	}
}

func TestCrashCloneIndependent(t *testing.T) {
	m := NewMem()
	m.SetCapacity(1 << 20)
	write("a", "one")(t, m)
	syncFile("a")(t, m)
	syncDirs(".")(t, m)
	lock, err := m.Lock("a")
	must(t, err)
	c := m.CrashClone(Crash{})
	write("a", "two")(t, m)
	write("b", "bbb")(t, c)
	if a, b := get(c, "a"), get(m, "b"); a != "one" || b != "absent" {
		t.Fatalf("clone has a=%s, original b=%s", a, b)
	}
	writeAt("a", "six", 0)(t, c)
	if a := get(m, "a"); a != "two" {
		t.Fatalf("a=%s", a)
	}
	if n, err := c.Free(); err != nil || n != 1<<20-6 {
		t.Fatalf("the clone has %d bytes free, %v", n, err)
	}
	if l, err := c.Lock("a"); err != nil {
		t.Fatalf("a lock survived the crash: %v", err)
	} else {
		must(t, l.Close())
	}
	must(t, lock.Close())
}

func TestWriteCopies(t *testing.T) {
	m := NewMem()
	f, err := m.Create("f")
	must(t, err)
	buf := []byte("written")
	must(t, second(f.WriteAt(buf, 0)))
	copy(buf, "garbage")
	must(t, f.Sync())
	must(t, m.SyncDir("."))
	if a, b := get(m, "f"), get(m.CrashClone(Crash{}), "f"); a != "written" || b != "written" {
		t.Errorf("reads %q, the disk has %q", a, b)
	}
}

func TestMovedNameNeedsOnlyItsTarget(t *testing.T) {
	m := NewMem()
	must(t, MakeDir(m, "d"))
	must(t, WriteFile(m, "a", []byte("x")))
	must(t, m.Rename("a", "d/a"))
	must(t, m.SyncDir("d"))
	gone := 0
	for seed := range uint64(1000) {
		if get(m.CrashClone(Crash{Rand: newRand(seed)}), "a") == "absent" {
			gone++
		}
	}
	if gone < 400 || gone > 600 {
		t.Errorf("the old name was gone %d times of 1000", gone)
	}
}

func TestCrashCloneDeterministic(t *testing.T) {
	m := NewMem()
	for i := range 20 {
		mkdir(fmt.Sprintf("d%d", i%5))(t, m)
		write(fmt.Sprintf("d%d/f%d", i%5, i), strings.Repeat("x", 3000))(t, m)
	}
	for seed := range uint64(20) {
		a := tree(m.CrashClone(Crash{Rand: newRand(seed)}))
		b := tree(m.CrashClone(Crash{Kill: true}).CrashClone(Crash{Rand: newRand(seed)}))
		if a != b {
			t.Fatalf("seed %d gives two outcomes", seed)
		}
	}
}

func TestCrashAt(t *testing.T) {
	m := NewMem()
	m.CrashAt(3)
	f, err := m.Create("a")
	must(t, err)
	_, err = f.WriteAt([]byte("x"), 0)
	must(t, err)
	must(t, f.Sync()) // the third and last one takes effect
	must(t, lastErr(m.CrashClone(Crash{Kill: true}).List(".")))
	_, size := f.Size()
	_, free := m.Free()
	_, open := m.Open("a")
	for name, err := range map[string]error{
		"sync": f.Sync(), "read": second(f.ReadAt(make([]byte, 1), 0)), "size": size, "free": free, "open": open,
		"sync directory": m.SyncDir("."),
	} {
		if !errors.Is(err, ErrCrashed) {
			t.Errorf("%s after the crash: %v", name, err)
		}
	}
	must(t, f.Close())
	if m.Ops() != 3 {
		t.Errorf("%d operations counted, want 3", m.Ops())
	}
	c := m.CrashClone(Crash{Kill: true})
	if got := get(c, "a"); got != "x" {
		t.Errorf("a=%q: the last operation before the crash had no effect", got)
	}
	dead := NewMem()
	dead.CrashAt(0)
	if err := dead.MkdirAll("d"); !errors.Is(err, ErrCrashed) {
		t.Errorf("CrashAt(0): %v", err)
	}
}

func lastErr(_ []string, err error) error { return err }
