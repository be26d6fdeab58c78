package slowreader

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Strip says what an epoch of a stream has in one seal ordinal (docs/format/content.md).
type Strip struct {
	Key     Key
	Ordinal uint32
	Frames  uint64
	Root    Hash // over the groups of frames
	Runs    []Run
}

const (
	groupMagic = "gapless/frames/v1"
	stripMagic = "gapless/strip/v1"

	contentSnapshot  = 1
	contentNoTime    = 2
	contentSameShape = 128
)

// ordinal is which seal covers a frame.
func (r *Row) ordinal() uint32 { return max(1, r.Seal) }

// Content makes the strips of one seal ordinal from all segments that have frames of it, in order, and the content root over them.
func Content(ordinal uint32, segments ...*Segment) ([]Strip, Hash, error) {
	rows, err := distinctRows(segments)
	if err != nil {
		return nil, Hash{}, err
	}
	rows = slices.DeleteFunc(rows, func(r *Row) bool { return r.ordinal() != ordinal })
	var strips []Strip
	var hashes []Hash
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].Key == rows[0].Key {
			n++
		}
		s := makeStrip(ordinal, rows[:n])
		strips, hashes = append(strips, s), append(hashes, leafHash(s.bytes()))
		rows = rows[n:]
	}
	return strips, treeRoot(hashes), nil
}

// distinctRows are the frames of all segments by epoch and number. One that several have has to be the same in all.
func distinctRows(segments []*Segment) ([]*Row, error) {
	var rows []*Row
	for _, s := range segments {
		for i := range s.Rows {
			rows = append(rows, &s.Rows[i])
		}
	}
	slices.SortStableFunc(rows, func(a, b *Row) int { return cmp.Or(a.Compare(b.Key), cmp.Compare(a.Seq, b.Seq)) })
	var distinct []*Row
	for _, r := range rows {
		if n := len(distinct); n == 0 || distinct[n-1].Key != r.Key || distinct[n-1].Seq != r.Seq {
			distinct = append(distinct, r)
		} else if other := distinct[n-1]; other.ordinal() != r.ordinal() || !bytes.Equal(appendFrame(nil, other, nil), appendFrame(nil, r, nil)) {
			return nil, damaged("two different frames are %v %d", r.Key, r.Seq)
		}
	}
	return distinct, nil
}

// makeStrip makes the strip of frames of one epoch.
func makeStrip(ordinal uint32, rows []*Row) Strip {
	s := Strip{Key: rows[0].Key, Ordinal: ordinal, Frames: uint64(len(rows))}
	var groups []Hash
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && rows[to].Seq>>6 == rows[from].Seq>>6 {
			to++
		}
		groups = append(groups, leafHash(groupBytes(ordinal, rows[from:to])))
		from = to
	}
	s.Root = treeRoot(groups)
	for _, r := range rows {
		s.Runs = appendRuns(s.Runs, []uint64{r.Seq})
	}
	return s
}

// groupBytes are up to 64 frames of one epoch and one ordinal as they are hashed.
func groupBytes(ordinal uint32, rows []*Row) []byte {
	b := appendEpoch([]byte(groupMagic), rows[0].Key, ordinal)
	b = append(b, byte(len(rows)))
	var before *Row
	for _, r := range rows {
		b = appendFrame(b, r, before)
		before = r
	}
	return b
}

func appendEpoch(b []byte, k Key, ordinal uint32) []byte {
	b = appendName(appendName(appendName(b, k.Tenant), k.Device), k.Stream)
	b = binary.LittleEndian.AppendUint32(b, k.Epoch)
	return binary.LittleEndian.AppendUint32(b, ordinal)
}

// appendName appends a name behind its length.
func appendName(b []byte, name string) []byte {
	return append(binary.LittleEndian.AppendUint16(b, uint16(len(name))), name...)
}

// appendFrame appends one frame of a group, behind the frame before, if any.
func appendFrame(b []byte, r, before *Row) []byte {
	var flags byte
	ns := r.TimeNS
	if r.Class == 2 {
		flags |= contentSnapshot
	}
	if r.Flags&flagNoTime != 0 {
		flags |= contentNoTime
		ns = 0
	}
	same := before != nil && slices.EqualFunc(before.Fields, r.Fields, func(a, b Field) bool { return a.Name == b.Name && a.Kind == b.Kind })
	if same {
		flags |= contentSameShape
	}
	b = append(binary.LittleEndian.AppendUint64(b, r.Seq), flags)
	b = binary.LittleEndian.AppendUint64(b, uint64(ns))
	if !same {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(r.Fields)))
		for _, f := range r.Fields {
			b = append(appendName(b, f.Name), f.Kind)
		}
	}
	for _, f := range r.Fields {
		if f.Kind == kindString || f.Kind == kindBytes {
			b = appendLong(b, f.Bytes)
		} else {
			b = binary.LittleEndian.AppendUint64(b, f.Bits)
		}
	}
	return appendLong(b, r.Raw)
}

// appendLong appends bytes behind their length.
func appendLong(b, long []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(long))), long...)
}

// bytes is a strip as it is hashed.
func (s *Strip) bytes() []byte {
	b := appendEpoch([]byte(stripMagic), s.Key, s.Ordinal)
	b = binary.LittleEndian.AppendUint64(b, s.Frames)
	b = append(b, s.Root[:]...)
	b = binary.AppendUvarint(b, uint64(len(s.Runs)))
	next := uint64(0)
	for _, r := range s.Runs {
		b = binary.AppendUvarint(b, r.First-next)
		b = binary.AppendUvarint(b, r.Last-r.First)
		next = r.Last + 1
	}
	return b
}

// ParseStrip reads a strip, and refuses every form but the one that it has.
func ParseStrip(b []byte) (*Strip, error) {
	in := &input{rest: b}
	if got := in.fixed(len(stripMagic)); in.err == nil && string(got) != stripMagic {
		in.fail("a strip begins with %q", got)
	}
	s := &Strip{}
	s.Key.Tenant, s.Key.Device, s.Key.Stream = in.name(uint64(in.u16())), in.name(uint64(in.u16())), in.name(uint64(in.u16()))
	s.Key.Epoch, s.Ordinal, s.Frames = in.u32(), in.u32(), in.u64()
	copy(s.Root[:], in.fixed(len(s.Root)))
	runs := in.shortest()
	if in.err == nil && (s.Ordinal == 0 || s.Frames == 0 || runs == 0 || runs > s.Frames) {
		in.fail("ordinal %d, %d frames in %d runs", s.Ordinal, s.Frames, runs)
	}
	left := s.Frames
	next, full := uint64(0), false
	for i := uint64(0); i < runs && in.err == nil; i++ {
		gap, more := in.shortest(), in.shortest()
		switch {
		case in.err != nil:
		case full || i > 0 && gap == 0 || gap > math.MaxUint64-next || more > math.MaxUint64-next-gap || more >= left:
			in.fail("run %d: %d numbers missing behind %d, and %d more of %d", i, gap, next, more, left)
		default:
			r := Run{next + gap, next + gap + more}
			s.Runs = append(s.Runs, r)
			left -= more + 1
			next, full = r.Last+1, r.Last == math.MaxUint64
		}
	}
	if in.err == nil && left != 0 {
		in.fail("the runs have %d numbers fewer than the strip frames", left)
	}
	if err := in.end(); err != nil {
		return nil, fmt.Errorf("strip: %w", err)
	}
	return s, nil
}
