package floor

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// resum makes every checksum in b right, as far as b can be followed: a fuzzer does not guess them. It returns b.
func resum(b []byte) []byte {
	if len(b) < preambleSize+trailerSize {
		return b
	}
	n := min(int64(binary.LittleEndian.Uint32(b[8:])), int64(len(b)-preambleSize))
	binary.LittleEndian.PutUint32(b[12:], preambleSum(b, b[preambleSize:preambleSize+n]))
	off, body := preambleSize+n, int64(len(b)-trailerSize)
	for off+blockSize <= body {
		end := off + blockSize + int64(binary.LittleEndian.Uint32(b[off+4:]))
		if end > body {
			break
		}
		binary.LittleEndian.PutUint32(b[off+8:], blockSum(b[off:], off, b[off+blockSize:end]))
		off = end
	}
	sum := sha256.Sum256(b[:body])
	end := int64(binary.LittleEndian.Uint64(b[body:]))
	copy(b[body:], appendTrailer(nil, end, sum))
	return b
}

func fuzzSeeds(f *testing.F) [][]byte {
	var seeds [][]byte
	for _, g := range goldens {
		if b, err := os.ReadFile(filepath.Join("testdata", g.name)); err == nil && len(b) < 1<<14 {
			seeds = append(seeds, b)
		}
	}
	small, _ := encode(f, exampleHeader(), []Part{bytesPart("manifest", []byte("abc")), bytesPart("e", nil)})
	return append(seeds, small, []byte("GFLR"), nil)
}

// Any bytes are read or refused, and what is read would be written again just so: a floor has one encoding.
func FuzzRead(f *testing.F) {
	for _, b := range fuzzSeeds(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range [][]byte{b, resum(bytes.Clone(b))} {
			h, parts, hash, err := readAll(b)
			if err != nil {
				wantKnown(t, err)
				continue
			}
			var again []Part
			for _, p := range parts {
				again = append(again, bytesPart(p.name, p.b))
			}
			file, c := encode(t, h, again)
			if !bytes.Equal(file, b) || c.hash != hash {
				t.Fatalf("read\n%x\nit is written as\n%x", b, file)
			}
		}
	})
}

// A header, and the configuration of Raft in it, may be anything.
func FuzzHeader(f *testing.F) {
	for _, b := range fuzzSeeds(f) {
		if len(b) > preambleSize+trailerSize {
			f.Add(b[preambleSize:])
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseHeader(b)
		if err != nil {
			return
		}
		if again := h.append(nil); !bytes.Equal(again, b) {
			t.Fatalf("%+v is written as %x, was %x", h, again, b)
		}
	})
}

// Whatever stands in the directory, Open either refuses it or gives away floors that can be read, and says nothing of a panic.
func FuzzOpen(f *testing.F) {
	for _, b := range fuzzSeeds(f) {
		f.Add(b, b)
	}
	f.Fuzz(func(t *testing.T, local, installed []byte) {
		m := vfs.NewMem()
		putFile(t, m, fileName(1200, false), local)
		putFile(t, m, fileName(1200, true), resum(bytes.Clone(installed)))
		putFile(t, m, fileName(1100, false), encoded(t, 1100, 0))
		s, err := Open(m, testDir, Options{})
		if err != nil {
			wantKnown(t, err)
			return
		}
		list, err := s.List()
		must(t, err)
		for i, meta := range list {
			_, r, err := s.Open(meta.ID)
			must(t, err)
			_, _, err = Read(r, nil, func(_ string, r io.Reader) error { _, err := io.Copy(io.Discard, r); return err })
			if err != nil && i == 0 {
				t.Fatalf("the newest of %d: %v", len(list), err)
			}
			must(t, r.Close())
		}
	})
}

func wantKnown(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
		t.Fatalf("damage is reported as %v", err)
	}
}
