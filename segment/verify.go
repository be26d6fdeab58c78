package segment

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment/column"
)

// Verify reads the whole file and checks everything that can be checked: the hash against the name (unless that is zero), every
// checksum, that header and footer agree, that keys, epochs and numbers ascend through all blocks, that the device index names every run
// of every block once and says of it what is there, coverage, statistics, and the counts of the footer. progress, which may be nil, is
// called now and then with the bytes that are done, of twice the size: the file is read once for its hash and once for what it says.
//
// A column of an encoding that this program does not know is an error (column.ErrUnknownEncoding), and not damage.
func Verify(r io.ReaderAt, size int64, name Name, progress func(done, total int64)) (Info, error) {
	if progress == nil {
		progress = func(done, total int64) {}
	}
	v := verifier{progress: func(done int64) { progress(done, 2*size) }}
	sum, err := v.hash(r, size)
	if err != nil {
		return Info{}, err
	}
	if name != (Name{}) && sum != name {
		return Info{}, &CorruptError{What: "file", Want: "hash " + name.String(), Got: sum.String()}
	}
	if v.r, err = NewReader(r, size, ReaderOptions{Name: sum}); err != nil {
		return Info{}, err
	}
	if err := v.header(); err != nil {
		return Info{}, err
	}
	if err := v.r.Each(v.epoch); err != nil {
		return Info{}, err
	}
	if err := v.finish(); err != nil {
		return Info{}, err
	}
	progress(2*size, 2*size)
	return v.r.Info(), nil
}

// verifier walks the device index and the blocks side by side.
type verifier struct {
	r        *Reader
	progress func(done int64)

	// The block at hand, and the run that the index must name next.
	dir    *directory
	rows   *blockRows
	run    int
	at     int64 // where the next block begins
	tenant []byte

	lastKey      []byte
	lastOrdinal  uint32
	frames       uint64
	epochs       uint32
	blocks       uint32
	minNS, maxNS int64
}

// hash reads the file front to back.
func (v *verifier) hash(r io.ReaderAt, size int64) (Name, error) {
	sum := sha256.New()
	buf := make([]byte, writeBuffer)
	for at := int64(0); at < size; {
		b := buf[:min(int64(len(buf)), size-at)]
		n, err := r.ReadAt(b, at)
		if n < len(b) {
			if errors.Is(err, io.EOF) {
				return Name{}, &CorruptError{Offset: at, What: "file", Want: fmt.Sprintf("%d bytes", size), Got: fmt.Sprint(at + int64(n))}
			}
			return Name{}, fmt.Errorf("segment: read %d bytes at %d: %w", len(b), at, err)
		}
		sum.Write(b)
		at += int64(n)
		v.progress(at)
	}
	return Name(sum.Sum(nil)), nil
}

// header compares the front of the file with the copy in the footer, and the sections with their checksums.
func (v *verifier) header() error {
	f := v.r.footer
	b, err := v.r.read(byteSpan{0, int64(len(f.headerBytes))}, nil)
	if err != nil {
		return err
	}
	if !bytes.Equal(b, f.headerBytes) {
		return damaged("header", 0, fmt.Sprintf("%x as in the footer", f.headerBytes), fmt.Sprintf("%x", b))
	}
	for _, s := range f.sections {
		crc := uint32(0)
		for at := s.offset; at < s.end(); {
			to := min(at+writeBuffer, s.end())
			if b, err = v.r.read(byteSpan{at, to}, b); err != nil {
				return err
			}
			crc, at = updateSum(crc, b), to
		}
		if crc != s.crc {
			return damagedSum(s.String(), s.offset, s.crc, crc)
		}
	}
	v.at = f.body.offset
	v.minNS, v.maxNS = f.maxNS, f.minNS
	return nil
}

// epoch checks what the index says of one epoch.
func (v *verifier) epoch(key frame.StreamKey, e *Epoch) error {
	encoded := appendKey(nil, key)
	if v.epochs > 0 && (bytes.Compare(v.lastKey, encoded) > 0 || bytes.Equal(v.lastKey, encoded) && v.lastOrdinal >= e.Ordinal) {
		return damaged("device index", v.at, fmt.Sprintf("an epoch above %d of %q", v.lastOrdinal, v.lastKey), fmt.Sprintf("%d of %q", e.Ordinal, encoded))
	}
	v.lastKey, v.lastOrdinal = encoded, e.Ordinal
	var runs []ledger.Run
	for i := range e.refs {
		seqs, err := v.ref(encoded, e, &e.refs[i])
		if err != nil {
			return err
		}
		runs = appendRuns(runs, 0, seqs)
		v.frames += uint64(len(seqs))
	}
	if !slices.Equal(runs, e.runs) {
		return damaged("coverage", v.dir.offset, fmt.Sprintf("%d runs of numbers of epoch %d of %q", len(runs), e.Ordinal, encoded),
			fmt.Sprintf("%d that are not those", len(e.runs)))
	}
	v.epochs++
	v.minNS, v.maxNS = min(v.minNS, e.FirstNS), max(v.maxNS, e.LastNS)
	return nil
}

