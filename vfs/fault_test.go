package vfs

import (
	"errors"
	"strings"
	"syscall"
	"testing"
)

// TestFailEach: every kind of operation can be failed, says so with its name and the cause, and has no effect.
func TestFailEach(t *testing.T) {
	if len(everyKind) != len(kindNames)-1 {
		t.Fatalf("%d kinds tested of %d", len(everyKind), len(kindNames)-1)
	}
	for _, test := range everyKind {
		t.Run(test.kind.String(), func(t *testing.T) {
			x := newFsFile(t)
			m := x.m
			seen, kept := tree(m), tree(m.CrashClone(Crash{}))
			var ops []Op
			m.Inject(func(op Op) error {
				ops = append(ops, op)
				return syscall.EIO
			})
			err := test.do(x)
			m.Inject(nil)
			if !errors.Is(err, syscall.EIO) || !strings.HasPrefix(err.Error(), "vfs: "+test.kind.String()) {
				t.Errorf("got error %v", err)
			}
			if len(ops) != 1 || ops[0].Kind != test.kind || ops[0].N < 3 || ops[0].Name == "" {
				t.Errorf("the hook saw %v", ops)
			}
			if now := tree(m); now != seen {
				t.Errorf("the failed operation left %q, before it was %q", now, seen)
			}
			if now := tree(m.CrashClone(Crash{})); now != kept {
				t.Errorf("the failed operation made durable %q", now)
			}
			must(t, test.do(x))
		})
	}
}

func onDisk(m *Mem, name string) string  { return get(m.CrashClone(Crash{}), name) }
func hook(m *Mem, h func(Op) error) *Mem { m.Inject(h); return m }
func open(t *testing.T, m *Mem, n string) File {
	t.Helper()
	f, err := m.OpenReadWrite(n)
	must(t, err)
	return f
}

// durable returns a Mem that holds file f with the given contents, synced.
func durable(t *testing.T, data string) *Mem {
	t.Helper()
	m := NewMem()
	must(t, WriteFile(m, "f", []byte(data)))
	return m
}

func TestShortWrite(t *testing.T) {
	m := durable(t, "old")
	f := open(t, hook(m, FailNth(OpWrite, 1, ShortWrite(2, syscall.ENOSPC))), "f")
	n, err := f.WriteAt([]byte("NEW"), 0)
	if n != 2 || !errors.Is(err, syscall.ENOSPC) || get(m, "f") != "NEd" {
		t.Errorf("wrote %d, %v, file is %q", n, err, get(m, "f"))
	}
	must(t, second(f.WriteAt([]byte("NEW"), 0)))

	m.Inject(FailNth(OpPreallocate, 1, ShortWrite(2, nil)))
	if err := f.Preallocate(3); !errors.Is(err, syscall.EIO) || get(m, "f") != "\x00\x00W" {
		t.Errorf("preallocate: %v, file is %q", err, get(m, "f"))
	}
}

// TestDropOnSync is the textbook case: first fsync EIO, second fine, reads see the new bytes, the disk keeps the old ones.
func TestDropOnSync(t *testing.T) {
	m := durable(t, "old")
	f := open(t, hook(m, FailNth(OpSync, 1, DropOnSync())), "f")
	must(t, second(f.WriteAt([]byte("NEW"), 0)))
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("first sync: %v", err)
	}
	must(t, f.Sync())
	must(t, second(f.WriteAt([]byte("!"), 3)))
	must(t, f.Sync())
	if get(m, "f") != "NEW!" {
		t.Errorf("the process reads %q", get(m, "f"))
	}
	for seed := range uint64(20) {
		if got := get(m.CrashClone(Crash{Rand: newRand(seed)}), "f"); got != "old!" {
			t.Fatalf("seed %d: the disk has %q", seed, got)
		}
	}
	kill := m.CrashClone(Crash{Kill: true})
	if get(kill, "f") != "NEW!" || onDisk(kill, "f") != "old!" {
		t.Errorf("next process reads %q, and after a power loss %q", get(kill, "f"), onDisk(kill, "f"))
	}
}

// TestFailedSync: one that drops nothing leaves the data unsynced, so a later one can still help.
func TestFailedSync(t *testing.T) {
	m := durable(t, "old")
	f := open(t, hook(m, FailNth(OpSync, 1, syscall.EIO)), "f")
	must(t, second(f.WriteAt([]byte("NEW"), 0)))
	if err := f.Sync(); err == nil || onDisk(m, "f") != "old" {
		t.Errorf("failed sync: %v, the disk has %q", err, onDisk(m, "f"))
	}
	must(t, f.Sync())
	if got := onDisk(m, "f"); got != "NEW" {
		t.Errorf("the disk has %q", got)
	}
}

func TestLyingSync(t *testing.T) {
	m := durable(t, "old")
	f := open(t, hook(m, FailKind(OpSync, LyingSync())), "f")
	must(t, second(f.WriteAt([]byte("NEW"), 0)))
	must(t, f.Sync())
	if got := onDisk(m, "f"); got != "old" {
		t.Errorf("a lying sync kept %q", got)
	}
	m.Inject(FailKind(OpSyncDir, LyingSync()))
	must(t, m.Rename("f", "g"))
	must(t, m.SyncDir("."))
	if got := onDisk(m, "g"); got != "absent" {
		t.Errorf("a lying SyncDir kept %q", got)
	}
	m.Inject(FailKind(OpRead, LyingSync()))
	if err := second(f.ReadAt(make([]byte, 1), 0)); !errors.Is(err, syscall.EIO) {
		t.Errorf("a fault that means nothing for the operation: %v", err)
	}
}

