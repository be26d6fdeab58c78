//go:build linux

package faultfs

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"
)

// both drives the model and the reference.
type both struct {
	d   *disk
	ref *reference
}

var testPaths = []string{"a", "b", "d/a", "d/b"}

func newBoth(t *rapid.T) *both {
	b := &both{d: newDisk(1 << 20), ref: &reference{names: map[string]int{}, kept: map[string]int{}, fresh: map[string]bool{}}}
	if _, err := b.d.create(b.d.root, "d", syscall.S_IFDIR|0o755, 0, 0); err != nil {
		t.Fatal(err)
	}
	b.d.root.sync()
	return b
}

func (b *both) dir(t *rapid.T, p string) (*inode, string) {
	i, err := b.d.find(strings.TrimSuffix(path.Dir(p), "."))
	if err != nil {
		t.Fatal(err)
	}
	return i, path.Base(p)
}

// pick draws a path of which there is a file, or skips.
func (b *both) pick(t *rapid.T) (string, *inode, *refFile) {
	if len(b.ref.names) == 0 {
		t.Skip("no file")
	}
	p := rapid.SampledFrom(slices.Sorted(maps.Keys(b.ref.names))).Draw(t, "path")
	i, err := b.d.find(p)
	if err != nil {
		t.Fatalf("%s: %v", p, err)
	}
	return p, i, b.ref.files[b.ref.names[p]]
}

func (b *both) set(p string, n int) {
	b.ref.names[p], b.ref.fresh[p] = n, true
}

func (b *both) unset(p string) {
	delete(b.ref.names, p)
	b.ref.fresh[p] = true
}

func (b *both) create(t *rapid.T) {
	p := rapid.SampledFrom(testPaths).Draw(t, "path")
	dir, name := b.dir(t, p)
	_, exists := b.ref.names[p]
	if _, err := b.d.create(dir, name, syscall.S_IFREG, 0, 0); (err == syscall.EEXIST) != exists || err != nil && !exists {
		t.Fatalf("create %s: %v", p, err)
	}
	if !exists {
		b.ref.files = append(b.ref.files, &refFile{dirty: map[int]bool{}})
		b.set(p, len(b.ref.files)-1)
	}
}

func (b *both) write(t *rapid.T) {
	_, i, f := b.pick(t)
	off := rapid.IntRange(0, 4*pageSize).Draw(t, "offset")
	data := bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, rapid.IntRange(0, 2*pageSize+5).Draw(t, "length"))
	if n, err := b.d.write(i, int64(off), data, b.d.free()); n != len(data) || err != nil {
		t.Fatal(n, err)
	}
	f.write(off, data)
}

func (b *both) truncate(t *rapid.T) {
	_, i, f := b.pick(t)
	size := rapid.OneOf(rapid.IntRange(0, 6*pageSize), rapid.SampledFrom([]int{0, pageSize, 2 * pageSize})).Draw(t, "size")
	if err := b.d.truncate(i, int64(size)); err != nil {
		t.Fatal(err)
	}
	f.resize(size)
}

func (b *both) syncFile(t *rapid.T) {
	_, i, f := b.pick(t)
	i.sync()
	f.sync()
}

func (b *both) failFile(t *rapid.T) {
	_, i, f := b.pick(t)
	drop := rapid.Bool().Draw(t, "drop")
	b.d.failSync(i, drop)
	f.fail(drop)
}

func (b *both) syncDir(t *rapid.T) {
	dir := rapid.SampledFrom([]string{"", "d"}).Draw(t, "directory")
	fail := rapid.IntRange(0, 3).Draw(t, "fail") == 0
	i, err := b.d.find(dir)
	if err != nil {
		t.Fatal(err)
	}
	if fail {
		b.d.failSync(i, true)
	} else {
		i.sync()
	}
	for _, p := range testPaths {
		if strings.Contains(p, "/") != (dir == "d") || !b.ref.fresh[p] {
			continue
		}
		delete(b.ref.fresh, p)
		if n, there := b.ref.names[p]; fail {
			continue
		} else if there {
			b.ref.kept[p] = n
		} else {
			delete(b.ref.kept, p)
		}
	}
}

