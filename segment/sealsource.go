package segment

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/gaplessdb/gapless/segment/column"
)

// sealFront is what is read of a large block first: its directory, mostly. The column of seal ordinals then says whether to read the rest.
const sealFront = 4 << 10

// sealSource reads the blocks of one segment in the order of the file, of each no more than its seal ordinals where none is asked for. It leaves
// the reader's cache alone, as a merge does. It has a decoded block while the walk has rows ahead in it, one at a time.
type sealSource struct {
	*sealRooms  // of the walk
	r           *Reader
	first, last uint32                    // ordinals that are asked for,
	only        func(ordinal uint32) bool // of them; nil: all
	times       bool                      // what lies behind the seal ordinals is not read
	before      func(n int) error

	offset, length int64        // of the block at hand, 0: there is none
	block          *SealedBlock // at hand; nil: none of its rows has an ordinal that is asked for
	next           int64        // offset of the block in which the epoch behind the one at hand begins, 0: there is none
}

func newSealSource(r *Reader, rooms *sealRooms, first, last uint32, before func(n int) error) *sealSource {
	return &sealSource{sealRooms: rooms, r: r, first: first, last: last, before: before}
}

// load makes the block that the reference leads to the one at hand, and returns where its rows lie. Where no row of the block is asked for, wanted
// is false, and nothing else of it is looked at.
func (s *sealSource) load(ref *blockRef, key []byte, ordinal uint32) (run blockRun, wanted bool, err error) {
	if s.offset != ref.offset {
		if err := s.read(ref); err != nil {
			return run, false, err
		}
	}
	if s.length != int64(ref.length) { // each run of a block has an entry in the index, and each of them says it
		return run, false, s.damage(damaged("block", 4, fmt.Sprintf("a length of %d as the index says", ref.length), s.length), "", ref.offset)
	}
	if s.block == nil {
		return run, false, nil
	}
	rows := &s.block.block.rows
	if err := rows.check(ref); err != nil {
		return run, false, s.damage(err, "block", ref.offset)
	}
	run = rows.runs[ref.run]
	if !bytes.Equal(run.key, key) || run.ordinal != ordinal {
		err := damaged("block", 0, fmt.Sprintf("epoch %d of %q in run %d as the index says", ordinal, key, ref.run),
			fmt.Sprintf("epoch %d of %q", run.ordinal, run.key))
		return run, false, s.damage(err, "", ref.offset)
	}
	return run, true, nil
}

// leave gives the block at hand back, unless rows lie ahead in it: of the epoch at hand, which has those blocks left, or of the one behind it.
func (s *sealSource) leave(refs []blockRef) {
	if s.block == nil || s.next == s.offset || len(refs) > 0 && refs[0].offset == s.offset {
		return
	}
	s.drop()
}

// drop gives the block at hand back.
func (s *sealSource) drop() {
	if s.block != nil {
		s.give(s.block)
	}
	s.offset, s.length, s.block = 0, 0, nil
}

// read makes another block the one at hand, and decodes it where one of its rows is asked for.
func (s *sealSource) read(ref *blockRef) error {
	s.drop()
	if err := s.front(ref); err != nil {
		return err
	}
	if slices.ContainsFunc(s.seal, s.wants) {
		s.block = s.take()
		if err := s.rest(); err != nil {
			s.drop()
			return err
		}
	}
	s.offset, s.length = ref.offset, s.dir.length
	return nil
}

// front reads the directory and the seal ordinals of a block.
func (s *sealSource) front(ref *blockRef) error {
	s.buf = s.buf[:0]
	length := int64(ref.length)
	n := length
	if n > wholeBlock {
		n = sealFront
	}
	if err := s.extend(ref.offset, n); err != nil {
		return err
	}
	got, size, err := blockSize(s.buf)
	if err == nil && got != length {
		err = damaged("block", 4, fmt.Sprintf("a length of %d as the index says", length), got)
	}
	if err == nil && blockHead+size > n {
		if err := s.extend(ref.offset, blockHead+size); err != nil {
			return err
		}
	}
	var d *directory
	if err == nil {
		d, err = parseDirectory(s.buf, ref.offset)
	}
	if err != nil {
		return s.damage(err, "block directory", ref.offset)
	}
	s.r.metrics.Blocks.Add(1)
	s.dir = d
	return s.seals()
}

// extend reads the block that lies at offset up to so many bytes of it.
func (s *sealSource) extend(offset, to int64) error {
	have := int64(len(s.buf))
	if have >= to {
		return nil
	}
	if err := s.before(int(to - have)); err != nil {
		return err
	}
	if int64(cap(s.buf)) < to {
		s.buf = append(make([]byte, 0, to), s.buf...)
	}
	s.buf = s.buf[:to]
	if _, err := s.r.read(byteSpan{offset + have, offset + to}, s.buf[have:]); err != nil {
		s.buf = s.buf[:0]
		return s.r.fail(err)
	}
	return nil
}

