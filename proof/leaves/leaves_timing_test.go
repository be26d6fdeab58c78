package leaves

import (
	"context"
	"fmt"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/vfs"
)

// benchLeaves is the number of streams of a large cluster, with leaves of 200 bytes.
const benchLeaves = 1_000_000

func benchKey(i int) Key {
	return Key{frame.StreamKey{Tenant: "default", Device: fmt.Sprintf("mill-%07d", i), Stream: "0"}, 1}
}

func benchSave(b *testing.B, fs vfs.FS) Info {
	w, err := Create(fs, "f", Strips, 1)
	must(b, err)
	leaf := make([]byte, 200)
	for i := range benchLeaves {
		leaf[0], leaf[1], leaf[2] = byte(i), byte(i>>8), byte(i>>16)
		must(b, w.Add(benchKey(i), leaf))
	}
	info, err := w.Finish()
	must(b, err)
	return info
}

// BenchmarkWrite writes, syncs, reads back and names a file of a million leaves.
func BenchmarkWrite(b *testing.B) {
	fs, err := vfs.OS(b.TempDir())
	must(b, err)
	b.ReportAllocs()
	for b.Loop() {
		b.SetBytes(benchSave(b, fs).Bytes)
	}
}

// BenchmarkRead measures the reads of a file of a million leaves that the kernel has in memory.
func BenchmarkRead(b *testing.B) {
	fs, err := vfs.OS(b.TempDir())
	must(b, err)
	info := benchSave(b, fs)
	f, err := Open(fs, "f")
	must(b, err)
	defer f.Close()
	i := int64(0)
	each := func(name string, do func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				i = (i + 777_777) % (benchLeaves - 1000)
				must(b, do())
			}
		})
	}
	each("Leaf", func() error { _, err := f.Leaf(i); return err })
	each("Find", func() error { _, _, err := f.Find(benchKey(int(i))); return err })
	each("Prove1", func() error { _, err := f.Prove(i, i+1); return err })
	each("Prove1000", func() error { _, err := f.Prove(i, i+1000); return err })
	each("First", func() error { _, err := First(f, f); return err })
	b.Run("Walk", func(b *testing.B) {
		b.SetBytes(info.Bytes)
		for b.Loop() {
			must(b, f.Walk(context.Background(), 0, benchLeaves, func(int64, Key, []byte) error { return nil }))
		}
	})
	b.Run("Check", func(b *testing.B) {
		b.SetBytes(info.Bytes)
		for b.Loop() {
			must(b, f.Check(context.Background()))
		}
	})
}
