package proof

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/vfs"
)

// contents reads the files of the proof.
func (n *node) contents() map[string][]byte {
	n.r.t.Helper()
	names, err := n.fs.List("proof")
	if err != nil {
		n.r.t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		f, err := n.fs.Open("proof/" + name)
		if err != nil {
			n.r.t.Fatal(err)
		}
		b, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<30))
		if err := errors.Join(err, f.Close()); err != nil {
			n.r.t.Fatal(err)
		}
		files[name] = b
	}
	return files
}

// ask reads a file in the way that certificates do, all of it, and hands on what goes wrong.
func (n *node) ask(name string) error {
	if kind, number, ok := leaves.ParseFileName(name); ok {
		f, err := n.sealer.Archive().Open(kind, number)
		if err != nil {
			return err
		}
		defer f.Close()
		for i := int64(0); i < f.Count() && err == nil; i++ {
			var key leaves.Key
			if key, err = f.Key(i); err == nil {
				_, _, err = f.Find(key)
			}
			if err == nil {
				_, err = f.Leaf(i)
			}
			if err == nil {
				_, err = f.Prove(i, i+1)
			}
		}
		return n.sealer.Suspect(err)
	}
	store := n.sealer.Store()
	if store.Size() < n.r.state().LogSize() {
		return errors.New("the log is being read")
	}
	for i := range tlog.StoredHashCount(store.Size()) {
		if _, err := store.ReadHashes([]int64{i}); err != nil {
			return n.sealer.Suspect(err)
		}
	}
	return nil
}

// TestEveryByteHeals: whatever bit rots in a file of the proof, who asks is told that it is not there, and later gets it as it was. Only the header of
// the log's hashes is read at a start alone.
func TestEveryByteHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.start(t)
		n := r.nodes[0]
		for range 3 {
			r.store("d1", 70)
			r.store("d2", 1)
			r.seal(n)
		}
		r.settled(n)
		r.pass(5 * time.Second)
		good := n.contents()
		tried, told := 0, 0
		for name, b := range good {
			if path.Ext(name) == ".census" && name != leaves.FileName(leaves.Census, r.state().newest.Index) {
				continue // nobody asks for the older ones
			}
			for at := int64(0); at < int64(len(b)); at += 3 {
				if err := n.fs.Flip("proof/"+name, at, uint(at%8)); err != nil {
					t.Fatal(err)
				}
				tried++
				switch err := n.ask(name); {
				case errors.Is(err, ErrNotCounted):
					told++
				case err != nil || name != storeName || at >= 36:
					t.Fatalf("%s at %d: who asks is told: %v", name, at, err)
				default:
					n.kill()
					n.start()
				}
				r.until(fmt.Sprint(name, " at ", at), func() bool { return n.ask(name) == nil && bytes.Equal(n.contents()[name], b) })
			}
		}
		if tried < 300 || told < tried-13 {
			t.Errorf("%d bits rotted, %d were found while the node ran", tried, told)
		}
		r.until("nothing is in its way", func() bool { st := n.sealer.Status(); return st.Checked == 3 && st.Objection == "" })
		got, bytes := n.contents(), map[string]int64{}
		for name, b := range got {
			bytes[strings.TrimPrefix(path.Ext(name), ".")] += int64(len(b))
		}
		if told := n.sealer.Bytes(); len(got) != len(good) || told["strips"] != bytes["strips"] || told["log"] != bytes["hashes"] {
			t.Errorf("the files are %d, not %d, of %v bytes, and not %v", len(got), len(good), bytes, told)
		}
	})
}

// TestRemovedFile: one that somebody removed is made again as a damaged one is.
func TestRemovedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.start(t)
		n := r.nodes[0]
		r.store("d1", 7)
		r.seal(n)
		name := leaves.FileName(leaves.Strips, 1)
		if err := n.fs.Remove("proof/" + name); err != nil {
			t.Fatal(err)
		}
		if err := n.ask(name); !errors.Is(err, ErrNotCounted) {
			t.Errorf("who asks is told: %v", err)
		}
		r.until("counted again", func() bool { return n.ask(name) == nil })
	})
}

