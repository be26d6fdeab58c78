package segment

import (
	"fmt"
	"math/bits"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment/column"
)

// coverageKind is how an entry of the device index says which numbers it has.
type coverageKind uint8

const (
	coverAll     coverageKind = iota // every number from the first to the last
	coverRuns                        // runs, in columns of the page
	coverRoaring                     // a roaring bitmap, portable format, of the distances from the first number
)

// roaringRuns is the fewest runs for which a bitmap can be smaller.
const roaringRuns = 512

// packingLoss is how many bits a run takes beyond those of its numbers, about: packed numbers are as wide as the widest near them.
const packingLoss = 4

// coverCost estimates what the coverage of an entry takes, so that the entry can be ended before it gets too large.
type coverCost struct {
	runBits uint64
	runs    int

	bitmap    uint64 // bytes of the containers that are complete
	container uint64 // number of the last one
	values    uint64 // numbers in it
	pieces    uint64 // runs in it
	reach     uint64 // highest number in it
}

// add counts a run; base is the entry's first number, gap the missing numbers before the run.
func (c *coverCost) add(base uint64, r ledger.Run, gap uint64) {
	c.runs++
	c.runBits += uint64(bits.Len64(gap) + bits.Len64(r.Last-r.First) + packingLoss)
	first, last := (r.First-base)>>16, (r.Last-base)>>16
	if first != c.container {
		c.bitmap += c.open()
		c.container, c.values, c.pieces = first, 0, 0
	}
	if first == last {
		c.values, c.pieces, c.reach = c.values+r.Last-r.First+1, c.pieces+1, (r.Last-base)&0xffff
		return
	}
	c.values, c.pieces = c.values+1<<16-(r.First-base)&0xffff, c.pieces+1
	c.bitmap += c.open() + 14*(last-first-1)
	c.reach = (r.Last - base) & 0xffff
	c.container, c.values, c.pieces = last, c.reach+1, 1
}

// open is the size of the last container: a bitmap, an array or runs.
func (c *coverCost) open() uint64 { return 8 + min(8192, 2*c.values, 2+4*c.pieces) }

// projected is what the last container takes of a full one's bytes so far: a bitmap pays off only once it is full.
func (c *coverCost) projected() uint64 {
	return 8 + min(8192*(c.reach+1)>>16, 2*c.values, 2+4*c.pieces)
}

// fits reports whether the coverage may go into one entry: as runs, or as a bitmap where that will be smaller.
func (c *coverCost) fits() bool {
	if c.runs <= column.MaxValues && c.runBits/8 <= entryCover {
		return true
	}
	return c.container < 1<<16 && c.bitmap+c.projected() < c.runBits/8 && c.bitmap+c.open() <= entryCover
}

// appendRuns appends seqs as runs to those of an entry that began at place from.
func appendRuns(runs []ledger.Run, from int, seqs []uint64) []ledger.Run {
	open := len(runs) > from
	for _, n := range seqs {
		if open {
			if last := &runs[len(runs)-1]; n == last.Last+1 {
				last.Last = n
				continue
			}
		}
		runs = append(runs, ledger.Run{First: n, Last: n})
		open = true
	}
	return runs
}

// joinRuns appends more runs, which lie above, to those of an entry that began at place from.
func joinRuns(runs []ledger.Run, from int, more []ledger.Run) []ledger.Run {
	if n := len(runs); n > from && len(more) > 0 && more[0].First == runs[n-1].Last+1 {
		runs[n-1].Last = more[0].Last
		more = more[1:]
	}
	return append(runs, more...)
}

// clipRuns appends the part of the runs that lies between two numbers, both inclusive.
func clipRuns(dst, runs []ledger.Run, first, last uint64) []ledger.Run {
	for _, r := range runs[runAbove(runs, first):] {
		if r.First > last {
			break
		}
		dst = append(dst, ledger.Run{First: max(r.First, first), Last: min(r.Last, last)})
	}
	return dst
}

