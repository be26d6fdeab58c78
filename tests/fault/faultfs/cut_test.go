//go:build linux

package faultfs

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// fill writes all of data into a file of the root, which it makes if need be.
func (d *disk) fill(t *testing.T, name string, off int64, data string) *inode {
	t.Helper()
	i := d.root.entries[name]
	if i == nil {
		var err error
		i, err = d.create(d.root, name, syscall.S_IFREG|0o644, 0, 0)
		must(t, err)
	}
	if n, err := d.write(i, off, []byte(data), d.free()); err != nil || n != len(data) {
		t.Fatalf("wrote %d of %d bytes: %v", n, len(data), err)
	}
	return i
}

func (i *inode) text() string {
	b := make([]byte, i.live.size)
	i.live.read(b, 0)
	return string(b)
}

// kinds tells of each page whether it is all of one letter, or '?'.
func kinds(text string) (s string) {
	for len(text) > 0 {
		p := text[:min(pageSize, len(text))]
		text = text[len(p):]
		if strings.Count(p, p[:1]) == len(p) {
			s += strings.ReplaceAll(p[:1], "\x00", "0")
		} else {
			s += "?"
		}
	}
	return s
}

func TestRandomCutKeepsAnyPages(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(400) {
		d := newDisk(100)
		i := d.fill(t, "a", 0, strings.Repeat("o", 2*pageSize))
		i.sync()
		d.root.sync()
		d.fill(t, "a", 0, strings.Repeat("n", 3*pageSize))
		d.cut(Random, dice(seed), 512)
		seen[kinds(i.text())]++
	}
	var want []string
	for _, first := range []string{"oo", "on", "no", "nn"} {
		want = append(want, first, first+"0", first+"n") // the size did not survive, or without its page, or both did
	}
	for _, w := range want {
		if seen[w] == 0 {
			t.Errorf("%s never came", w)
		}
	}
	if len(seen) != len(want) {
		t.Errorf("saw %v, want only %v", seen, want)
	}
}

func TestTornCutTearsTheNewestPage(t *testing.T) {
	tears := map[string]int{}
	for seed := range uint64(200) {
		d := newDisk(100)
		i := d.fill(t, "a", 0, strings.Repeat("o", 3*pageSize))
		i.sync()
		d.root.sync()
		d.fill(t, "a", 0, strings.Repeat("m", pageSize))
		d.fill(t, "a", pageSize, strings.Repeat("n", pageSize))
		lost := d.cut(Torn, dice(seed), 512)
		text := i.text()
		if k := kinds(text); lost.Torn != 1 || k != "o?o" && k != "m?o" {
			t.Fatalf("seed %d: pages %s, %v", seed, k, lost)
		}
		var sectors string
		for from := pageSize; from < 2*pageSize; from += 512 {
			s := text[from : from+512]
			if strings.Count(s, s[:1]) != 512 {
				t.Fatalf("seed %d: a sector is torn", seed)
			}
			sectors += s[:1]
		}
		tears[sectors]++
	}
	if len(tears) < 50 {
		t.Errorf("only %d different tears in 200", len(tears))
	}
}

// An append that is torn shows: the size covers it.
func TestTornAppendShows(t *testing.T) {
	for seed := range uint64(50) {
		d := newDisk(100)
		i := d.fill(t, "log", 0, strings.Repeat("o", 700))
		i.sync()
		d.root.sync()
		d.fill(t, "log", 700, strings.Repeat("n", 2000))
		lost := d.cut(Torn, dice(seed), 512)
		text := i.text()
		if lost.Torn != 1 || len(text) != 2700 || !strings.HasPrefix(text, strings.Repeat("o", 700)) {
			t.Fatalf("seed %d: %d bytes, %v", seed, len(text), lost)
		}
		if n := strings.Count(text, "n"); n == 0 || n == 2000 {
			t.Fatalf("seed %d: %d of 2000 bytes survived", seed, n)
		}
	}
}

// outcomes cuts what a workload leaves, and counts which names are there: "a=1 b=2".
func outcomes(t *testing.T, how Survive, workload func(d *disk)) map[string]int {
	seen := map[string]int{}
	for seed := range uint64(200) {
		d := newDisk(100)
		workload(d)
		d.cut(how, dice(seed), 512)
		var names []string
		d.walk(d.root, func(dir *inode, name string, i *inode) {
			if !i.isDir() {
				names = append(names, dir.path()+"/"+name+"="+i.text())
			}
		})
		seen[strings.Join(names, " ")]++
	}
	return seen
}

func wantOutcomes(t *testing.T, seen map[string]int, want ...string) {
	t.Helper()
	for _, w := range want {
		if seen[w] == 0 {
			t.Errorf("%q never came", w)
		}
	}
	if len(seen) != len(want) {
		t.Errorf("saw %v, want only %q", seen, want)
	}
}

