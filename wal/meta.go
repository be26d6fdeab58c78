package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path"

	"github.com/gaplessdb/gapless/vfs"
)

const (
	metaMagic      = "GWLM"
	metaVersion    = 1
	metaHeaderSize = 24
	metaEntrySize  = 48
	metaMinSize    = metaHeaderSize + 4
	maxMetaSize    = 64 << 20 // bounds what a damaged file system makes us allocate; 1.4 million log files
)

// meta says which log files count, in order.
//
//	0       4   6   8       16      20     24                                  24+48n
//	┌───────┬───┬───┬───────┬───────┬───────┬───────────────────────────────┬───────┐
//	│ "GWLM"│ v │ 0 │ first │   n   │   0   │ n entries of 48 bytes         │  CRC  │
//	└───────┴───┴───┴───────┴───────┴───────┴───────────────────────────────┴───────┘
type meta struct {
	first uint64 // logical first index; 0: wherever the first file begins
	files []metaFile
}

// metaFile is one log file that counts. A sealed one holds exactly what first, last and end say. Another one holds at least
// that, or perhaps nothing if they are 0.
//
//	number u64 | salt u64 | first u64 | last u64 | end u64 | sealed u8, 7 zeros
type metaFile struct {
	generation
	sealed      bool
	first, last uint64 // inclusive
	end         int64  // offset at which the last record ends
}

func (m *meta) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, metaMagic...)
	dst = binary.LittleEndian.AppendUint16(dst, metaVersion)
	dst = binary.LittleEndian.AppendUint16(dst, 0)
	dst = binary.LittleEndian.AppendUint64(dst, m.first)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(m.files)))
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	for i := range m.files {
		dst = m.files[i].append(dst)
	}
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

func (f *metaFile) append(dst []byte) []byte {
	sealed := uint64(0)
	if f.sealed {
		sealed = 1
	}
	for _, v := range [...]uint64{f.number, f.salt, f.first, f.last, uint64(f.end), sealed} {
		dst = binary.LittleEndian.AppendUint64(dst, v)
	}
	return dst
}

// parseMeta reads the contents of the meta file at path.
func parseMeta(path string, b []byte) (*meta, error) {
	if len(b) < metaMinSize {
		return nil, corrupt(fmt.Sprintf("at least %d bytes", metaMinSize), fmt.Sprintf("%d", len(b))).at(path, 0)
	}
	if string(b[:4]) != metaMagic {
		return nil, corrupt(fmt.Sprintf("magic %q", metaMagic), fmt.Sprintf("%q", b[:4])).at(path, 0)
	}
	body, tail := b[:len(b)-4], b[len(b)-4:]
	if sum, stored := crc32.Checksum(body, castagnoli), binary.LittleEndian.Uint32(tail); sum != stored {
		return nil, corrupt(fmt.Sprintf("CRC %08x", sum), fmt.Sprintf("%08x", stored)).at(path, int64(len(body)))
	}
	if v := binary.LittleEndian.Uint16(b[4:]); v != metaVersion {
		return nil, versionError(path, v, metaVersion)
	}
	m := &meta{first: binary.LittleEndian.Uint64(b[8:])}
	n := int(binary.LittleEndian.Uint32(b[16:]))
	if len(body) != metaHeaderSize+n*metaEntrySize {
		return nil, corrupt(fmt.Sprintf("%d bytes for %d files", metaMinSize+n*metaEntrySize, n), fmt.Sprintf("%d", len(b))).at(path, 16)
	}
	m.files = make([]metaFile, n)
	for i := range m.files {
		m.files[i].parse(body[metaHeaderSize+i*metaEntrySize:])
	}
	return m, m.check(path)
}

func (f *metaFile) parse(b []byte) {
	f.number = binary.LittleEndian.Uint64(b[0:])
	f.salt = binary.LittleEndian.Uint64(b[8:])
	f.first = binary.LittleEndian.Uint64(b[16:])
	f.last = binary.LittleEndian.Uint64(b[24:])
	f.end = int64(binary.LittleEndian.Uint64(b[32:]))
	f.sealed = b[40] != 0
}

// check holds what parseMeta found against the rules of the format: numbers ascend, sealed files come first and follow each other
// without a gap, and the first index is among them.
func (m *meta) check(path string) error {
	for i := range m.files {
		f, off := &m.files[i], int64(metaHeaderSize+i*metaEntrySize)
		if f.bad() {
			got := fmt.Sprintf("sealed %v, indexes %d..%d, end %d", f.sealed, f.first, f.last, f.end)
			return corrupt("a file with records, or an unsealed one without", got).at(path, off)
		}
		if i == 0 {
			continue
		}
		prev := &m.files[i-1]
		if f.number <= prev.number {
			return corrupt(fmt.Sprintf("a file number above %d", prev.number), fmt.Sprint(f.number)).at(path, off)
		}
		if f.sealed && !prev.sealed {
			return corrupt("no sealed file after an unsealed one", fmt.Sprintf("file %d", f.number)).at(path, off)
		}
		if f.sealed && f.first != prev.last+1 {
			return corrupt(fmt.Sprintf("first index %d", prev.last+1), fmt.Sprint(f.first)).at(path, off)
		}
	}
	if len(m.files) > 0 && m.files[0].sealed && (m.first < m.files[0].first || m.first > m.files[0].last) {
		f := &m.files[0]
		return corrupt(fmt.Sprintf("first index in %d..%d", f.first, f.last), fmt.Sprint(m.first)).at(path, 8)
	}
	return nil
}

// bad says that what f holds is impossible.
func (f *metaFile) bad() bool {
	if !f.sealed && f.first == 0 && f.last == 0 && f.end == 0 {
		return false
	}
	return f.first == 0 || f.last < f.first || f.end < fileHeaderSize+recordHeaderSize
}

// readMeta returns nil without error when dir has no meta file.
func readMeta(fsys vfs.FS, dir string) (*meta, error) {
	name := path.Join(dir, metaName)
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("wal: open meta: %w", err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, fmt.Errorf("wal: size of meta: %w", err)
	}
	if size > maxMetaSize {
		return nil, corrupt(fmt.Sprintf("at most %d bytes", maxMetaSize), fmt.Sprint(size)).at(name, 0)
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, size), b); err != nil {
		return nil, fmt.Errorf("wal: read meta: %w", err)
	}
	return parseMeta(name, b)
}

// writeMeta replaces the meta file of dir. After a nil error the new one is durable; after an error either may be.
func writeMeta(fsys vfs.FS, dir string, m *meta) error {
	tmp := path.Join(dir, metaTmpName)
	if err := writeNew(fsys, tmp, m.append(nil)); err != nil {
		return fmt.Errorf("wal: write meta: %w", err)
	}
	if err := fsys.Rename(tmp, path.Join(dir, metaName)); err != nil {
		return fmt.Errorf("wal: replace meta: %w", err)
	}
	if err := fsys.SyncDir(dir); err != nil {
		return fmt.Errorf("wal: sync %s after replacing meta: %w", dir, err)
	}
	return nil
}

// writeNew creates the file name with contents b and syncs it. The name itself is not durable yet.
func writeNew(fsys vfs.FS, name string, b []byte) error {
	f, err := fsys.Create(name)
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(b, 0); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
