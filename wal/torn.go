package wal

import (
	"cmp"
	"fmt"
	"path"
	"slices"

	"github.com/gaplessdb/gapless/vfs"
)

const (
	maxTornBytes = 4 << 20 // kept of one torn tail
	maxTornFiles = 8       // the newest are kept
)

// tornTail is what a write that was never synced left behind.
type tornTail struct {
	header fileHeader    // of the file it was in; first is the index of the first entry that is not whole
	bytes  []byte        // from where that entry should begin, without zeros at the end, maxTornBytes at most
	damage *CorruptError // the place, and what is wrong there
}

// tail reads what stands behind the last valid record.
func (s *scan) tail() (*tornTail, error) {
	b, err := s.bytes(s.end, min(s.size-s.end, maxTornBytes))
	if err != nil {
		return nil, err
	}
	n := len(b)
	for n > 0 && b[n-1] == 0 {
		n--
	}
	first := s.next()
	if first == 0 {
		first = s.later.low
	}
	h := fileHeader{generation: s.generation, first: first}
	return &tornTail{header: h, bytes: slices.Clone(b[:n]), damage: s.damage}, nil
}

// keep writes the tail to torn-<index>-<n>, in the shape of a log file, and removes the oldest beyond maxTornFiles.
// It returns the name of the new file.
func (t *tornTail) keep(fsys vfs.FS, dir string, names []string) (string, error) {
	old := tornFiles(names)
	n := uint64(1)
	if len(old) > 0 {
		_, newest, _ := parseTornName(old[len(old)-1])
		n = newest + 1
	}
	name := path.Join(dir, tornName(t.header.first, n))
	if err := writeNew(fsys, name, append(t.header.append(nil), t.bytes...)); err != nil {
		return "", fmt.Errorf("wal: keep torn tail: %w", err)
	}
	for len(old) >= maxTornFiles {
		if err := fsys.Remove(path.Join(dir, old[0])); err != nil {
			return "", fmt.Errorf("wal: remove old torn tail: %w", err)
		}
		old = old[1:]
	}
	if err := fsys.SyncDir(dir); err != nil {
		return "", fmt.Errorf("wal: sync %s after keeping a torn tail: %w", dir, err)
	}
	return name, nil
}

// tornFiles picks the names of torn tails, the oldest first.
func tornFiles(names []string) []string {
	var torn []string
	for _, name := range names {
		if _, _, ok := parseTornName(name); ok {
			torn = append(torn, name)
		}
	}
	slices.SortFunc(torn, func(a, b string) int {
		_, x, _ := parseTornName(a)
		_, y, _ := parseTornName(b)
		return cmp.Compare(x, y)
	})
	return torn
}