// appendRoaring appends the runs as a bitmap. It reports false when they reach too far for one.
func appendRoaring(dst []byte, runs []ledger.Run) ([]byte, bool) {
	base := runs[0].First
	if runs[len(runs)-1].Last-base > 1<<32-1 {
		return dst, false
	}
	bitmap := roaring.New()
	for _, r := range runs {
		bitmap.AddRange(r.First-base, r.Last-base+1)
	}
	bitmap.RunOptimize()
	b, err := bitmap.ToBytes()
	if err != nil {
		return dst, false
	}
	return append(dst, b...), true
}

// The portable format of roaring bitmaps (github.com/RoaringBitmap/RoaringFormatSpec), read by ourselves: what comes from a disk must not
// be trusted, and all that is needed is runs.
const (
	roaringCookie    = 12347 // low half; the high half is the number of containers - 1
	roaringNoRuns    = 12346
	roaringNoOffsets = 4    // with runs and fewer containers than this there are no offsets
	roaringArrayMax  = 4096 // values of an array
)

// parseRoaring reads a bitmap into runs of numbers from base upwards, at most limit of them.
func parseRoaring(b []byte, base uint64, limit int) ([]ledger.Run, error) {
	c := cursor{b: b}
	cookie := c.u32()
	containers, hasRuns := 0, cookie&0xffff == roaringCookie
	var isRun []byte
	if hasRuns {
		containers = int(cookie>>16) + 1
		isRun = c.take(uint64(containers+7) / 8)
	} else if n := c.u32(); cookie == roaringNoRuns && n <= 1<<16 {
		containers = int(n)
	}
	heads := cursor{b: c.take(4 * uint64(containers))}
	if !hasRuns || containers >= roaringNoOffsets {
		c.take(4 * uint64(containers))
	}
	if c.bad || containers == 0 {
		return nil, damaged("coverage bitmap", 0, "a roaring bitmap", fmt.Sprintf("cookie %d with %d bytes", cookie, len(b)))
	}
	s := runCollector{base: base, limit: limit}
	for i := range containers {
		key, values := uint64(heads.u16())<<16, int(heads.u16())+1
		switch {
		case hasRuns && isRun[i/8]>>(i%8)&1 != 0:
			s.pairs(&c, key)
		case values <= roaringArrayMax:
			s.array(&c, key, values)
		default:
			s.bitmap(&c, key)
		}
	}
	if c.bad || s.bad || c.left() != 0 || len(s.runs) == 0 {
		return nil, damaged("coverage bitmap", int64(c.i), "ascending numbers up to its end", fmt.Sprintf("%d of %d bytes used", c.i, len(b)))
	}
	return s.runs, nil
}

// runCollector puts ascending ranges together.
type runCollector struct {
	base  uint64
	limit int
	runs  []ledger.Run
	next  uint64 // lowest number that may follow
	bad   bool
}

func (s *runCollector) add(first, last uint64) {
	if first < s.next || last < first || s.base+last < s.base {
		s.bad = true
		return
	}
	if n := len(s.runs); n > 0 && first == s.next {
		s.runs[n-1].Last = s.base + last
	} else if n == s.limit {
		s.bad = true
	} else {
		s.runs = append(s.runs, ledger.Run{First: s.base + first, Last: s.base + last})
	}
	s.next = last + 1
}

func (s *runCollector) pairs(c *cursor, key uint64) {
	for range c.u16() {
		first, more := uint64(c.u16()), uint64(c.u16())
		if first+more > 0xffff || c.bad || s.bad {
			s.bad = true
			return
		}
		s.add(key+first, key+first+more)
	}
}

func (s *runCollector) array(c *cursor, key uint64, values int) {
	for range values {
		v := key + uint64(c.u16())
		if c.bad || s.bad {
			return
		}
		s.add(v, v)
	}
}

func (s *runCollector) bitmap(c *cursor, key uint64) {
	for i := range uint64(1024) {
		for word := c.u64(); word != 0; {
			first := bits.TrailingZeros64(word)
			n := bits.TrailingZeros64(^(word >> first))
			at := key + i*64 + uint64(first)
			s.add(at, at+uint64(n)-1)
			if first+n == 64 {
				break
			}
			word &^= (1<<n - 1) << first
		}
		if s.bad {
			return
		}
	}
}
