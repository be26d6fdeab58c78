package vfs

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// step is one line of a crash test's script.
type step func(t *testing.T, m *Mem)

func write(name, data string) step { return writeAt(name, data, 0) }

func writeAt(name, data string, off int64) step {
	return func(t *testing.T, m *Mem) {
		f, err := m.OpenReadWrite(name)
		if err != nil {
			f, err = m.Create(name)
		}
		must(t, err)
		_, err = f.WriteAt([]byte(data), off)
		must(t, err)
		must(t, f.Close())
	}
}

func truncate(name string, size int64) step {
	return func(t *testing.T, m *Mem) {
		f, err := m.OpenReadWrite(name)
		must(t, err)
		must(t, f.Truncate(size))
		must(t, f.Close())
	}
}

func syncFile(name string) step {
	return func(t *testing.T, m *Mem) {
		f, err := m.Open(name)
		must(t, err)
		must(t, f.Sync())
		must(t, f.Close())
	}
}

func syncDirs(dirs ...string) step {
	return func(t *testing.T, m *Mem) {
		for _, d := range dirs {
			must(t, m.SyncDir(d))
		}
	}
}

func rename(from, to string) step { return func(t *testing.T, m *Mem) { must(t, m.Rename(from, to)) } }
func remove(name string) step     { return func(t *testing.T, m *Mem) { must(t, m.Remove(name)) } }
func mkdir(name string) step      { return func(t *testing.T, m *Mem) { must(t, m.MkdirAll(name)) } }

// tree writes a whole file system as "dir/ dir/file=contents ...".
func tree(m *Mem) string {
	var out []string
	var walk func(string)
	walk = func(dir string) {
		names, err := m.List(dir)
		if err != nil {
			out = append(out, err.Error())
		}
		for _, n := range names {
			full := strings.TrimPrefix(dir+"/"+n, "./")
			if _, err := m.List(full); err == nil {
				out = append(out, full+"/")
				walk(full)
			} else {
				out = append(out, full+"="+get(m, full))
			}
		}
	}
	walk(".")
	return strings.Join(out, " ")
}

