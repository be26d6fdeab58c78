package leaves

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/vfs"
	"golang.org/x/mod/sumdb/tlog"
)

// item is a leaf as a test knows it.
type item struct {
	key  Key
	leaf []byte
}

// items are n leaves in order, of several tenants, devices, streams and, among strips, epochs.
func items(kind Kind, n int) []item {
	out := make([]item, n)
	for i := range out {
		k := Key{StreamKey: frame.StreamKey{Tenant: fmt.Sprintf("t%d", i/40), Device: fmt.Sprintf("mill-%03d", i/4), Stream: fmt.Sprint(i / 2 % 2)}}
		if kind == Strips {
			k.Epoch = uint32(1 + i%2)
		} else {
			k.Stream = fmt.Sprint(i % 4)
		}
		out[i] = item{k, fmt.Appendf(nil, "leaf %d %s", i, bytes.Repeat([]byte{byte(i)}, i%17))}
	}
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// save writes a file of these leaves.
func save(fs vfs.FS, path string, kind Kind, number uint64, list []item) (info Info, err error) {
	w, err := Create(fs, path, kind, number)
	if err != nil {
		return info, err
	}
	defer func() {
		if gone := w.Discard(); err == nil {
			err = gone
		}
	}()
	for _, x := range list {
		if err := w.Add(x.key, x.leaf); err != nil {
			return info, err
		}
	}
	return w.Finish()
}

// encode is the file of these leaves.
func encode(t testing.TB, kind Kind, number uint64, list []item) []byte {
	t.Helper()
	m := vfs.NewMem()
	info, err := save(m, "f", kind, number, list)
	must(t, err)
	b, err := vfs.ReadFile(m, "f", 1<<30)
	must(t, err)
	if int64(len(b)) != info.Bytes || info.Count != int64(len(list)) || info.Root != treeOf(list).Root() {
		t.Fatalf("%+v of a file of %d bytes with %d leaves of root %s", info, len(b), len(list), treeOf(list).Root())
	}
	return b
}

func treeOf(list []item) *merkle.Tree {
	t := &merkle.Tree{}
	for _, x := range list {
		t.Append(tlog.RecordHash(x.leaf))
	}
	return t
}

// put makes a file of these bytes.
func put(t testing.TB, b []byte) vfs.FS {
	m := vfs.NewMem()
	f, err := m.Create("f")
	must(t, err)
	_, err = f.WriteAt(b, 0)
	must(t, err)
	must(t, f.Close())
	return m
}

// open opens these bytes.
func open(t testing.TB, b []byte) (*File, error) {
	f, err := Open(put(t, b), "f")
	if err == nil {
		t.Cleanup(func() { must(t, f.Close()) })
	}
	return f, err
}

func mustOpen(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := open(t, b)
	must(t, err)
	return f
}

// readAll is every leaf, as Walk gives them.
func readAll(f *File) (list []item, err error) {
	err = f.Walk(context.Background(), 0, f.Count(), func(_ int64, key Key, leaf []byte) error {
		list = append(list, item{key, bytes.Clone(leaf)})
		return nil
	})
	return list, err
}

func equalItem(a, b item) bool { return a.key == b.key && bytes.Equal(a.leaf, b.leaf) }

// resum makes every checksum in b right, as far as b can be followed: a fuzzer does not guess them. It returns b.
func resum(b []byte) []byte {
	if len(b) < headerSize+trailerSize {
		return b
	}
	binary.LittleEndian.PutUint32(b[16:], crc32.Checksum(b[:16], castagnoli))
	salt, at := binary.LittleEndian.Uint32(b[16:]), len(b)-trailerSize
	index := int(min(binary.LittleEndian.Uint64(b[at:]), uint64(at)))
	for i := 0; index+offsetSize*(i+1) <= at; i++ {
		from := binary.LittleEndian.Uint64(b[index+offsetSize*i:])
		if from+minRecord > uint64(index) || from > uint64(index) {
			continue
		}
		record := b[from:index]
		n := fixedSize + hashSize*hashesOf(int64(i))
		for k := range 3 {
			n += int(binary.LittleEndian.Uint16(record[12+2*k:]))
		}
		size := int(binary.LittleEndian.Uint32(record[4:]))
		if n > len(record) || size > len(record)-n {
			continue
		}
		h := tlog.RecordHash(record[n : n+size])
		copy(record[n-hashSize*hashesOf(int64(i)):], h[:])
		binary.LittleEndian.PutUint32(record, headSum(salt, int64(i), record[:n]))
	}
	binary.LittleEndian.PutUint32(b[at+48:], crc32.Checksum(b[index:at], castagnoli))
	binary.LittleEndian.PutUint32(b[at+56:], crc32.Update(salt, castagnoli, b[at:at+56]))
	return b
}