func TestRandomCutOfNames(t *testing.T) {
	two := func(d *disk) {
		d.fill(t, "a", 0, "1").sync()
		d.fill(t, "b", 0, "2").sync()
		d.root.sync()
	}
	wantOutcomes(t, outcomes(t, Random, func(d *disk) {
		two(d)
		must(t, d.rename(d.root, "a", d.root, "b", 0))
	}), "/a=1 /b=2", "/b=1")
	wantOutcomes(t, outcomes(t, Random, func(d *disk) { // independent of each other
		two(d)
		must(t, d.remove(d.root, "a", false))
		must(t, d.remove(d.root, "b", false))
	}), "/a=1 /b=2", "/a=1", "/b=2", "")
	wantOutcomes(t, outcomes(t, Random, func(d *disk) { // the changes of one name keep their order
		two(d)
		must(t, d.remove(d.root, "a", false))
		d.fill(t, "a", 0, "3").sync()
	}), "/a=1 /b=2", "/a=3 /b=2", "/b=2")
}

func TestRenameBetweenDirectories(t *testing.T) {
	between := func(sync ...string) func(d *disk) {
		return func(d *disk) {
			d.fill(t, "a", 0, "1").sync()
			dir, err := d.create(d.root, "d", syscall.S_IFDIR|0o755, 0, 0)
			must(t, err)
			d.root.sync()
			must(t, d.rename(d.root, "a", dir, "b", 0))
			for _, s := range sync {
				i, err := d.find(s)
				must(t, err)
				i.sync()
			}
		}
	}
	wantOutcomes(t, outcomes(t, Lose, between()), "/a=1")
	wantOutcomes(t, outcomes(t, Random, between("d")), "/a=1 d/b=1", "d/b=1")
	wantOutcomes(t, outcomes(t, Lose, between("d", "")), "d/b=1")
	wantOutcomes(t, outcomes(t, Lose, between("")), "") // the source's alone: it is nowhere
}

// A directory that two directories name stays in one.
func TestDirectoryInTwoPlaces(t *testing.T) {
	d := newDisk(100)
	x, err := d.create(d.root, "x", syscall.S_IFDIR|0o755, 0, 0)
	must(t, err)
	y, err := d.create(d.root, "y", syscall.S_IFDIR|0o755, 0, 0)
	must(t, err)
	z, err := d.create(x, "z", syscall.S_IFDIR|0o755, 0, 0)
	must(t, err)
	x.sync()
	d.root.sync()
	must(t, d.rename(x, "z", y, "z", 0))
	y.sync()
	d.cut(Lose, nil, 512)
	if x.entries["z"] != z || y.entries["z"] != nil || z.path() != "x/z" {
		t.Errorf("x has %v, y has %v, z is at %s", x.names(), y.names(), z.path())
	}
	if must(t, d.rename(x, "z", d.root, "z", 0)); d.rename(d.root, "x", x, "in", 0) != syscall.EINVAL {
		t.Error("a directory went into itself")
	}
}

// A truncation survives as a whole, or not at all.
func TestCutOfATruncation(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(100) {
		d := newDisk(100)
		i := d.fill(t, "a", 0, strings.Repeat("o", 3*pageSize))
		i.sync()
		d.root.sync()
		must(t, d.truncate(i, 0))
		must(t, d.truncate(i, 3*pageSize))
		d.cut(Random, dice(seed), 512)
		seen[kinds(i.text())]++
	}
	wantOutcomes(t, seen, "ooo", "000")
}

// A size that a failed sync did not make durable follows the data that is synced later.
func TestSizeFollowsTheData(t *testing.T) {
	d := newDisk(100)
	i := d.fill(t, "a", 0, strings.Repeat("o", 100))
	i.sync()
	d.root.sync()
	d.fill(t, "a", 100, strings.Repeat("n", 2*pageSize))
	d.failSync(i, false)
	d.fill(t, "a", 150, "late") // changes no size
	i.sync()
	d.cut(Lose, nil, 512)
	want := strings.Repeat("o", 100) + strings.Repeat("n", 50) + "late" + strings.Repeat("n", pageSize-154)
	if got := i.text(); got != want {
		t.Errorf("%d bytes, want the page that was written late and the %d bytes to its end", len(got), len(want))
	}
}

// The same seed does the same to the same disk, whatever the order of maps.
func TestCutIsDeterministic(t *testing.T) {
	for _, how := range []Survive{Lose, Random, Torn} {
		var first string
		for run := range 5 {
			d := newDisk(1000)
			for n := range 20 {
				i := d.fill(t, fmt.Sprint(n), 0, strings.Repeat("o", 3*pageSize))
				if n%2 == 0 {
					i.sync()
				}
			}
			d.root.sync()
			for n := range 20 {
				d.fill(t, fmt.Sprint(n), 100, strings.Repeat("n", 3*pageSize))
				if n%3 == 0 {
					must(t, d.rename(d.root, fmt.Sprint(n), d.root, fmt.Sprint("r", n), 0))
				}
			}
			got := d.cut(how, dice(3), 512).String()
			d.walk(d.root, func(_ *inode, name string, i *inode) { got += name + i.text() })
			if run == 0 {
				first = got
			} else if got != first {
				t.Fatalf("%s: run %d differs", how, run)
			}
		}
	}
}
