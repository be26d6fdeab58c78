package gapless

import (
	"errors"
	"testing"

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
