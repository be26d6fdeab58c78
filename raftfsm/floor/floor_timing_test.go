package floor

import (
	"io"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// benchBytes is the size of a large floor: the checkpoints of some hundred thousand streams.
const benchBytes = 128 << 20

func benchParts() []Part {
	block := sample(1, 1<<20)
	return []Part{{"ledger", func(w io.Writer) error {
		for range benchBytes / len(block) {
			if _, err := w.Write(block); err != nil {
				return err
			}
		}
		return nil
	}}}
}

func benchStore(b *testing.B) (vfs.FS, *Store) {
	fsys, err := vfs.OS(b.TempDir())
	must(b, err)
	return fsys, mustOpen(b, fsys, Options{})
}

// BenchmarkEncode is the encoder alone: checksums and hash.
func BenchmarkEncode(b *testing.B) {
	b.SetBytes(benchBytes)
	b.ReportAllocs()
	for b.Loop() {
		_, err := write(io.Discard, testHeader(9), benchParts())
		must(b, err)
	}
}

// BenchmarkPublish writes, syncs, reads back and names a floor.
func BenchmarkPublish(b *testing.B) {
	_, s := benchStore(b)
	b.SetBytes(benchBytes)
	b.ReportAllocs()
	for i := uint64(1); b.Loop(); i++ {
		_, _, err := s.Publish(testHeader(i), benchParts())
		must(b, err)
	}
}

// BenchmarkOpen is what a start pays: the newest floor read whole.
func BenchmarkOpen(b *testing.B) {
	fsys, s := benchStore(b)
	_, _, err := s.Publish(testHeader(9), benchParts())
	must(b, err)
	b.SetBytes(benchBytes)
	for b.Loop() {
		_, err := Open(fsys, testDir, Options{})
		must(b, err)
	}
}

// BenchmarkRestore is Raft's way to the sections: the snapshot's reader, and the reading of parts from it.
func BenchmarkRestore(b *testing.B) {
	_, s := benchStore(b)
	_, _, err := s.Publish(testHeader(9), benchParts())
	must(b, err)
	b.SetBytes(benchBytes)
	b.ReportAllocs()
	for b.Loop() {
		_, r, err := s.Open(fileName(9, false))
		must(b, err)
		_, _, err = Read(r, nil, func(_ string, r io.Reader) error { _, err := io.Copy(io.Discard, r); return err })
		must(b, err)
		must(b, r.Close())
	}
}
