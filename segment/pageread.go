package segment

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment/column"
)

// page is a decoded page of the device index. It is immutable.
type page struct {
	keys    [][]byte // of each entry
	entries []Epoch
}

const (
	entryCost = int64(128) // what an entry and a reference to a block take in memory, about
	refCost   = int64(56)
	runCost   = int64(16)
)

// size is what the page takes in memory.
func (p *page) size() int64 {
	n := int64(64)
	for i := range p.entries {
		e := &p.entries[i]
		n += entryCost + int64(len(p.keys[i])) + int64(len(e.refs))*refCost + int64(len(e.runs))*runCost
	}
	return n
}

// pageReader decodes the columns of a page.
type pageReader struct {
	epoch, blocks, cover, runs              []uint64
	offset, length, run, rows, seq, missing []uint64
	ns                                      []int64
	span, gap, runLength                    []uint64
	bitmaps                                 [][]byte
	keys                                    [][]byte
	body                                    section // where blocks are
}

// parsePage reads a page of a file whose blocks are in body.
func parsePage(dec *column.Decoder, b []byte, body section) (*page, error) {
	if len(b) < pageHead {
		return nil, damaged("index page", 0, fmt.Sprintf("%d bytes or more", pageHead), len(b))
	}
	if want, got := binary.LittleEndian.Uint32(b), checksum(b[4:]); want != got {
		return nil, damagedSum("index page", 0, want, got)
	}
	c := cursor{b: b, i: 4}
	entries, refs, runs, bitmaps := int(c.u16()), int(c.u16()), int(c.u16()), int(c.u16())
	r := pageReader{body: body}
	flags := c.u16()
	if entries < 1 || max(entries, refs, runs, bitmaps) > column.MaxValues {
		return nil, damaged("index page", 4, fmt.Sprintf("1 to %d entries, as many blocks and runs at most", column.MaxValues), []int{entries, refs, runs, bitmaps})
	}
	if flags != 0 {
		return nil, fmt.Errorf("%w: index page with flags %#x: upgrade this program", ErrVersion, flags)
	}
	if err := r.columns(newUnpacker(dec, b[pageHead:]), entries, refs, runs, bitmaps); err != nil {
		return nil, err
	}
	p := &page{keys: r.keys, entries: make([]Epoch, entries)}
	for i := range p.entries {
		if err := r.entry(&p.entries[i], i); err != nil {
			return nil, err
		}
	}
	if len(r.offset)+len(r.gap)+len(r.bitmaps) != 0 {
		return nil, damaged("index page", 4, "entries that use every block, run and bitmap", "some left")
	}
	return p, nil
}

func (r *pageReader) columns(u *unpacker, entries, refs, runs, bitmaps int) error {
	shared, suffixes := u.uints(pageShared, entries), u.bytes(pageSuffix, entries)
	r.epoch, r.blocks = u.uints(pageEpoch, entries), u.uints(pageBlocks, entries)
	r.cover, r.runs = u.uints(pageCover, entries), u.uints(pageRuns, entries)
	r.offset, r.length, r.run, r.rows = u.uints(pageOffset, refs), u.uints(pageLength, refs), u.uints(pageRun, refs), u.uints(pageRows, refs)
	r.seq, r.missing, r.ns, r.span = u.uints(pageSeq, refs), u.uints(pageMissing, refs), u.ints(pageNS, refs), u.uints(pageSpan, refs)
	r.gap, r.runLength = u.uints(pageGap, runs), u.uints(pageRunLength, runs)
	r.bitmaps = u.bytes(pageBitmap, bitmaps)
	if u.err != nil {
		return u.err
	}
	keys, ok := frontDecode(shared, suffixes)
	if !ok {
		return damaged("index page", 0, "keys", "one that is too long or shares more than there is")
	}
	r.keys = keys
	return nil
}

// entry reads entry i and takes its blocks, runs or bitmap off the columns.
func (r *pageReader) entry(e *Epoch, i int) error {
	n := r.blocks[i]
	if n < 1 || n > uint64(len(r.offset)) || r.epoch[i] > math.MaxUint32 {
		return damaged("index page", 0, "an entry with 1 block or more", n)
	}
	e.Ordinal = uint32(r.epoch[i])
	e.refs = make([]blockRef, n)
	for k := range e.refs {
		if !r.ref(&e.refs[k], k) {
			return damaged("index page", 0, "blocks inside of the file with rows in order",
				fmt.Sprintf("offset %d, length %d, rows %d, first seq %d", r.offset[k], r.length[k], r.rows[k], r.seq[k]))
		}
		if k > 0 && e.refs[k].firstSeq <= e.refs[k-1].lastSeq {
			return damaged("index page", 0, fmt.Sprintf("numbers above %d", e.refs[k-1].lastSeq), e.refs[k].firstSeq)
		}
		e.Frames += uint64(e.refs[k].rows)
	}
	r.offset, r.length, r.run, r.rows = r.offset[n:], r.length[n:], r.run[n:], r.rows[n:]
	r.seq, r.missing, r.ns, r.span = r.seq[n:], r.missing[n:], r.ns[n:], r.span[n:]
	e.bound()
	return r.coverage(e, i)
}

