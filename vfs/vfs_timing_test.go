package vfs

import (
	"fmt"
	"testing"
)

// BenchmarkSync is one record appended to a preallocated file and made durable: what a log pays per write.
func BenchmarkSync(b *testing.B) {
	for _, size := range []int{4 << 10, 64 << 10, 256 << 10} {
		real, err := OS(b.TempDir())
		must(b, err)
		for _, impl := range []struct {
			name string
			fsys FS
		}{{"OS", real}, {"Mem", NewMem()}} {
			b.Run(fmt.Sprintf("%s/%dKiB", impl.name, size>>10), func(b *testing.B) { benchmarkSync(b, impl.fsys, size) })
		}
	}
}

func benchmarkSync(b *testing.B, fsys FS, size int) {
	const file = 8 << 20
	_ = fsys.Remove("f")
	f, err := fsys.Create("f")
	must(b, err)
	defer f.Close()
	must(b, f.Preallocate(file))
	must(b, f.Sync())
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i) | 1
	}
	b.SetBytes(int64(size))
	b.ResetTimer()
	for i := range b.N {
		_, err := f.WriteAt(data, int64(i)*int64(size)%file)
		must(b, err)
		must(b, f.Sync())
	}
}

// BenchmarkCrashClone is a clone of ten preallocated 64 MiB log files with 1 MiB of contents and one torn write each.
func BenchmarkCrashClone(b *testing.B) {
	m := NewMem()
	data := make([]byte, 1<<20)
	for i := range data {
		data[i] = byte(i) | 1
	}
	for i := range 10 {
		f, err := m.Create(fmt.Sprint(i))
		must(b, err)
		must(b, f.Preallocate(64<<20))
		must(b, second(f.WriteAt(data, 0)))
		must(b, f.Sync())
		must(b, second(f.WriteAt(data[:64<<10], 1<<20)))
	}
	must(b, m.SyncDir("."))
	for i := 0; b.Loop(); i++ {
		m.CrashClone(Crash{Rand: newRand(uint64(i))})
	}
}

// BenchmarkEachCrash is the whole trial of a small store: 21 crash points, 6 outcomes each.
func BenchmarkEachCrash(b *testing.B) {
	n := &notebook{}
	for b.Loop() {
		EachCrash(&recorder{}, Trial{Workload: n.run, Check: n.check})
	}
}
