package wal

import (
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// TestPrefillFitsTheFile opens logs that are filled beforehand as much as by default: no more than a file is to hold.
func TestPrefillFitsTheFile(t *testing.T) {
	for size, want := range map[int64]int64{64 << 10: 64 << 10, 100_000: 25 * blockSize, defaultPrefill: defaultPrefill, 0: defaultPrefill} {
		fs := vfs.NewMem()
		l, err := Open(fs, testDir, Options{FileBytes: size, Inline: true})
		must(t, err)
		must(t, l.Close())
		f, err := fs.Open(testDir + "/" + fileName(1))
		must(t, err)
		if got, err := f.Size(); err != nil || got != want {
			t.Errorf("FileBytes %d: the first file has %d bytes, %v; want %d", size, got, err, want)
		}
		must(t, f.Close())
	}
}
