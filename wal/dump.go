package wal

import (
	"bytes"
	"errors"
	"fmt"
	"path"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/hashicorp/raft"
)

// Record is one thing that Dump found: an entry, or damage.
type Record struct {
	Path   string   // of the file, relative to the root of the file system
	Offset int64    // in the file, in bytes
	Bytes  int64    // length of the record, 0 for damage
	Live   bool     // the log holds the entry; false: it was deleted, truncated or torn off, or stands behind damage
	Log    raft.Log // the entry; its slices are valid until the function returns
	Err    error    // ErrCorrupt or ErrVersion: what is wrong at Offset. Log is zero then
}

// Dump calls fn for everything that can still be read in dir, file by file in their order: entries of the log, what is left of
// deleted ones, torn tails, and damage. It changes nothing and needs no undamaged file; it stops at the first error of fn or of a
// read. On the directory of an open log the newest entries may be missing, or look damaged.
func Dump(fsys vfs.FS, dir string, fn func(Record) error) error {
	names, err := fsys.List(dir)
	if err != nil {
		return fmt.Errorf("wal: list %s: %w", dir, err)
	}
	d := &dump{fs: fsys, fn: fn}
	m, err := readMeta(fsys, dir)
	if err != nil {
		if err := d.damage(path.Join(dir, metaName), 0, err); err != nil {
			return err
		}
	}
	if m == nil {
		m = &meta{}
	}
	d.first = m.first
	listed := map[string]*metaFile{}
	for i := range m.files {
		listed[fileName(m.files[i].number)] = &m.files[i]
	}
	for _, name := range names {
		_, isFile := parseFileName(name)
		_, _, isTorn := parseTornName(name)
		if !isFile && !isTorn {
			continue
		}
		if err := d.file(path.Join(dir, name), listed[name]); err != nil {
			return err
		}
		delete(listed, name)
	}
	for _, e := range m.files { // in order, those that are left
		if name := fileName(e.number); listed[name] != nil {
			missing := &CorruptError{Path: path.Join(dir, name), Want: "a log file", Got: "none"}
			if err := d.damage(missing.Path, 0, missing); err != nil {
				return err
			}
		}
	}
	return nil
}

type dump struct {
	fs    vfs.FS
	fn    func(Record) error
	first uint64 // logical first index
}

// damage reports err if it is about the contents of a file, and returns it if it is about reading.
func (d *dump) damage(name string, off int64, err error) error {
	if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
		return err
	}
	var c *CorruptError
	if errors.As(err, &c) {
		off = c.Offset
	}
	return d.fn(Record{Path: name, Offset: off, Err: err})
}

// file dumps one file; e is what meta says about it, nil if meta does not name it.
func (d *dump) file(name string, e *metaFile) error {
	h, err := d.fs.Open(name)
	if err != nil {
		return fmt.Errorf("wal: open %s: %w", name, err)
	}
	defer h.Close()
	size, err := h.Size()
	if err != nil {
		return fmt.Errorf("wal: size of %s: %w", name, err)
	}
	f := &dumpFile{d: d, s: scan{window: window{r: h, path: name, size: size}}, end: size}
	if e != nil && e.sealed {
		f.end = e.end
	}
	known, err := f.identify(e)
	if err != nil || !known {
		return err
	}
	return f.walk()
}

// dumpFile is a log file or torn tail on its way through Dump. Of its scan only the window and the generation are used.
type dumpFile struct {
	d    *dump
	s    scan
	live bool  // what comes next is part of the log
	end  int64 // where the part of the log ends, at the latest
}

// identify finds out whose records to look for, and reports a header that should be better. Without a generation there is
// nothing to find.
func (f *dumpFile) identify(e *metaFile) (known bool, err error) {
	b, err := f.s.bytes(0, min(f.s.size, fileHeaderSize))
	if err != nil {
		return false, err
	}
	header, err := parseFileHeader(f.s.path, b)
	switch {
	case err == nil && (e == nil || header.generation == e.generation || !e.sealed):
		f.s.generation, f.live = header.generation, e != nil && header.generation == e.generation
	case e != nil:
		f.s.generation, f.live = e.generation, true
		if err == nil {
			err = corrupt(fmt.Sprintf("generation %d/%016x", e.number, e.salt), fmt.Sprintf("%d/%016x", header.number, header.salt))
		}
	case len(bytes.Trim(b, "\x00")) == 0: // a file that was never written to
		return false, nil
	}
	f.s.seed = f.s.generation.seed()
	if err == nil {
		return true, nil
	}
	if e != nil && !e.sealed && !errors.Is(err, ErrVersion) {
		_, at, err := f.s.nextHeader(0)
		if err != nil || at < 0 { // nothing was written yet: this is no damage
			return false, err
		}
	}
	return e != nil, f.d.damage(f.s.path, 0, err)
}

// walk goes from record to record; where there is none it looks for the next one.
func (f *dumpFile) walk() error {
	off := int64(fileHeaderSize)
	for f.s.size-off >= recordHeaderSize {
		f.live = f.live && off < f.end
		n, damage, err := f.record(off)
		if err != nil {
			return err
		}
		if damage == nil {
			off += n
			continue
		}
		if f.live {
			if err := f.d.damage(f.s.path, off, damage.at(f.s.path, off)); err != nil {
				return err
			}
		}
		f.live = false
		_, at, err := f.s.nextHeader(off + 1)
		if err != nil || at < 0 {
			return err
		}
		off = at
	}
	if f.live && off < f.end {
		cut := corrupt("a record", fmt.Sprintf("the end of the file at %d", f.s.size))
		return f.d.damage(f.s.path, off, cut.at(f.s.path, off))
	}
	return nil
}

// record passes the entry at off on and returns its length, or what is wrong with it.
func (f *dumpFile) record(off int64) (n int64, damage *CorruptError, err error) {
	b, err := f.s.bytes(off, recordHeaderSize)
	if err != nil {
		return 0, nil, err
	}
	h, damage := parseRecordHeader(f.s.seed, b, f.s.size-off)
	if damage != nil {
		return 0, damage, nil
	}
	if h.kind == kindEnd {
		f.live = false
		return recordHeaderSize, nil, nil
	}
	if b, err = f.s.bytes(off, h.size()); err != nil {
		return 0, nil, err
	}
	if damage := h.checkBody(b); damage != nil {
		return 0, damage, nil
	}
	r := Record{Path: f.s.path, Offset: off, Bytes: h.size(), Live: f.live && h.index >= f.d.first}
	decodeInto(&r.Log, &h, b)
	return h.size(), nil, f.d.fn(r)
}
