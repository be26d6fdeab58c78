package slowreader

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
)

// Segment is everything that a segment file says.
type Segment struct {
	Header
	FirstNS, LastNS int64 // bounds of FiledNS
	Blocks          int
	Rows            []Row   // by tenant, device, stream, epoch and seq
	Epochs          []Epoch // what the device index says, in the same order
}

// Key names an epoch of a stream.
type Key struct {
	Tenant, Device, Stream string
	Epoch                  uint32
}

// Row is one frame and what the store added to it.
type Row struct {
	Key
	Seq       uint64
	TimeNS    int64 // the receive time where the device sent none
	ReceiveMS int64
	Class     byte // 1 event, 2 snapshot
	Flags     uint64
	Seal      uint32
	Index     uint64
	Ordinal   uint32
	Fields    []Field // by name
	Raw       []byte
}

// Field is a named value. Texts and binary values are Bytes, everything else is Bits.
type Field struct {
	Name  string
	Kind  byte // 1 float, 2 int, 3 uint, 4 bool, 5 string, 6 bytes
	Bits  uint64
	Bytes []byte
}

// The kinds of values.
const (
	kindFloat  = 1
	kindInt    = 2
	kindUint   = 3
	kindBool   = 4
	kindString = 5
	kindBytes  = 6
)

// The flags that this reader has to know.
const (
	flagNoTime = 1 << 0
	flagSkew   = 1 << 1
)

// FiledNS is the time that a frame is found under.
func (r *Row) FiledNS() int64 {
	if r.Flags&flagSkew == 0 {
		return r.TimeNS
	}
	const million = 1_000_000
	switch {
	case r.ReceiveMS > math.MaxInt64/million:
		return math.MaxInt64
	case r.ReceiveMS < math.MinInt64/million:
		return math.MinInt64
	}
	return r.ReceiveMS * million
}

// NameOf is the name of a segment file: the SHA-256 of all of it, in hexadecimal, without the extension.
func NameOf(file []byte) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:])
}

// ReadNamed reads a segment whose name is known.
func ReadNamed(name string, file []byte) (*Segment, error) {
	if got := NameOf(file); got != name {
		return nil, damaged("segment %s: the bytes are those of %s", name, got)
	}
	return Read(file)
}

// Read reads a whole segment file and compares everything in it that is said twice.
func Read(file []byte) (*Segment, error) {
	foot, err := readFooter(file)
	if err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	s := &Segment{Header: foot.header}
	blocks, err := readBlocks(foot.section(file, sectionBlocks), foot.at(sectionBlocks))
	if err != nil {
		return nil, err
	}
	s.Blocks = len(blocks)
	for _, b := range blocks {
		s.Rows = append(s.Rows, b.rows...)
	}
	if err := checkOrder(blocks); err != nil {
		return nil, err
	}
	entries, err := readIndex(foot.section(file, sectionIndex), foot.section(file, sectionTop))
	if err != nil {
		return nil, err
	}
	if s.Epochs, err = joinEntries(entries, blocks); err != nil {
		return nil, err
	}
	s.FirstNS, s.LastNS = foot.counts.firstNS, foot.counts.lastNS
	return s, checkCounts(s, foot.counts)
}

// checkOrder holds the rows of a file against their order: no number comes twice, and blocks have rows of one tenant.
func checkOrder(blocks []*block) error {
	var before *Row
	for _, b := range blocks {
		for i := range b.rows {
			r := &b.rows[i]
			if r.Tenant != b.rows[0].Tenant {
				return damaged("block at %d: tenants %q and %q", b.offset, b.rows[0].Tenant, r.Tenant)
			}
			if before != nil {
				if order := before.Compare(r.Key); order > 0 || order == 0 && before.Seq >= r.Seq {
					return damaged("block at %d: %v %d stands behind %v %d", b.offset, r.Key, r.Seq, before.Key, before.Seq)
				}
			}
			before = r
		}
	}
	return nil
}

// checkCounts holds what the footer counts against the rows.
func checkCounts(s *Segment, said counts) error {
	is := counts{frames: uint64(len(s.Rows)), epochs: uint32(len(s.Epochs)), blocks: uint32(s.Blocks), firstNS: math.MaxInt64, lastNS: math.MinInt64}
	for i := range s.Rows {
		r := &s.Rows[i]
		is.firstNS, is.lastNS = min(is.firstNS, r.FiledNS()), max(is.lastNS, r.FiledNS())
		if r.Index < s.FirstIndex || r.Index > s.LastIndex {
			return damaged("%v %d has Raft index %d, the file those from %d to %d", r.Key, r.Seq, r.Index, s.FirstIndex, s.LastIndex)
		}
	}
	if is != said {
		return damaged("counts: the footer says %+v, the rows %+v", said, is)
	}
	return nil
}

func u32At(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