// TestCrash runs a script, cuts the power, and compares: sync is what a clone without Rand holds; any is exactly the set of
// outcomes of many random clones, which always includes sync and what the process saw.
func TestCrash(t *testing.T) {
	durable := []step{write("a", "old"), syncFile("a"), syncDirs(".")}
	tests := []struct {
		name  string
		steps []step
		sync  string
		any   []string
	}{
		{"nothing synced", []step{write("a", "x")}, "", []string{"", "a=", "a=x", "a=\x00"}},
		{"contents without name", []step{write("a", "x"), syncFile("a")}, "", []string{"", "a=x"}},
		{"name without contents", []step{write("a", "x"), syncDirs(".")}, "a=", []string{"a=", "a=x", "a=\x00"}},
		{"both", durable, "a=old", []string{"a=old"}},
		{"overwrite", append(durable, write("a", "NEW")), "a=old", []string{"a=old", "a=NEW"}},
		{"overwrite synced", append(durable, write("a", "NEW"), syncFile("a")), "a=NEW", []string{"a=NEW"}},
		{"extend", append(durable, writeAt("a", "er", 3)), "a=old", []string{"a=old", "a=older", "a=old\x00\x00"}},
		{"cut", append(durable, truncate("a", 1)), "a=old", []string{"a=old", "a=o"}},
		{"cut synced", append(durable, truncate("a", 1), syncFile("a")), "a=o", []string{"a=o"}},
		{"grow", append(durable, truncate("a", 4)), "a=old", []string{"a=old", "a=old\x00"}},
		{"rename", append(durable, rename("a", "b")), "a=old", []string{"a=old", "b=old"}},
		{"rename synced", append(durable, rename("a", "b"), syncDirs(".")), "b=old", []string{"b=old"}},
		{"replace", append(durable, write("t", "new"), syncFile("t"), rename("t", "a")), "a=old",
			[]string{"a=old", "a=old t=new", "a=new"}},
		{"replace without contents", append(durable, write("t", "new"), rename("t", "a"), syncDirs(".")), "a=",
			[]string{"a=", "a=new", "a=\x00\x00\x00"}},
		{"remove", append(durable, remove("a")), "a=old", []string{"a=old", ""}},
		{"remove synced", append(durable, remove("a"), syncDirs(".")), "", []string{""}},
		{"remove and create", append(durable, remove("a"), write("a", "two"), syncFile("a")), "a=old",
			[]string{"a=old", "", "a=two"}},
		{"rename there and back", append(durable, rename("a", "b"), rename("b", "c")), "a=old",
			[]string{"a=old", "b=old", "c=old"}},
		{"directory without its name", []step{mkdir("d"), write("d/f", "x"), syncFile("d/f"), syncDirs("d")}, "",
			[]string{"", "d/ d/f=x"}},
		{"directory without its file", []step{mkdir("d"), write("d/f", "x"), syncFile("d/f"), syncDirs(".")}, "d/",
			[]string{"d/", "d/ d/f=x"}},
		{"MkdirAll", []step{mkdir("d/e"), syncDirs("d")}, "", []string{"", "d/ d/e/"}},
		{"MkdirAll synced", []step{mkdir("d/e"), syncDirs("d", ".")}, "d/ d/e/", []string{"d/ d/e/"}},
		{"between directories", append(durable, mkdir("d"), syncDirs("."), rename("a", "d/a")), "a=old d/",
			[]string{"a=old d/", "a=old d/ d/a=old", "d/ d/a=old"}},
		{"between directories, target synced", append(durable, mkdir("d"), syncDirs("."), rename("a", "d/a"), syncDirs("d")),
			"a=old d/ d/a=old", []string{"a=old d/ d/a=old", "d/ d/a=old"}},
		{"between directories, source synced", append(durable, mkdir("d"), syncDirs("."), rename("a", "d/a"), syncDirs(".")),
			"d/", []string{"d/", "d/ d/a=old"}},
		{"two files, no order", []step{write("a", ""), write("b", "")}, "", []string{"", "a=", "b=", "a= b="}},
		{"two writes, no order", []step{write("a", strings.Repeat("-", 1024)), syncFile("a"), syncDirs("."),
			writeAt("a", "1", 0), writeAt("a", "2", 1023)}, "a=" + dashes("-", "-"),
			[]string{"a=" + dashes("-", "-"), "a=" + dashes("1", "-"), "a=" + dashes("-", "2"), "a=" + dashes("1", "2")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := NewMem()
			for _, s := range test.steps {
				s(t, m)
			}
			seen := tree(m)
			if got := tree(m.CrashClone(Crash{})); got != test.sync {
				t.Errorf("synced only: %q, want %q", got, test.sync)
			}
			got := map[string]bool{}
			for seed := range uint64(300) {
				got[tree(m.CrashClone(Crash{Rand: newRand(seed)}))] = true
			}
			if want := slices.Sorted(slices.Values(test.any)); !slices.Equal(slices.Sorted(maps.Keys(got)), want) {
				t.Errorf("outcomes\n%q, want\n%q", slices.Sorted(maps.Keys(got)), want)
			}
			if kill := m.CrashClone(Crash{Kill: true}); tree(kill) != seen {
				t.Errorf("after a kill: %q, want %q", tree(kill), seen)
			} else if got := tree(kill.CrashClone(Crash{})); got != test.sync {
				t.Errorf("power loss after a kill: %q, want %q", got, test.sync)
			}
			if tree(m) != seen {
				t.Errorf("CrashClone changed the original to %q", tree(m))
			}
		})
	}
}

func dashes(first, last string) string { return first + strings.Repeat("-", 1022) + last }

// TestTornSectors: a torn write leaves every sector whole, old or new, and the interesting cases do occur.
// TestCrashCloneIndependent: neither side sees what the other does later.
// TestWriteCopies: a buffer that its owner uses again after WriteAt does not reach the disk.
// TestMakeDir: all the names it needs are durable, also those that somebody else created and did not sync.
func TestMakeDir(t *testing.T) {
	m := NewMem()
	must(t, m.MkdirAll("a"))
	must(t, MakeDir(m, "a/b/c"))
	if got := tree(m.CrashClone(Crash{})); got != "a/ a/b/ a/b/c/" {
		t.Errorf("survived: %q", got)
	}
}

// TestMovedNameNeedsOnlyItsTarget: once the new name is durable the old one goes half of the time, not a quarter.
// TestCrashCloneDeterministic: a seed in a failure report leads to the same file system again.
// TestCrashAt: k operations pass, and then nothing does but Close.
func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
