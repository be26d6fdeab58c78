package sign

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

const keyFile = "keys/node.key"

func keyDir(t *testing.T) vfs.FS {
	t.Helper()
	m := vfs.NewMem()
	if err := vfs.MakeDir(m, "keys"); err != nil {
		t.Fatal(err)
	}
	return m
}

// loadOrMake reads a node's key, and makes one at its first start, as nodes do. made says which.
func loadOrMake(fsys vfs.FS, name string, rand io.Reader) (k Key, made bool, err error) {
	if k, err = Load(fsys, name); !errors.Is(err, fs.ErrNotExist) {
		return k, false, err
	}
	if k, err = Generate(rand); err == nil {
		err = k.Save(fsys, name)
	}
	return k, err == nil, err
}

func TestKeyFileIsMadeOnce(t *testing.T) {
	dir := keyDir(t)
	k, made, err := loadOrMake(dir, keyFile, rand.Reader)
	if err != nil || !made {
		t.Fatal(made, err)
	}
	again, made, err := loadOrMake(dir, keyFile, rand.Reader)
	if err != nil || made || !again.Public().Equal(k.Public()) {
		t.Fatalf("second start: made %v, %v", made, err)
	}
	if err := keyOf(t, "other").Save(dir, keyFile); !errors.Is(err, fs.ErrExist) {
		t.Errorf("saving over a key: %v", err)
	}
	if got, err := Load(dir, keyFile); err != nil || !got.Public().Equal(k.Public()) {
		t.Errorf("the key changed: %v", err)
	}
	if err := k.Save(dir, "keys/node.pem"); err == nil {
		t.Error("saved under a name that others may read")
	}
	if err := (Key{}).Save(dir, "keys/no.key"); err == nil {
		t.Error("saved no key")
	}
	if _, _, err := loadOrMake(dir, "keys/short.key", strings.NewReader("short")); err == nil {
		t.Error("made a key of five bytes")
	}
	if _, err := Load(dir, "keys/short.key"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("left something behind: %v", err)
	}
}

// Only the owner may read a key, whatever the umask lets others do.
func TestKeyFileIsTheOwners(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes here")
	}
	root := t.TempDir()
	dir, err := vfs.OS(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := keyOf(t, "k").Save(dir, "node.key"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(root, "node.key"))
	if err != nil || info.Mode().Perm()&0o177 != 0 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// A damaged key file is an error that says what to do and shows nothing of the seed; it stays as it is, and no key is made.
func TestDamagedKeyFile(t *testing.T) {
	whole := keyOf(t, "k").file()
	var broken [][]byte
	for i := range whole {
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1
		broken = append(broken, flipped, whole[:i])
	}
	broken = append(broken, append(bytes.Clone(whole), '\n'), bytes.Repeat([]byte("x"), 100), make([]byte, len(whole)))
	for _, b := range broken {
		dir := keyDir(t)
		if err := vfs.WriteFile(dir, keyFile, b); err != nil {
			t.Fatal(err)
		}
		_, made, err := loadOrMake(dir, keyFile, rand.Reader)
		var damaged *KeyFileError
		if made || !errors.As(err, &damaged) || damaged.Path != keyFile || !strings.Contains(err.Error(), "restore it from a copy") {
			t.Fatalf("%q: made %v, %v", b, made, err)
		}
		if seed := string(whole[len(keyMagic)+6:][:20]); strings.Contains(err.Error(), seed) {
			t.Fatalf("the error shows the seed: %v", err)
		}
		if left, err := vfs.ReadFile(dir, keyFile, 1<<20); err != nil || !bytes.Equal(left, b) {
			t.Fatalf("%q became %q, %v", b, left, err)
		}
	}
}

func TestKeyFileSurvivesCrashes(t *testing.T) {
	vfs.EachCrash(t, keyTrial(t))
}

func TestKeyFileSurvivesFaults(t *testing.T) {
	vfs.EachFault(t, keyTrial(t))
}

// keyTrial starts a node for the first time. What it told others of its key holds after any crash; where it told nothing, the next start
// works, and what that uses is not lost by the next power loss.
func keyTrial(t *testing.T) vfs.Trial {
	k := keyOf(t, "trial")
	told := false
	return vfs.Trial{
		Workload: func(fsys vfs.FS) error {
			told = false
			if err := vfs.MakeDir(fsys, "keys"); err != nil {
				return err
			}
			got, _, err := loadOrMake(fsys, keyFile, bytes.NewReader(k.private.Seed()))
			told = err == nil && got.Public().Equal(k.Public())
			return err
		},
		Check: func(fsys vfs.FS) error {
			if err := vfs.MakeDir(fsys, "keys"); err != nil {
				return err
			}
			got, made, err := loadOrMake(fsys, keyFile, rand.Reader)
			if err != nil {
				return err
			}
			if told && (made || !got.Public().Equal(k.Public())) {
				return fmt.Errorf("the key that was in use is gone")
			}
			left, err := Load(fsys.(*vfs.Mem).CrashClone(vfs.Crash{}), keyFile)
			if err != nil || !left.Public().Equal(got.Public()) {
				return fmt.Errorf("the key that is used now does not survive: %w", err)
			}
			return nil
		},
		Recovery: 20,
	}
}
