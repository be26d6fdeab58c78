package segment

import (
	"bytes"
	"fmt"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment/column"
)

// indexBuilder makes the pages of the device index, and the top index over them, while blocks are written.
type indexBuilder struct {
	pack    packer
	entries []indexEntry // not in a page yet
	refs    []blockRef   // of the entries
	runs    []ledger.Run // of the entries
	block   []ledger.Run // scratch: of one run of a block

	pages   []byte // all that are complete
	top     []topEntry
	epochs  uint32
	scratch pageColumns
	err     error // why there is no index: nothing may be written
}

// indexEntry is one epoch of a stream, or a piece of one that has very many blocks or holes.
type indexEntry struct {
	key        []byte
	ordinal    uint32
	refs, runs int // where they begin
	cost       coverCost
	frames     uint64
	size       int // estimate of what it takes in a page
}

// blockRef is the rows of an entry in one block.
type blockRef struct {
	offset            int64
	length            uint32
	run               uint16
	rows              uint16
	firstSeq, lastSeq uint64
	minNS, maxNS      int64
}

// add notes a run of a block. Runs come in order of the file; the key must not change until Finish.
func (x *indexBuilder) add(r *run, ref blockRef, seqs []uint64) {
	x.block = appendRuns(x.block[:0], 0, seqs)
	x.put(r, ref)
}

// put is add for a block whose numbers are in x.block.
func (x *indexBuilder) put(r *run, ref blockRef) {
	var e *indexEntry
	if n := len(x.entries); n > 0 {
		e = &x.entries[n-1]
	}
	if e == nil || e.ordinal != r.ordinal || !bytes.Equal(e.key, r.key) {
		e = x.begin(r)
		x.epochs++
	} else if cost := x.costWith(e); len(x.refs)-e.refs == entryBlocks || !cost.fits() {
		e = x.begin(r)
	}
	e.cost = x.costWith(e)
	e.frames += uint64(r.rows)
	e.size = len(e.key) + 12*(len(x.refs)-e.refs+2) + int(min(e.cost.runBits/8, entryCover))
	x.runs = joinRuns(x.runs, e.runs, x.block)
	x.refs = append(x.refs, ref)
}

func (x *indexBuilder) begin(r *run) *indexEntry {
	x.entries = append(x.entries, indexEntry{key: r.key, ordinal: r.ordinal, refs: len(x.refs), runs: len(x.runs)})
	return &x.entries[len(x.entries)-1]
}

// costWith is the cost of the entry's coverage with the runs of the block at hand.
func (x *indexBuilder) costWith(e *indexEntry) coverCost {
	cost := e.cost
	base, next := x.block[0].First, x.block[0].First
	if len(x.runs) > e.runs {
		base, next = x.runs[e.runs].First, x.runs[len(x.runs)-1].Last+1
	}
	for _, r := range x.block {
		cost.add(base, r, r.First-next)
		next = r.Last + 1
	}
	return cost
}

// flush makes pages of the entries that are complete: all but the last, which may go on, unless it is the end.
func (x *indexBuilder) flush(end bool) {
	complete := len(x.entries) - 1
	if end {
		complete++
	}
	done := 0
	for done < complete && x.err == nil {
		n := x.fill(x.entries[done:complete])
		if done+n == complete && !end {
			break // the page has room for more
		}
		x.page(done, done+n)
		done += n
	}
	x.drop(done)
}

// fill returns how many entries make a page, 1 or more.
func (x *indexBuilder) fill(entries []indexEntry) (n int) {
	size := 0
	for n < len(entries) {
		e := &entries[n]
		size += e.size
		if n > 0 && (size > pageBytes*3/2 || n == column.MaxValues) {
			break
		}
		n++
	}
	return n
}

// drop forgets the first entries.
func (x *indexBuilder) drop(n int) {
	if n == 0 {
		return
	}
	refs, runs := len(x.refs), len(x.runs)
	if n < len(x.entries) {
		refs, runs = x.entries[n].refs, x.entries[n].runs
	}
	x.entries = append(x.entries[:0], x.entries[n:]...)
	x.refs = append(x.refs[:0], x.refs[refs:]...)
	x.runs = append(x.runs[:0], x.runs[runs:]...)
	for i := range x.entries {
		x.entries[i].refs -= refs
		x.entries[i].runs -= runs
	}
}

// page encodes entries from..to as one page, or as two where they take too much.
func (x *indexBuilder) page(from, to int) {
	start := len(x.pages)
	fits := x.encodePage(from, to)
	if to-from > 1 && (!fits || len(x.pages)-start > pageBytes) {
		x.pages = x.pages[:start]
		x.page(from, (from+to)/2)
		x.page((from+to)/2, to)
		return
	}
	e := &x.entries[from]
	if !fits { // add should have ended the entry in time
		x.err = fmt.Errorf("segment: epoch %d of %q has an index entry of %d blocks and %d runs, too much for a page",
			e.ordinal, e.key, len(x.refsOf(from)), len(x.runsOf(from)))
		return
	}
	x.top = append(x.top, topEntry{key: e.key, ordinal: e.ordinal, seq: x.refs[e.refs].firstSeq, length: uint32(len(x.pages) - start)})
}

// refsOf and runsOf are an entry's.
func (x *indexBuilder) refsOf(i int) []blockRef {
	if i+1 < len(x.entries) {
		return x.refs[x.entries[i].refs:x.entries[i+1].refs]
	}
	return x.refs[x.entries[i].refs:]
}

func (x *indexBuilder) runsOf(i int) []ledger.Run {
	if i+1 < len(x.entries) {
		return x.runs[x.entries[i].runs:x.entries[i+1].runs]
	}
	return x.runs[x.entries[i].runs:]
}
