package gapless

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

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

func TestIdentityDamage(t *testing.T) {
	dir := vfs.NewMem()
	if _, err := loadIdentity(dir, "c", "n1"); err != nil {
		t.Fatal(err)
	}
	f, err := dir.OpenReadWrite(identityFile)
	if err != nil {
		t.Fatal(err)
	}
	size, _ := f.Size()
	b := make([]byte, size)
	f.ReadAt(b, 0)
	for i := range b {
		bad := b[i] ^ 0x01
		f.WriteAt([]byte{bad}, int64(i))
		if id, err := readIdentity(dir); err == nil && id.checksum() != id.CRC {
			t.Errorf("byte %d damaged and not noticed: %+v", i, id)
		}
		f.WriteAt(b[i:i+1], int64(i))
	}
	f.Close()
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

func TestIdentitySurvivesCrash(t *testing.T) {
	for k := 1; k < 12; k++ {
		dir := vfs.NewMem()
		dir.CrashAt(k)
		made, err := loadIdentity(dir, "c", "n1")
		found, again := loadIdentity(dir.CrashClone(vfs.Crash{}), "c", "n1")
		if again != nil {
			t.Errorf("crash at operation %d: the directory cannot be opened any more: %v", k, again)
		}
		if err == nil && found != made {
			t.Errorf("crash at operation %d: identity %+v was promised, %+v found", k, made, found)
		}
		if err != nil && !errors.Is(err, vfs.ErrCrashed) {
			t.Errorf("crash at operation %d: %v", k, err)
		}
	}
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
