package vfs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestMemIsLikeOS: whatever a program does, Mem answers as the real file system does: same success or failure, same bytes.
func TestMemIsLikeOS(t *testing.T) {
	base := t.TempDir()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		real, err := OS(filepath.Join(base, fmt.Sprint(run)))
		must(t, err)
		mem := NewMem()
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			do := drawOperation(rt)
			want, got := do(real), do(mem)
			if got != want {
				rt.Fatalf("Mem answers %s, OS %s", got, want)
			}
		}
		must(t, os.RemoveAll(filepath.Join(base, fmt.Sprint(run))))
	})
}

// TestSyncedSurvives: what was wholly synced is there after any crash, and a crash of a crash clone changes nothing.
func TestSyncedSurvives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := NewMem()
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			drawOperation(rt)(m)
		}
		if rapid.Bool().Draw(rt, "killed") {
			m = m.CrashClone(Crash{Kill: true})
		}
		torn := m.CrashClone(Crash{Rand: newRand(rapid.Uint64().Draw(rt, "seed"))})
		if a, b := tree(torn), tree(torn.CrashClone(Crash{})); a != b {
			rt.Fatalf("clone %q lost something in a second crash: %q", a, b)
		}
		for _, d := range []string{".", "a", "b", "a/a", "a/b", "b/a", "b/b"} {
			_ = m.SyncDir(d)
			names, _ := m.List(d)
			for _, n := range names {
				if f, err := m.Open(d + "/" + n); err == nil {
					must(t, f.Sync())
					must(t, f.Close())
				}
			}
		}
		if a, b := tree(m), tree(m.CrashClone(Crash{})); a != b {
			rt.Fatalf("synced %q, survived %q", a, b)
		}
	})
}

// TestImage holds image to a plain byte slice.
func TestImage(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var im image
		var model []byte
		grow := func(n int) {
			if n > len(model) {
				model = append(model, make([]byte, n-len(model))...)
			}
		}
		var clones []image
		var models [][]byte
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			off, n := rapid.IntRange(0, 3*pageSize).Draw(rt, "off"), rapid.IntRange(1, 2*pageSize).Draw(rt, "n")
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				data := bytes.Repeat([]byte{rapid.Byte().Draw(rt, "fill")}, n)
				im.writeAt(data, int64(off))
				grow(off + n)
				copy(model[off:], data)
			case 1:
				im.zero(int64(off), int64(n))
				grow(off + n)
				clear(model[off : off+n])
			case 2:
				im.truncate(int64(off))
				grow(off)
				model = model[:off:off]
			case 3:
				clones, models = append(clones, im.clone()), append(models, bytes.Clone(model))
			}
		}
		for i, c := range append(clones, im) {
			want := append(models, model)[i]
			got := make([]byte, len(want)+10)
			if n := c.readAt(got, 0); int64(n) != c.size || !bytes.Equal(got[:n], want) {
				rt.Fatalf("image %d of %d differs: %d bytes, want %d", i, len(clones), n, len(want))
			}
		}
	})
}

// drawOperation picks something to do; the result describes what came of it.
func drawOperation(rt *rapid.T) func(FS) string {
	name := rapid.SampledFrom([]string{"a", "b", "a/a", "a/b", "b/a", "b/b"}).Draw(rt, "name")
	to := rapid.SampledFrom([]string{"a", "b", "a/a", "a/b", "b/a", "b/b"}).Draw(rt, "to")
	off, n := rapid.Int64Range(0, 9000).Draw(rt, "off"), rapid.IntRange(0, 5000).Draw(rt, "n")
	onFile := func(do func(File) error) func(FS) string {
		return func(fsys FS) string {
			f, err := fsys.OpenReadWrite(name)
			if err != nil {
				return "cannot open " + name
			}
			defer f.Close()
			err = do(f)
			return fmt.Sprintf("%s %v %s", name, err == nil, get(fsys, name))
		}
	}
	onName := func(op string, do func(FS) error) func(FS) string {
		return func(fsys FS) string {
			err := do(fsys)
			names, lerr := fsys.List(".")
			return fmt.Sprintf("%s %s %s %v: %s %v", op, name, to, err == nil, strings.Join(names, " "), lerr)
		}
	}
	switch rapid.IntRange(0, 8).Draw(rt, "operation") {
	case 0, 1:
		return onName("create", func(fsys FS) error {
			f, err := fsys.Create(name)
			if err == nil {
				err = f.Close()
			}
			return err
		})
	case 2:
		return onName("mkdir", func(fsys FS) error { return fsys.MkdirAll(name) })
	case 3:
		return onName("rename", func(fsys FS) error { return fsys.Rename(name, to) })
	case 4:
		return onName("remove", func(fsys FS) error { return fsys.Remove(name) })
	case 5:
		return onFile(func(f File) error { return f.Truncate(off) })
	case 6:
		return onFile(func(f File) error { return f.Preallocate(int64(n)) })
	case 7:
		return onFile(func(f File) error { return f.Sync() })
	default:
		return onFile(func(f File) error { return second(f.WriteAt(bytes.Repeat([]byte{byte(off) | 1}, n), off)) })
	}
}