// TestStartWithoutFiles: whatever is wrong with the directory of the proof when a node starts, it starts, says so, and takes part once the disk is well.
func TestStartWithoutFiles(t *testing.T) {
	for name, hook := range map[string]func(vfs.Op) error{
		"nothing works": func(op vfs.Op) error { return syscall.EIO },
		"no list":       func(op vfs.Op) error { return onlyIf(op.Kind == vfs.OpList, syscall.EIO) },
		"no opening": func(op vfs.Op) error {
			return onlyIf(op.Kind == vfs.OpOpen && strings.HasPrefix(op.Name, "proof/"), syscall.EMFILE)
		},
		"a full disk":     func(op vfs.Op) error { return onlyIf(op.Kind.Allocates(), syscall.ENOSPC) },
		"one unreadable":  func(op vfs.Op) error { return onlyIf(strings.HasSuffix(op.Name, "1.strips"), syscall.EIO) },
		"no hashes":       func(op vfs.Op) error { return onlyIf(path.Base(op.Name) == storeName, syscall.EACCES) },
		"a newer release": nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 3)
				r.start(t)
				r.store("d1", 5)
				r.seal(r.nodes[0])
				r.settled(r.nodes...)
				sick := r.nodes[2]
				sick.kill()
				file := "proof/" + storeName
				if hook == nil {
					f, err := sick.fs.OpenReadWrite(file)
					if err != nil {
						t.Fatal(err)
					}
					_, err = f.WriteAt(newerHeader(), 0)
					if err := errors.Join(err, f.Close()); err != nil {
						t.Fatal(err)
					}
				}
				sick.fs.Inject(hook)
				before := len(sick.output.String())
				sick.start()
				r.store("d1", 5)
				r.seal(r.nodes[0])
				r.pass(time.Minute)
				if !strings.Contains(sick.output.String()[before:], "level=WARN") {
					t.Errorf("it says nothing:\n%s", sick.output.String()[before:])
				}
				if err := sick.ask(leaves.FileName(leaves.Strips, 1)); err == nil && name == "nothing works" {
					t.Error("it has files")
				}
				sick.fs.Inject(nil)
				if hook == nil {
					if err := sick.fs.Remove(file); err != nil {
						t.Fatal(err)
					}
				}
				r.settled(sick)
				if err := sick.check(); err != nil {
					t.Error(err)
				}
				if opened := r.peek(&sick.opened); opened != 2 && (name == "no list" || name == "nothing works") {
					t.Errorf("it counted again what is there: %d segments for two seals", opened)
				}
			})
		})
	}
}

// newerHeader begins the log's hashes of a release that is not there yet.
func newerHeader() []byte {
	b := append([]byte("gapless/tiles\n\x00\x00\x09"), make([]byte, 15)...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

// TestAlmostFull: while the disk has less than what stays free for the log, nothing is counted into files, and the node says why. It catches up later.
func TestAlmostFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.start(t)
		n := r.nodes[0]
		r.store("d1", 5)
		r.seal(n)
		r.settled(n)
		r.pass(5 * time.Second)
		var used int64
		for _, b := range n.contents() {
			used += int64(len(b))
		}
		n.fs.SetCapacity(used + defaultReserve - 1)
		before := n.contents()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r.store("d1", 5)
		if _, err := n.sealer.Seal(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it sealed: %v", err)
		}
		if after := n.contents(); len(after) != len(before) {
			t.Errorf("it wrote %d files", len(after)-len(before))
		}
		if out := n.output.String(); !strings.Contains(out, "almost full: 268435") || strings.Count(out, "almost full") > 2*60/5+2 {
			t.Errorf("it does not say why, or too often:\n%s", out)
		}
		n.fs.SetCapacity(used + defaultReserve + 1<<20)
		r.until("sealed", func() bool { return r.state().CountedThrough() == 2 })
		r.settled(n)
	})
}

// TestRoomRunsOut: a writer that began in time stops before the disk is full.
func TestRoomRunsOut(t *testing.T) {
	fs := vfs.NewMem()
	a := newArchive(fs, "proof", 100<<20, nil)
	if err := a.open(); err != nil {
		t.Fatal(err)
	}
	fs.SetCapacity(120 << 20)
	w, err := a.create(leaves.Strips, 1)
	if err != nil {
		t.Fatal(err)
	}
	for epoch := uint32(1); err == nil && epoch < 1000; epoch++ {
		err = w.Add(leaves.Key{StreamKey: frame.StreamKey{Tenant: "default", Device: "d1", Stream: "0"}, Epoch: epoch}, make([]byte, 1<<20))
	}
	if !errors.Is(err, errNoSpace) {
		t.Errorf("%v", err)
	}
	if free, _ := fs.Free(); free < 90<<20 {
		t.Errorf("%d bytes are free", free)
	}
	if err := w.Discard(); err != nil {
		t.Error(err)
	}
}