// ref checks what the index says of an epoch's rows in one block, and returns their numbers.
func (v *verifier) ref(key []byte, e *Epoch, ref *blockRef) ([]uint64, error) {
	if v.dir == nil || v.run == v.dir.runs {
		if err := v.next(ref); err != nil {
			return nil, err
		}
	}
	if ref.offset != v.dir.offset || int(ref.run) != v.run {
		return nil, damaged("index page", v.dir.offset, fmt.Sprintf("run %d of the block at %d next", v.run, v.dir.offset),
			fmt.Sprintf("run %d of the one at %d", ref.run, ref.offset))
	}
	if err := v.rows.check(ref); err != nil {
		return nil, locate(err, "", "", ref.offset)
	}
	run := &v.rows.runs[v.run]
	if !bytes.Equal(run.key, key) || run.ordinal != e.Ordinal || !bytes.Equal(tenantOf(key), v.tenant) {
		return nil, damaged("block", ref.offset, fmt.Sprintf("epoch %d of %q, of tenant %q", e.Ordinal, key, v.tenant), fmt.Sprintf("epoch %d of %q", run.ordinal, run.key))
	}
	lo, hi := v.rows.filed(run.first), v.rows.filed(run.first)
	for row := run.first; row < run.first+run.rows; row++ {
		ns := v.rows.filed(row)
		lo, hi = min(lo, ns), max(hi, ns)
	}
	if lo != ref.minNS || hi != ref.maxNS {
		return nil, damaged("index page", ref.offset, fmt.Sprintf("times from %d to %d", lo, hi), fmt.Sprintf("%d to %d", ref.minNS, ref.maxNS))
	}
	v.run++
	return v.rows.seq[run.first : run.first+run.rows], nil
}

// next reads the block that the previous one leads to, all of it.
func (v *verifier) next(ref *blockRef) error {
	if ref.offset != v.at {
		return damaged("index page", v.at, fmt.Sprintf("a block at %d", v.at), ref.offset)
	}
	l := v.r.loader(ref)
	defer l.release()
	d, err := l.directory(true)
	if err != nil {
		return err
	}
	rows, err := l.rows(true)
	if err != nil {
		return err
	}
	if err := d.checkBounds(rows); err != nil {
		return locate(err, "", "", d.offset)
	}
	var list []*blockColumn
	for i := range d.columns {
		if c := &d.columns[i]; c.part > partOrdinal {
			list = append(list, c)
		}
	}
	err = l.chunks(list, func(c *blockColumn, b []byte) error { return checkColumn(&l.s.dec, c, d.rows, b) })
	if err != nil {
		return err
	}
	v.dir, v.rows, v.run, v.at = d, rows, 0, d.offset+d.length
	v.tenant = tenantOf(rows.runs[0].key)
	v.blocks++
	v.progress(v.r.size + v.at)
	return nil
}

// checkColumn decodes a column and compares it with its statistics. What a column of an unknown part holds nobody knows.
func checkColumn(dec *column.Decoder, c *blockColumn, rows int, b []byte) error {
	if c.part > partRaw {
		return nil
	}
	vals, err := decodeValues(dec, c, rows, b)
	if err != nil || c.part == partRaw {
		return err
	}
	said, err := c.statistics()
	if err != nil {
		return err
	}
	found := vals.statistics(nil)
	found.Name = said.Name
	if !said.same(&found) {
		return damaged("statistics of "+c.String(), 0, fmt.Sprintf("%+v", found), fmt.Sprintf("%+v", said))
	}
	return nil
}

// statistics computes what the directory must say. It may use room, which may be nil.
func (v *values) statistics(room *[]column.Float) FieldStats {
	if v.len() == 0 {
		return FieldStats{Kind: v.kind}
	}
	switch v.kind {
	case frame.KindFloat:
		if room == nil {
			room = &[]column.Float{}
		}
		list := (*room)[:0]
		for _, n := range v.nums {
			list = append(list, column.Float{Bits: n})
		}
		*room = list
		return floatStats(list)
	case frame.KindInt:
		return intStats(v.ints)
	case frame.KindUint:
		return uintStats(v.nums)
	case frame.KindBool:
		return boolStats(v.bools)
	}
	return textStats(v.kind, v.texts)
}

func (v *values) len() int { return len(v.nums) + len(v.ints) + len(v.bools) + len(v.texts) }

// finish checks that the index has named everything, and the counts.
func (v *verifier) finish() error {
	f := v.r.footer
	if v.run != v.dir.runs || v.at != f.body.end() {
		return damaged("device index", v.at, fmt.Sprintf("blocks up to %d", f.body.end()), fmt.Sprintf("up to %d, run %d of %d", v.at, v.run, v.dir.runs))
	}
	if v.frames != f.frames || v.epochs != f.epochs || v.blocks != f.blocks || v.minNS != f.minNS || v.maxNS != f.maxNS {
		return damaged("footer", f.top.end(), fmt.Sprintf("%d frames, %d epochs, %d blocks, times %d to %d", v.frames, v.epochs, v.blocks, v.minNS, v.maxNS),
			fmt.Sprintf("%d, %d, %d, %d to %d", f.frames, f.epochs, f.blocks, f.minNS, f.maxNS))
	}
	return nil
}
