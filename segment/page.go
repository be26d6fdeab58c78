package segment

import (
	"encoding/binary"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment/column"
)

// A page of the device index is a head and a table of columns:
//
//	page = CRC u32 of the rest, entries u16, blocks u16, runs u16, bitmaps u16, flags u16 = 0, columns
//
// An entry is an epoch of a stream; an epoch with more than entryBlocks blocks or very many holes has several, one behind the other.
//
//	of each entry:      0 bytes of the key shared with the entry before   1 the rest of the key   2 epoch   3 blocks   4 kind of coverage
//	                    5 runs, 0 unless the kind is 1
//	of each block of    6 offset   7 length   8 run in the block   9 rows   10 first seq   11 numbers missing between first and last seq
//	an entry:           12 least FiledNS   13 greatest less least
//	of each run:        14 numbers missing before it, but for the first of an entry   15 its length - 1
//	of each kind 2:     16 roaring bitmap, portable format, of the distances from the entry's first seq
const (
	pageShared uint8 = iota
	pageSuffix
	pageEpoch
	pageBlocks
	pageCover
	pageRuns
	pageOffset
	pageLength
	pageRun
	pageRows
	pageSeq
	pageMissing
	pageNS
	pageSpan
	pageGap
	pageRunLength
	pageBitmap

	pageHead = 14
)

// pageColumns is room for the columns of a page.
type pageColumns struct {
	front                                   frontCoder
	epoch, blocks, cover, runs              []uint64
	offset, length, run, rows, seq, missing []uint64
	ns                                      []int64
	span, gap, runLength                    []uint64
	bitmaps                                 [][]byte
	measure                                 []byte
}

func (p *pageColumns) reset() {
	p.front.reset()
	for _, v := range []*[]uint64{&p.epoch, &p.blocks, &p.cover, &p.runs, &p.offset, &p.length, &p.run, &p.rows, &p.seq, &p.missing,
		&p.span, &p.gap, &p.runLength} {
		*v = (*v)[:0]
	}
	p.ns, p.bitmaps = p.ns[:0], p.bitmaps[:0]
}

// encodePage appends a page of the entries from..to. It reports false when they are too many for one.
func (x *indexBuilder) encodePage(from, to int) bool {
	p := &x.scratch
	p.reset()
	for i := from; i < to; i++ {
		e, refs := &x.entries[i], x.refsOf(i)
		p.front.add(e.key)
		p.epoch = append(p.epoch, uint64(e.ordinal))
		p.blocks = append(p.blocks, uint64(len(refs)))
		p.addRefs(refs)
		x.addCover(p, x.runsOf(i))
	}
	if max(len(p.epoch), len(p.offset), len(p.gap), len(p.bitmaps)) > column.MaxValues {
		return false
	}
	x.writePage(p)
	return true
}

func (p *pageColumns) addRefs(refs []blockRef) {
	for i := range refs {
		r := &refs[i]
		p.offset = append(p.offset, uint64(r.offset))
		p.length = append(p.length, uint64(r.length))
		p.run = append(p.run, uint64(r.run))
		p.rows = append(p.rows, uint64(r.rows))
		p.seq = append(p.seq, r.firstSeq)
		p.missing = append(p.missing, r.lastSeq-r.firstSeq-uint64(r.rows-1))
		p.ns = append(p.ns, r.minNS)
		p.span = append(p.span, uint64(r.maxNS)-uint64(r.minNS))
	}
}

// addCover adds the coverage of an entry in the form that is smallest.
func (x *indexBuilder) addCover(p *pageColumns, runs []ledger.Run) {
	kind, count := coverRuns, len(runs)
	if len(runs) == 1 {
		kind, count = coverAll, 0
	}
	from := len(p.gap)
	if kind == coverRuns {
		for i, r := range runs {
			gap := uint64(0)
			if i > 0 {
				gap = r.First - runs[i-1].Last - 1
			}
			p.gap = append(p.gap, gap)
			p.runLength = append(p.runLength, r.Last-r.First)
		}
	}
	if len(runs) >= roaringRuns {
		if bitmap, ok := appendRoaring(nil, runs); ok && (len(runs) > column.MaxValues || len(bitmap) < x.measureRuns(p, from)) {
			kind, count = coverRoaring, 0
			p.bitmaps = append(p.bitmaps, bitmap)
			p.gap, p.runLength = p.gap[:from], p.runLength[:from]
		}
	}
	p.cover = append(p.cover, uint64(kind))
	p.runs = append(p.runs, uint64(count))
}

// measureRuns is how many bytes the runs from the given one take.
func (x *indexBuilder) measureRuns(p *pageColumns, from int) int {
	p.measure, _ = x.pack.enc.Uints(p.measure[:0], p.gap[from:])
	n := len(p.measure)
	p.measure, _ = x.pack.enc.Uints(p.measure[:0], p.runLength[from:])
	return n + len(p.measure)
}

func (x *indexBuilder) writePage(p *pageColumns) {
	start := len(x.pages)
	w := &x.pack
	w.out = append(x.pages, 0, 0, 0, 0)
	for _, n := range []int{len(p.epoch), len(p.offset), len(p.gap), len(p.bitmaps)} {
		w.out = binary.LittleEndian.AppendUint16(w.out, uint16(n))
	}
	w.out = append(w.out, 0, 0) // flags
	w.uints(pageShared, p.front.shared)
	w.bytes(pageSuffix, p.front.suffixes)
	w.uints(pageEpoch, p.epoch)
	w.uints(pageBlocks, p.blocks)
	w.uints(pageCover, p.cover)
	w.uints(pageRuns, p.runs)
	w.uints(pageOffset, p.offset)
	w.uints(pageLength, p.length)
	w.uints(pageRun, p.run)
	w.uints(pageRows, p.rows)
	w.uints(pageSeq, p.seq)
	w.uints(pageMissing, p.missing)
	w.ints(pageNS, p.ns)
	w.uints(pageSpan, p.span)
	w.uints(pageGap, p.gap)
	w.uints(pageRunLength, p.runLength)
	w.bytes(pageBitmap, p.bitmaps)
	x.pages, w.out = w.out, nil
	page := x.pages[start:]
	binary.LittleEndian.PutUint32(page, checksum(page[4:]))
}
