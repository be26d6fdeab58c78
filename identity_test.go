package gapless

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/vfs"
)

func TestIdentity(t *testing.T) {
	dir := vfs.NewMem()
	first, err := loadIdentity(dir, "c", "n1")
	if err != nil {
		t.Fatal(err)
	}
	again, err := loadIdentity(dir, "c", "n1")
	if err != nil || again != first {
		t.Errorf("read back %+v, %v; want %+v", again, err, first)
	}
	if _, err := loadIdentity(dir, "c", "n2"); err == nil {
		t.Error("another node took the directory")
	}
	if _, err := loadIdentity(dir, "d", "n1"); err == nil {
		t.Error("another cluster took the directory")
	}
	wiped, err := loadIdentity(vfs.NewMem(), "c", "n1")
	if err != nil || wiped.Incarnation == first.Incarnation {
		t.Errorf("an empty directory gave incarnation %q again, %v", wiped.Incarnation, err)
	}
}

// TestIdentityDamage: with any bit flipped the identity is refused, or, where the bit says nothing, what it was.
func TestIdentityDamage(t *testing.T) {
	dir := vfs.NewMem()
	made, err := writeIdentity(dir, identity{Version: 2, Cluster: "c", ClusterID: "4f1c", Node: "n1", Incarnation: "8c37b284", Joined: true, Refused: "old"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := vfs.ReadFile(dir, identityFile, maxIdentityBytes)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for i := range len(b) * 8 {
		if err := dir.Flip(identityFile, int64(i/8), uint(i%8)); err != nil {
			t.Fatal(err)
		}
		if id, err := readIdentity(dir); err != nil {
			refused++
		} else if id != made {
			t.Errorf("bit %d of byte %d flipped (%q), and it is %+v", i%8, i/8, b[i/8], id)
		}
		if err := dir.Flip(identityFile, int64(i/8), uint(i%8)); err != nil {
			t.Fatal(err)
		}
	}
	if refused < len(b)*4 {
		t.Errorf("%d of %d flips were refused", refused, len(b)*8)
	}
}

func TestIdentityRefusesForeignDirectory(t *testing.T) {
	dir := vfs.NewMem()
	f, err := dir.Create("holiday.jpg")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := loadIdentity(dir, "c", "n1"); err == nil {
		t.Error("a directory with other files was taken")
	}
}

// identityLife is what becomes of an identity file in one process after the other.
type identityLife struct {
	before, after identity // what was answered last, and what is asked for; zero: nothing
}

func (l *identityLife) run(dir vfs.FS) error {
	*l = identityLife{}
	for _, change := range []func(*identity){
		func(id *identity) { id.Joined = true },
		func(id *identity) { id.ClusterID = "4f1c" },
		func(id *identity) { id.Refused = "behind its note" },
	} {
		id, err := loadIdentity(dir, "c", "n1")
		if err != nil {
			return err
		}
		l.before, l.after = id, id
		change(&l.after)
		if err := (&Node{dir: dir, id: id}).amendIdentity(change); err != nil {
			return err
		}
		l.before = l.after
	}
	return nil
}

// check wants the identity that was answered, or the one asked for, and that what it read stays.
func (l *identityLife) check(dir vfs.FS) error {
	found, err := loadIdentity(dir, "c", "n1")
	if err != nil {
		return err
	}
	l.before.CRC, l.after.CRC = l.before.checksum(), l.after.checksum()
	if l.before.Version > 0 && found != l.before && found != l.after {
		return fmt.Errorf("the identity is %+v, answered was %+v, asked for %+v", found, l.before, l.after)
	}
	again, err := loadIdentity(dir.(*vfs.Mem).CrashClone(vfs.Crash{}), "c", "n1")
	if err == nil && again != found {
		err = fmt.Errorf("the identity was read as %+v, and after a power loss it is %+v", found, again)
	}
	return err
}

func TestIdentityOnASickDisk(t *testing.T) {
	l := new(identityLife)
	trial := vfs.Trial{Workload: l.run, Check: l.check, Recovery: 100}
	t.Run("crash", func(t *testing.T) { vfs.EachCrash(t, trial) })
	t.Run("fault", func(t *testing.T) { vfs.EachFault(t, trial) })
	t.Run("stall", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { vfs.EachStall(t, trial, time.Minute) })
	})
}

// TestIdentityV1: an identity of release 0.1 is read and upgraded in place.
func TestIdentityV1(t *testing.T) {
	old, err := os.ReadFile("testdata/identity/v1.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := vfs.NewMem()
	if err := vfs.WriteFile(dir, identityFile, old); err != nil {
		t.Fatal(err)
	}
	want := identity{Version: 2, Cluster: "mill", Node: "n1", Incarnation: "8c37b284", Joined: true}
	for range 2 {
		id, err := loadIdentity(dir, "mill", "n1")
		want.CRC = id.CRC
		if err != nil || id != want {
			t.Fatalf("read %+v, %v; want %+v", id, err, want)
		}
	}
	damaged := bytes.Replace(old, []byte(`true`), []byte(`null`), 1)
	if err := vfs.WriteFile(dir, identityFile, damaged); err != nil {
		t.Fatal(err)
	}
	if _, err := loadIdentity(dir, "mill", "n1"); !errors.Is(err, errBadIdentity) {
		t.Errorf("a damaged identity of version 1: %v", err)
	}
}

// TestIdentityOfANewerRelease is refused, not rewritten.
func TestIdentityOfANewerRelease(t *testing.T) {
	dir := vfs.NewMem()
	if _, err := writeIdentity(dir, identity{Version: identityVersion + 1, Cluster: "c", Node: "n1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := loadIdentity(dir, "c", "n1"); err == nil || !strings.Contains(err.Error(), "upgrade") {
		t.Errorf("%v", err)
	}
}

func TestLogLost(t *testing.T) {
	joined := identity{Node: "n1", Joined: true}
	none, end := raftfsm.LogEnd{}, raftfsm.LogEnd{Term: 2, Index: 10}
	for _, tc := range []struct {
		name string
		id   identity
		end  raftfsm.LogEnd
		term uint64
		lost bool
	}{
		{"new", identity{Node: "n1"}, none, 0, false},
		{"as it was", joined, end, 2, false},
		{"the log is gone", joined, none, 2, true},
		{"the votes are gone", joined, end, 0, true},
		{"the votes are an older copy", joined, end, 1, true},
		{"voted, and never stored anything", identity{Node: "n1"}, none, 5, false},
	} {
		if err := logLost(tc.id, tc.end, tc.term); (err != nil) != tc.lost {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}
