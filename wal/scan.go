package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// scan is what reading one log file from its start found.
type scan struct {
	window
	generation
	seed uint32

	hasHeader bool          // the file has a valid header of this generation, so it was written to
	first     uint64        // index of the first record: the header's, else the one that was expected; 0 if neither is known
	offsets   []int64       // of the valid records first, first+1, ...
	end       int64         // where the last valid record ends
	base      uint64        // the index that the write of the last valid record began with
	damage    *CorruptError // why the records end; nil at an end marker, and at the end that a sealed file should have
	misplaced bool          // the damage is a sound record of another index: no crash does that
	later     evidence      // of this generation, behind the end
}

// evidence is what is left of writes behind the place where valid records end.
type evidence struct {
	found     bool
	low, high uint64 // the lowest and highest index that one of these writes began with
}

// next is the index of the first record that is not there. It is 0 if the log is empty and may start anywhere.
func (s *scan) next() uint64 { return s.first + uint64(len(s.offsets)) }

// written says whether anything was ever written to the file in this generation.
func (s *scan) written() bool { return s.hasHeader || s.later.found }

// lost says whether records are missing that had been synced: a later write began after the first record that is not there, or
// another one took its place.
func (s *scan) lost() bool {
	expect := s.next()
	if expect == 0 {
		expect = s.later.low
	}
	return s.misplaced || s.later.found && s.later.high > expect
}

// readHeader looks for the header of this generation. Another generation's is none; that of another version is an error.
func (s *scan) readHeader() error {
	b, err := s.bytes(0, min(s.size, fileHeaderSize))
	if err != nil {
		return err
	}
	h, err := parseFileHeader(s.path, b)
	if err != nil {
		if !errors.As(err, &s.damage) {
			return err
		}
		return nil
	}
	if h.generation != s.generation {
		s.damage = corrupt(fmt.Sprintf("generation %d/%016x", s.number, s.salt), fmt.Sprintf("%d/%016x", h.number, h.salt)).at(s.path, 0)
		return nil
	}
	s.hasHeader, s.first = true, h.first
	return nil
}

// readRecords reads entries from the first on, until something else comes or limit is reached.
func (s *scan) readRecords(limit int64) error {
	s.end = fileHeaderSize
	if !s.hasHeader {
		return nil
	}
	for s.end < limit {
		h, err := s.record(limit)
		if err != nil {
			return err
		}
		if s.damage != nil || h.ends() {
			return nil
		}
		s.offsets = append(s.offsets, s.end)
		s.end += h.size()
		s.base = h.base()
	}
	return nil
}

// record reads and checks what stands at s.end; what is wrong with it goes to s.damage.
func (s *scan) record(limit int64) (h recordHeader, err error) {
	room := limit - s.end
	b, err := s.bytes(s.end, min(room, recordHeaderSize))
	if err != nil {
		return h, err
	}
	h, damage := parseRecordHeader(s.seed, b, room)
	if damage == nil && h.index != s.next() {
		damage = corrupt(fmt.Sprintf("index %d", s.next()), fmt.Sprint(h.index))
		s.misplaced = true
	}
	if damage == nil {
		if b, err = s.bytes(s.end, h.size()); err != nil {
			return h, err
		}
		damage = h.checkBody(b)
	}
	if damage != nil {
		s.damage = damage.at(s.path, s.end)
	}
	return h, nil
}

// search collects the record headers of this generation from off on.
func (s *scan) search(off int64) error {
	for {
		h, at, err := s.nextHeader(off)
		if err != nil || at < 0 {
			return err
		}
		s.later.add(&h)
		off = at + 1
	}
}

// nextHeader returns the first valid record header of this generation, with an index that may follow, at off or behind, and its
// offset; -1 if there is none. It looks at every byte. The salt makes a false one as unlikely as a collision of CRCs, whatever
// clients wrote into their data; the cheap test of the index comes first, for stale bytes of a recycled file carry lower ones.
func (s *scan) nextHeader(off int64) (recordHeader, int64, error) {
	low, span := max(s.next(), 1), uint64(1)<<63
	if s.next() > 0 {
		span = uint64(s.size) / recordHeaderSize
	}
	for s.size-off >= recordHeaderSize {
		b, err := s.rest(off, recordHeaderSize)
		if err != nil {
			return recordHeader{}, -1, err
		}
		for p := 0; p+recordHeaderSize <= len(b); p++ {
			if binary.LittleEndian.Uint64(b[p+16:])-low > span || !validHeader(s.seed, b[p:]) {
				continue
			}
			at := off + int64(p)
			if h, damage := parseRecordHeader(s.seed, b[p:], s.size-at); damage == nil {
				return h, at, nil
			}
		}
		off += int64(len(b)) - recordHeaderSize + 1
	}
	return recordHeader{}, -1, nil
}

func (e *evidence) add(h *recordHeader) {
	if !e.found || h.base() < e.low {
		e.low = h.base()
	}
	e.found, e.high = true, max(e.high, h.base())
}