func (r *pageReader) ref(b *blockRef, k int) bool {
	offset, length, run, rows := r.offset[k], r.length[k], r.run[k], r.rows[k]
	from, to := uint64(r.body.offset), uint64(r.body.end())
	if rows < 1 || rows > maxRows || run >= maxRows || length > maxBlock || offset < from || offset > to || length > to-offset {
		return false
	}
	first, more := r.seq[k], r.missing[k]+rows-1
	last := first + more
	if more < r.missing[k] || last < first {
		return false
	}
	lo := r.ns[k]
	hi := int64(uint64(lo) + r.span[k])
	*b = blockRef{offset: int64(offset), length: uint32(length), run: uint16(run), rows: uint16(rows), firstSeq: first, lastSeq: last, minNS: lo, maxNS: hi}
	return lo <= hi
}

// coverage reads which numbers the entry has, and checks that they are as many as its frames.
func (r *pageReader) coverage(e *Epoch, i int) (err error) {
	switch coverageKind(r.cover[i]) {
	case coverAll:
		e.runs = []ledger.Run{{First: e.FirstSeq, Last: e.LastSeq}}
	case coverRuns:
		err = r.runList(e, r.runs[i])
	case coverRoaring:
		if len(r.bitmaps) == 0 {
			return damaged("index page", 0, "a bitmap for each entry that has one", "none left")
		}
		e.runs, err = parseRoaring(r.bitmaps[0], e.FirstSeq, int(e.Frames))
		r.bitmaps = r.bitmaps[1:]
	default:
		return fmt.Errorf("%w: index page with coverage of kind %d: upgrade this program", ErrVersion, r.cover[i])
	}
	if err != nil {
		return err
	}
	count := uint64(0)
	for _, run := range e.runs {
		count += run.Last - run.First + 1
	}
	if first, last := e.runs[0].First, e.runs[len(e.runs)-1].Last; count != e.Frames || first != e.FirstSeq || last != e.LastSeq {
		return damaged("coverage", 0, fmt.Sprintf("%d numbers from %d to %d", e.Frames, e.FirstSeq, e.LastSeq),
			fmt.Sprintf("%d from %d to %d", count, first, last))
	}
	return nil
}

func (r *pageReader) runList(e *Epoch, n uint64) error {
	if n < 1 || n > uint64(len(r.gap)) {
		return damaged("coverage", 0, fmt.Sprintf("1 to %d runs", len(r.gap)), n)
	}
	e.runs = make([]ledger.Run, n)
	next := e.FirstSeq
	for k := range e.runs {
		first := next + r.gap[k]
		last := first + r.runLength[k]
		if first < next || last < first || k > 0 && r.gap[k] == 0 {
			return damaged("coverage", 0, "ascending runs", fmt.Sprintf("run %d from %d to %d", k, first, last))
		}
		e.runs[k] = ledger.Run{First: first, Last: last}
		next = last + 1
	}
	r.gap, r.runLength = r.gap[n:], r.runLength[n:]
	return nil
}

// check makes sure that the page begins with what the top index says, that its keys are keys, and that its entries ascend, up to the one that the
// next page begins with by the top index; nil behind the last page. Each page is held against its neighbour, so that the whole index ascends for
// whoever reads some of its pages, or all of them.
func (p *page) check(t, next *topEntry) error {
	if first := &p.entries[0]; t.compare(p.keys[0], first.Ordinal, first.FirstSeq) != 0 {
		return damaged("index page", 0, fmt.Sprintf("epoch %d of %q from %d", t.ordinal, t.key, t.seq),
			fmt.Sprintf("epoch %d of %q from %d", first.Ordinal, p.keys[0], first.FirstSeq))
	}
	for i, key := range p.keys {
		if !isKey(key) {
			return damaged("index page", 0, "keys of three names", fmt.Sprintf("%q", key))
		}
		if i == 0 {
			continue
		}
		e := topEntry{key: key, ordinal: p.entries[i].Ordinal, seq: p.entries[i].FirstSeq}
		if err := p.before(i-1, &e); err != nil {
			return err
		}
	}
	if next == nil {
		return nil
	}
	return p.before(len(p.entries)-1, next)
}

// before makes sure that entry i ends before another one begins, by key, epoch and number.
func (p *page) before(i int, next *topEntry) error {
	e := &p.entries[i]
	if next.compare(p.keys[i], e.Ordinal, e.LastSeq) > 0 {
		return nil
	}
	return damaged("index page", 0, fmt.Sprintf("an entry behind %d of epoch %d of %q", e.LastSeq, e.Ordinal, p.keys[i]),
		fmt.Sprintf("one from %d of epoch %d of %q", next.seq, next.ordinal, next.key))
}
