//go:build linux

package faultfs

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func BenchmarkAppendAndSync(b *testing.B) {
	_, dir := mounted(b, Options{SizeBytes: 8 << 30})
	f := openFile(b, filepath.Join(dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND)
	data := make([]byte, 4096)
	var took []time.Duration
	b.SetBytes(int64(len(data)))
	for n := 0; b.Loop(); n++ {
		if n%100_000 == 99_999 {
			must(b, f.Truncate(0))
		}
		began := time.Now()
		write(b, f, data)
		must(b, f.Sync())
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
}

func BenchmarkSequentialWrite(b *testing.B) {
	sequential(b, func(f *os.File, p []byte, at int64) (int, error) { return f.WriteAt(p, at) })
}

func BenchmarkSequentialRead(b *testing.B) {
	sequential(b, func(f *os.File, p []byte, at int64) (int, error) { return f.ReadAt(p, at) })
}

// sequential goes through a file of 64 MiB, again and again.
func sequential(b *testing.B, act func(f *os.File, p []byte, at int64) (int, error)) {
	const size = 64 << 20
	_, dir := mounted(b, Options{})
	create(b, filepath.Join(dir, "file"), make([]byte, size))
	f := openFile(b, filepath.Join(dir, "file"), os.O_RDWR)
	data := make([]byte, 256<<10)
	b.SetBytes(int64(len(data)))
	for at := int64(0); b.Loop(); at = (at + int64(len(data))) % size {
		if _, err := act(f, data, at); err != nil {
			b.Fatal(err)
		}
	}
}
