package shelf

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"path"
	"testing"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
	"pgregory.net/rapid"
)

// world is a shelf, and what one knows of it who has seen everything.
type world struct {
	m      *vfs.Mem
	s      *Shelf
	wanted map[int]bool
	rotten map[int]bool // the file at its place has a flipped bit
	had    map[int]bool // a whole copy was here, and no Prune was allowed to take it
}

// TestNothingIsLost does anything in any order, with crashes, and holds the shelf to its promises after each step: what is served is whole,
// a wanted segment that was here whole is here or has its file in quarantine, and nobody but Prune removes one.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{m: vfs.NewMem(), wanted: map[int]bool{}, rotten: map[int]bool{}, had: map[int]bool{}}
		w.open(t)
		one := rapid.IntRange(0, 3)
		t.Repeat(map[string]func(*rapid.T){
			"flush":   func(t *rapid.T) { w.flush(t, one.Draw(t, "segment")) },
			"want":    func(t *rapid.T) { w.want(t, rapid.IntRange(0, 15).Draw(t, "set")) },
			"rot":     func(t *rapid.T) { w.rot(t, one.Draw(t, "segment")) },
			"read":    func(t *rapid.T) { _ = readable(w.s, seg(one.Draw(t, "segment"))) },
			"check":   func(t *rapid.T) { _ = w.s.Check(t.Context(), seg(one.Draw(t, "segment")).info.Name) },
			"prune":   func(t *rapid.T) { w.prune(t, rapid.IntRange(0, 15).Draw(t, "kept")) },
			"bring":   func(t *rapid.T) { w.bring(t, one.Draw(t, "segment")) },
			"restart": func(t *rapid.T) { w.restart(t, rapid.Bool().Draw(t, "power lost")) },
			"":        w.holds,
		})
	})
}

func (w *world) open(t *rapid.T) {
	s, err := Open(w.m, testDir, small())
	if err != nil {
		t.Fatal(err)
	}
	w.s = s
}

func (w *world) flush(t *rapid.T, n int) {
	if exists(w.m, seg(n).place()) {
		return // segment.Write leaves it alone
	}
	if err := flushed(w.m, w.s, seg(n)); err != nil {
		t.Fatal(err)
	}
	w.had[n] = true
}

func (w *world) want(t *rapid.T, set int) {
	m := (*segment.Manifest)(nil)
	clear(w.wanted)
	for n := range 4 {
		if set&(1<<n) != 0 {
			w.wanted[n] = true
			m = m.With(seg(n).info)
		}
	}
	if err := w.s.Want(m); err != nil {
		t.Fatal(err)
	}
}

func (w *world) rot(t *rapid.T, n int) {
	if err := w.m.Flip(seg(n).place(), seg(n).info.Bytes/3, 3); err == nil {
		w.rotten[n] = !w.rotten[n]
	}
}

func (w *world) prune(t *rapid.T, kept int) {
	keep := map[segment.Name]bool{}
	for n := range 4 {
		keep[seg(n).info.Name] = kept&(1<<n) != 0
		if !w.wanted[n] && kept&(1<<n) == 0 {
			delete(w.had, n)
		}
	}
	if err := w.s.Prune(func(name segment.Name) bool { return keep[name] }); err != nil {
		t.Fatal(err)
	}
}

// bring is one attempt of a pull at one segment.
func (w *world) bring(t *rapid.T, n int) {
	e := w.s.find(seg(n).info.Name)
	if e == nil || !w.wanted[n] {
		return
	}
	p := w.s.newPuller(newNetwork(segs(4)...).fetch, peers("b"))
	if err := p.bring(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if !w.s.Complete(manifest(seg(n))) {
		t.Fatalf("segment %d was brought and is not here", n)
	}
	w.had[n] = true
}

func (w *world) restart(t *rapid.T, power bool) {
	if err := w.s.Close(); err != nil {
		t.Fatal(err)
	}
	w.m = w.m.CrashClone(vfs.Crash{Kill: !power})
	w.open(t)
	set := 0
	for n := range w.wanted {
		set |= 1 << n
	}
	w.want(t, set)
}

func (w *world) holds(t *rapid.T) {
	for n := range 4 {
		data, err := vfs.ReadFile(w.m, seg(n).place(), 1<<20)
		if err == nil {
			w.rotten[n] = sha256.Sum256(data) != seg(n).info.Name
			if w.rotten[n] && !bytes.Equal(data[len(data)-100:], seg(n).data[len(data)-100:]) {
				t.Fatalf("segment %d: something else is at its place", n)
			}
		}
		if w.had[n] && err != nil && !w.inQuarantine(n) {
			t.Fatalf("segment %d is gone:\n%s", n, w.m)
		}
		if w.s.Complete(manifest(seg(n))) && err != nil {
			t.Fatalf("segment %d counts and is not there: %v", n, err)
		}
		if b, err := w.s.ReadRange(seg(n).info.Name, 0, 10); err == nil && !bytes.Equal(b, seg(n).data[:10]) {
			t.Fatalf("segment %d: other bytes are served", n)
		}
	}
}

func (w *world) inQuarantine(n int) bool {
	files, err := w.m.List(path.Join(testDir, quarantineName))
	for _, file := range files {
		if name, _, ok := parseQuarantined(file); ok && name == seg(n).info.Name {
			return err == nil
		}
	}
	return false
}

// TestFileNames holds the names that are written to those that are understood.
func TestFileNames(t *testing.T) {
	s := &Shelf{dir: testDir, quarantine: path.Join(testDir, quarantineName)}
	name := seg(0).info.Name
	if got, extension, ok := parseFile(path.Base(s.place(name))); !ok || got != name || extension != segment.Extension {
		t.Errorf("%s: %v, %q, %v", s.place(name), got, extension, ok)
	}
	if got, extension, ok := parseFile(path.Base(s.partPlace(name))); !ok || got != name || extension != partExtension {
		t.Errorf("%s: %v, %q, %v", s.partPlace(name), got, extension, ok)
	}
	for _, n := range []int{1, 12} {
		if got, number, ok := parseQuarantined(path.Base(s.quarantinePlace(name, n))); !ok || got != name || number != n {
			t.Errorf("%s: %v, %d, %v", s.quarantinePlace(name, n), got, number, ok)
		}
	}
	for _, foreign := range []string{"", ".gseg", "quarantine", name.String(), name.String() + ".gseg.tmp", "x" + name.String()[1:] + ".gseg"} {
		if _, _, ok := parseFile(foreign); ok {
			t.Errorf("%q is taken for a segment", foreign)
		}
	}
	for _, foreign := range []string{"", name.FileName(), name.String() + "-.gseg", name.String() + "-0.gseg", name.String() + "-x.gseg", "-1.gseg"} {
		if _, _, ok := parseQuarantined(foreign); ok {
			t.Errorf("%q is taken for a copy in quarantine", foreign)
		}
	}
	if got := fmt.Sprint(certain(0, 8), certain(1, 8), certain(8, 8), certain(9, 8), certain(17, 8)); got != "0 0 0 8 16" {
		t.Errorf("certain bytes: %s", got)
	}
}
