package content

import (
	"encoding/binary"
	"fmt"
	"sort"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/merkle"
)

// A strip is a leaf of the content tree of an ordinal. Integers are little endian, uvarints take as few bytes as they can.
//
//	strip = "gapless/strip/v1", 3 x { length u16, tenant | device | stream }, epoch u32, seal ordinal u32, frames u64, frame root 32 bytes,
//	        runs uvarint, runs x { numbers missing before it uvarint (of the first: its first number), length-1 uvarint }
const stripDomain = "gapless/strip/v1"

// Strip says what one epoch of a stream has in one seal ordinal: which numbers, and the root of the tree over its groups of frames.
type Strip struct {
	Key     frame.StreamKey
	Epoch   uint32 // the server's ordinal of the epoch
	Ordinal uint32 // of the seal, from 1 on
	Frames  uint64 // 1 or more
	Root    merkle.Hash
	Runs    []ledger.Run // ascending; they neither overlap nor touch
}

// Append appends the canonical bytes. Those of a strip that breaks a rule are refused by ParseStrip.
func (s *Strip) Append(dst []byte) []byte {
	dst = appendHead(dst, stripDomain, s.Key, s.Epoch)
	dst = binary.LittleEndian.AppendUint32(dst, s.Ordinal)
	dst = binary.LittleEndian.AppendUint64(dst, s.Frames)
	dst = append(dst, s.Root[:]...)
	dst = binary.AppendUvarint(dst, uint64(len(s.Runs)))
	next := uint64(0)
	for _, r := range s.Runs {
		dst = binary.AppendUvarint(dst, r.First-next)
		dst = binary.AppendUvarint(dst, r.Last-r.First)
		next = r.Last + 1
	}
	return dst
}

// Leaf is the strip's hash in the content tree of its ordinal.
func (s *Strip) Leaf() merkle.Hash { return tlog.RecordHash(s.Append(nil)) }

// ParseStrip reads canonical bytes and nothing else: what it accepts, Append writes again byte for byte. Everything else is ErrForm. It keeps
// nothing of b.
func ParseStrip(b []byte) (Strip, error) {
	p := parser{what: "strip", b: b}
	var s Strip
	s.Key, s.Epoch, s.Ordinal = p.head(stripDomain)
	s.Frames = p.u64("count of frames")
	copy(s.Root[:], p.take(uint64(len(s.Root)), "frame root"))
	s.Runs = p.runs(s.Frames)
	if err := p.end(); err != nil {
		return Strip{}, err
	}
	return s, nil
}

// runs reads runs of so many numbers together.
func (p *parser) runs(frames uint64) []ledger.Run {
	count := p.uvarint("count of runs")
	if left := uint64(len(p.b) - p.at); p.err == nil && (count == 0 || count > left/2) {
		p.fail(fmt.Sprintf("1 to %d runs", left/2), count)
	}
	if p.err != nil {
		return nil
	}
	list := make([]ledger.Run, count)
	next, left := uint64(0), frames
	for i := range list {
		gap, more := p.uvarint("numbers missing before a run"), p.uvarint("length of a run")
		first := next + gap
		last := first + more
		if first < next || last < first || i > 0 && (gap == 0 || next == 0) { // 0 comes behind the highest number
			p.fail("runs that ascend and do not touch", fmt.Sprintf("run %d with %d missing before it and %d more numbers", i, gap, more))
		}
		if more >= left {
			p.fail(fmt.Sprintf("%d frames", frames), fmt.Sprintf("more in %d runs", i+1))
		}
		if p.err != nil {
			return nil
		}
		left -= more + 1
		next = last + 1
		list[i] = ledger.Run{First: first, Last: last}
	}
	if left > 0 {
		p.fail(fmt.Sprintf("%d frames", frames), frames-left)
	}
	return list
}

// Groups is how many groups the strip's frames are in: the size of the tree that Root is of.
func (s *Strip) Groups() int64 { return groupsOf(s.Runs) }

func groupsOf(runs []ledger.Run) (n int64) {
	for i, r := range runs {
		n += int64(r.Last>>groupBits-r.First>>groupBits) + 1
		if i > 0 && runs[i-1].Last>>groupBits == r.First>>groupBits {
			n--
		}
	}
	return n
}

// Index is the place of the group with a number (which is seq>>6) among the groups, and which of its numbers the strip has. It is false when
// there is none.
func (s *Strip) Index(group uint64) (index int64, seqs []uint64, ok bool) {
	first := group << groupBits
	last := first | groupMask
	from := sort.Search(len(s.Runs), func(i int) bool { return s.Runs[i].Last >= first })
	for _, r := range s.Runs[from:] {
		if r.First > last {
			break
		}
		for seq := max(first, r.First); ; seq++ {
			seqs = append(seqs, seq)
			if seq == min(last, r.Last) {
				break
			}
		}
	}
	if len(seqs) == 0 {
		return 0, nil, false
	}
	below := append([]ledger.Run(nil), s.Runs[:from]...)
	if r := s.Runs[from]; r.First < first {
		below = append(below, ledger.Run{First: r.First, Last: first - 1})
	}
	return groupsOf(below), seqs, true
}