func (b *both) rename(t *rapid.T) {
	p, _, _ := b.pick(t)
	to := rapid.SampledFrom(testPaths).Draw(t, "to")
	dir, name := b.dir(t, p)
	toDir, toName := b.dir(t, to)
	if err := b.d.rename(dir, name, toDir, toName, 0); err != nil {
		t.Fatal(err)
	}
	n := b.ref.names[p]
	if old, there := b.ref.names[to]; there && old == n {
		return
	}
	b.unset(p)
	b.set(to, n)
}

func (b *both) link(t *rapid.T) {
	p, i, _ := b.pick(t)
	to := rapid.SampledFrom(testPaths).Draw(t, "to")
	dir, name := b.dir(t, to)
	_, exists := b.ref.names[to]
	if err := b.d.link(i, dir, name); (err == syscall.EEXIST) != exists || err != nil && !exists {
		t.Fatal(err)
	}
	if !exists {
		b.set(to, b.ref.names[p])
	}
}

func (b *both) remove(t *rapid.T) {
	p, _, _ := b.pick(t)
	dir, name := b.dir(t, p)
	if err := b.d.remove(dir, name, false); err != nil {
		t.Fatal(err)
	}
	b.unset(p)
}

func (b *both) cut(*rapid.T) {
	b.d.cut(Lose, nil, 512)
	b.ref.names, b.ref.fresh = maps.Clone(b.ref.kept), map[string]bool{}
	for _, f := range b.ref.files {
		f.live = slices.Clone(f.durable)
		f.clean()
	}
}

// restart is a snapshot that is restored at once: everything becomes durable.
func (b *both) restart(*rapid.T) {
	b.d.restore(b.d.snapshot())
	b.d.settle()
	b.ref.kept, b.ref.fresh = maps.Clone(b.ref.names), map[string]bool{}
	for _, f := range b.ref.files {
		f.durable = slices.Clone(f.live)
		f.clean()
	}
}

// check compares what is seen, and what each counts.
func (b *both) check(t *rapid.T) {
	var got, want []string
	distinct := map[uint64]int64{}
	b.d.walk(b.d.root, func(_ *inode, name string, i *inode) {
		if i.isDir() {
			return
		}
		distinct[i.ino] = i.live.used
		if n := int64(len(slices.DeleteFunc(slices.Clone(i.live.pages), func(p *page) bool { return p == nil }))); n != i.live.used {
			t.Fatalf("%s has %d pages and counts %d", name, n, i.live.used)
		}
	})
	for p, n := range b.ref.names {
		f := b.ref.files[n]
		want = append(want, fmt.Sprintf("%s %d %x", p, n, f.live))
		i, err := b.d.find(p)
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		got = append(got, fmt.Sprintf("%s %d %x", p, n, i.text()))
		for q, m := range b.ref.names {
			if j, _ := b.d.find(q); (i == j) != (n == m) {
				t.Fatalf("%s and %s: the same file is %v, want %v", p, q, i == j, n == m)
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("files differ: %.300q, want %.300q", got, want)
	}
	var used int64
	for _, n := range distinct {
		used += n
	}
	if used != b.d.used {
		t.Fatalf("%d pages are accounted for, there are %d", b.d.used, used)
	}
	if list := (&FS{disk: b.d}).Files(); len(list) != len(b.ref.names) {
		t.Fatalf("%d files, want %d", len(list), len(b.ref.names))
	}
}

func TestModelAgreesWithReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBoth(t)
		t.Repeat(map[string]func(*rapid.T){
			"create": b.create, "write": b.write, "truncate": b.truncate, "sync": b.syncFile, "fail": b.failFile, "sync directory": b.syncDir,
			"rename": b.rename, "link": b.link, "remove": b.remove, "cut": b.cut, "restart": b.restart, "": b.check,
		})
	})
}