func TestFailFrom(t *testing.T) {
	m := hook(NewMem(), FailFrom(2, syscall.EROFS))
	must(t, m.MkdirAll("a"))
	for range 2 {
		if err := m.MkdirAll("a"); !errors.Is(err, syscall.EROFS) {
			t.Errorf("got %v", err)
		}
	}
	m = hook(NewMem(), FailAt(2, syscall.EROFS))
	must(t, m.MkdirAll("a"))
	if err := m.MkdirAll("a"); !errors.Is(err, syscall.EROFS) {
		t.Errorf("got %v", err)
	}
	must(t, m.MkdirAll("a"))
}

func TestCapacity(t *testing.T) {
	m := NewMem()
	m.SetCapacity(10)
	f, err := m.Create("f")
	must(t, err)
	left := func(want int64) {
		t.Helper()
		if n, err := m.Free(); err != nil || n != want {
			t.Fatalf("%d bytes free, %v, want %d", n, err, want)
		}
	}
	if n, err := f.WriteAt([]byte("0123456789ab"), 0); n != 10 || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("wrote %d, %v", n, err)
	}
	left(0)
	must(t, second(f.WriteAt([]byte("x"), 9))) // in place
	if n, err := f.WriteAt([]byte("x"), 20); n != 0 || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("wrote %d beyond the end, %v", n, err)
	}
	if err := f.Truncate(11); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("truncate: %v", err)
	}
	must(t, f.Truncate(4))
	left(6)
	if err := f.Preallocate(11); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("preallocate: %v", err)
	}
	left(0)
	must(t, f.Truncate(4))
	must(t, m.Remove("f"))
	left(6) // the handle still holds it
	must(t, f.Close())
	left(10)
	create(t, m, "a", "12345")
	create(t, m, "b", "1234")
	left(1)
	must(t, m.Rename("a", "b"))
	left(5)
	must(t, m.SyncDir("."))
	create(t, m, "c", "12")
	must(t, m.Remove("c"))
	left(5)
	if n, _ := m.CrashClone(Crash{}).Free(); n != 10 {
		t.Errorf("the clone of an empty file has %d bytes free", n)
	}
	if n, _ := m.CrashClone(Crash{Kill: true}).Free(); n != 5 {
		t.Errorf("the clone of a full file has %d bytes free", n)
	}
	m.SetCapacity(2)
	left(0)
	m.SetCapacity(-1)
	left(unlimited)
}

// TestStall: a hook can hold an operation on a clock or a channel, and others go on meanwhile.
// TestStallIntoCrash: what stalls while the machine dies has no effect and is not acknowledged.
func TestFlip(t *testing.T) {
	m := durable(t, "old")
	must(t, m.Flip("f", 1, 0)) // l -> m
	if get(m, "f") != "omd" || onDisk(m, "f") != "omd" {
		t.Errorf("reads %q, the disk has %q", get(m, "f"), onDisk(m, "f"))
	}
	f := open(t, m, "f")
	must(t, second(f.WriteAt([]byte("NEWER"), 0)))
	must(t, m.Flip("f", 0, 5)) // N -> n
	if get(m, "f") != "nEWER" {
		t.Errorf("reads %q", get(m, "f"))
	}
	must(t, m.Flip("f", 4, 5))
	must(t, f.Sync())
	if got := onDisk(m, "f"); got != "nEWEr" {
		t.Errorf("a sync healed the disk: %q", got)
	}
	must(t, second(f.WriteAt([]byte("N"), 0)))
	must(t, f.Sync())
	if got := onDisk(m, "f"); got != "NEWEr" {
		t.Errorf("an overwritten sector stays bad: %q", got)
	}
	for _, err := range []error{m.Flip("f", 5, 0), m.Flip("f", -1, 0), m.Flip("f", 0, 8), m.Flip("no", 0, 0), m.Flip(".", 0, 0)} {
		if err == nil {
			t.Error("flipped a bit that is not there")
		}
	}
}

func TestOpString(t *testing.T) {
	for want, op := range map[string]Op{
		"op 7: write d/f [512,+300)":  {Kind: OpWrite, Name: "d/f", Offset: 512, Len: 300, N: 7},
		"op 1: rename a to b":         {Kind: OpRename, Name: "a", To: "b", N: 1},
		"op 2: truncate f to 9 bytes": {Kind: OpTruncate, Name: "f", Offset: 9, N: 2},
		"op 3: preallocate f 9 bytes": {Kind: OpPreallocate, Name: "f", Len: 9, N: 3},
		"op 4: sync directory .":      {Kind: OpSyncDir, Name: ".", N: 4},
		"op 5: Kind(99) f":            {Kind: 99, Name: "f", N: 5},
	} {
		if got := op.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestMemString(t *testing.T) {
	m := durable(t, "old")
	must(t, m.MkdirAll("d"))
	create(t, m, "d/g", "xy")
	must(t, second(open(t, m, "f").WriteAt([]byte("longer"), 0)))
	want := "  d/, name not durable\n  d/g: 2 bytes, name not durable, 1 unsynced changes over 0 durable bytes\n" +
		"  f: 6 bytes, 1 unsynced changes over 3 durable bytes\n"
	if got := m.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := NewMem().String(); got != "  (nothing)\n" {
		t.Errorf("got %q", got)
	}
}

// TestConcurrent is for the race detector: clones are taken and read while everybody writes.