// seals decodes the seal ordinals of the block that is read.
func (s *sealSource) seals() error {
	c := s.dir.parts[partSeal]
	from, to := c.offset-s.dir.offset, c.end()-s.dir.offset
	var b []byte
	if to <= int64(len(s.buf)) {
		b = s.buf[from:to]
	} else {
		err := s.before(c.length)
		if err == nil {
			s.room, err = s.r.read(byteSpan{c.offset, c.end()}, s.room)
		}
		if err != nil {
			return s.r.fail(err)
		}
		b = s.room
	}
	list, err := decodeInto(s, s.seal[:0], c, b)
	if err != nil {
		return err
	}
	for i, v := range list {
		if v == 0 { // not known when the row was written: nothing was sealed yet
			list[i] = 1
		}
	}
	s.seal = shorten(list) // 0 and 1 are the same now
	return nil
}

// wants reports whether rows with an ordinal are asked for.
func (s *sealSource) wants(ordinal uint32) bool {
	return s.first <= ordinal && ordinal <= s.last && (s.only == nil || s.only(ordinal))
}

// decodeInto decodes numbers of a small type into room that is there already; of a column in which all are the same, one.
func decodeInto[T uint8 | uint16 | uint32](s *sealSource, room []T, c *blockColumn, b []byte) (_ []T, err error) {
	if got := checksum(b); got != c.crc {
		return nil, s.damage(damagedSum(c.String(), 0, c.crc, got), "", c.offset)
	}
	n := c.values
	if c.chunk.Encoding == column.IntConst {
		n = min(n, 1)
	}
	if s.wide, err = s.dec.Uints(s.wide[:0], n, c.chunk, b); err != nil {
		return nil, s.damage(err, c.String(), c.offset)
	}
	for _, v := range s.wide {
		if uint64(T(v)) != v {
			return nil, s.damage(damaged(c.String(), 0, fmt.Sprintf("at most %d", ^T(0)), v), "", c.offset)
		}
		room = append(room, T(v))
	}
	return shorten(room), nil
}

// shorten is collapse in place.
func shorten[T comparable](list []T) []T {
	for i := range list {
		if list[i] != list[0] {
			return list
		}
	}
	return list[:min(len(list), 1)]
}

// rest reads and decodes what is content of the block whose front was read. Receive times and positions in the log are not.
func (s *sealSource) rest() error {
	length := s.dir.length
	if s.times {
		length = s.dir.parts[partSeal].end() - s.dir.offset
	}
	if err := s.extend(s.dir.offset, length); err != nil {
		return err
	}
	s.block.seal = append(s.block.seal[:0], s.seal...)
	b := &s.block.block
	b.fields, b.raw = b.fields[:0], nil
	for i := range s.dir.columns {
		c := &s.dir.columns[i]
		switch c.part {
		case partSeal, partReceive, partIndex, partOrdinal:
			continue
		}
		if s.times && c.part > partSeal {
			break
		}
		chunk := s.buf[c.offset-s.dir.offset : c.end()-s.dir.offset]
		if err := s.decode(c, chunk); err != nil {
			return err
		}
	}
	if err := s.block.publish(); err != nil {
		return s.damage(err, "", s.dir.offset)
	}
	s.serial++
	s.block.Serial = s.serial
	return nil
}

func (s *sealSource) decode(c *blockColumn, chunk []byte) (err error) {
	b := &s.block.block
	switch c.part {
	case partClass:
		b.rows.class, err = decodeInto(s, b.rows.class[:0], c, chunk)
		return err
	case partFlags:
		b.rows.flags, err = decodeInto(s, b.rows.flags[:0], c, chunk)
		return err
	}
	if got := checksum(chunk); got != c.crc {
		return s.damage(damagedSum(c.String(), 0, c.crc, got), "", c.offset)
	}
	switch c.part {
	case partRuns:
		err = b.rows.decode(&s.dec, s.dir, c, chunk)
	case partSeq:
		if s.wide, err = s.dec.Uints(s.wide[:0], c.values, c.chunk, chunk); err == nil {
			err = b.rows.addSeq(s.dir, c, s.wide)
		}
	case partTime:
		if s.steps, err = s.dec.Ints(s.steps[:0], c.values, c.chunk, chunk); err == nil {
			b.rows.addTime(s.dir, s.steps)
		}
	case partField:
		err = b.field().decode(&s.dec, c, s.dir.rows, chunk)
	case partRaw:
		b.raw = &b.rawRoom
		err = b.raw.decode(&s.dec, c, s.dir.rows, chunk)
	default: // it may be content
		err = fmt.Errorf("%w: %s: upgrade this program", ErrVersion, c)
	}
	if err != nil {
		return s.damage(err, c.String(), c.offset)
	}
	return nil
}

func (s *sealSource) damage(err error, what string, offset int64) error {
	return s.r.fail(locate(err, s.r.opt.Path, what, offset))
}
