package slowreader

import "fmt"

// Epoch is what the device index says of an epoch: which numbers are there.
type Epoch struct {
	Key
	Frames   uint64
	Coverage []Run
}

// Run is consecutive numbers, both inclusive.
type Run struct{ First, Last uint64 }

// indexEntry is one entry of a page. Long epochs have several.
type indexEntry struct {
	Key
	places   []place
	coverage []Run
}

// place is where the rows of an entry are in one block.
type place struct {
	offset, length    uint64
	run, rows         int64
	firstSeq, lastSeq uint64
	firstNS, lastNS   int64
}

// readIndex reads all pages, and holds the top index against them.
func readIndex(index, top []byte) ([]indexEntry, error) {
	pages, err := readTop(top)
	if err != nil {
		return nil, fmt.Errorf("top index: %w", err)
	}
	in := &input{rest: index}
	var list []indexEntry
	for i, said := range pages {
		page := in.take(uint64(said.length))
		if in.err != nil {
			break
		}
		entries, err := readPage(page)
		if err != nil {
			return nil, fmt.Errorf("page %d of the device index: %w", i, err)
		}
		first := entries[0]
		if first.Key != said.Key || first.places[0].firstSeq != said.firstSeq {
			return nil, damaged("page %d begins with %v %d, the top index says %v %d", i, first.Key, first.places[0].firstSeq, said.Key, said.firstSeq)
		}
		list = append(list, entries...)
	}
	return list, in.end()
}

type topEntry struct {
	Key
	firstSeq uint64
	length   int64
}

func readTop(b []byte) ([]topEntry, error) {
	in := &input{rest: b}
	var list []topEntry
	for len(in.rest) > 0 && in.err == nil {
		pages := int(in.u16())
		if pages < 1 || pages > 4096 {
			in.fail("a group of %d pages", pages)
		}
		group := in.take(uint64(in.u32()))
		if in.err != nil {
			break
		}
		tab, err := readTable(group, 5, func(byte) int { return pages })
		if err != nil {
			return nil, err
		}
		names, err := tab.keys(0)
		if err != nil {
			return nil, err
		}
		epoch, first, length := tab.ints(2), tab.ints(3), tab.ints(4)
		if tab.err != nil {
			return nil, tab.err
		}
		for i, key := range names {
			if key.Epoch = uint32(epoch[i]); int64(key.Epoch) != epoch[i] || length[i] <= 0 {
				return nil, damaged("epoch %d, a page of %d bytes", epoch[i], length[i])
			}
			list = append(list, topEntry{Key: key, firstSeq: uint64(first[i]), length: length[i]})
		}
	}
	return list, in.end()
}

// page is a page of the device index while it is read.
type page struct {
	*table
	entries, blocks, runs, bitmaps int
}

func readPage(b []byte) ([]indexEntry, error) {
	in := &input{rest: b}
	sum := in.u32()
	p := page{entries: int(in.u16()), blocks: int(in.u16()), runs: int(in.u16()), bitmaps: int(in.u16())}
	if flags := in.u16(); flags != 0 {
		in.fail("flags %#x", flags)
	}
	if in.err == nil && checksum(b[4:]) != sum {
		in.fail("CRC %08x of a page that has %08x", checksum(b[4:]), sum)
	}
	if in.err == nil && p.entries == 0 {
		in.fail("no entries")
	}
	if in.err != nil {
		return nil, in.err
	}
	var err error
	if p.table, err = readTable(in.rest, 17, p.values); err != nil {
		return nil, err
	}
	list, err := p.list()
	if err == nil {
		err = p.coverage(list)
	}
	return list, err
}

// values says how many values the columns of a page have.
func (p page) values(id byte) int {
	switch {
	case id <= 5:
		return p.entries
	case id <= 13:
		return p.blocks
	case id <= 15:
		return p.runs
	}
	return p.bitmaps
}

// list reads the entries, and where their blocks are.
func (p page) list() ([]indexEntry, error) {
	names, err := p.keys(0)
	if err != nil {
		return nil, err
	}
	epoch, count := p.ints(2), p.ints(3)
	offset, length, run, rows := p.ints(6), p.ints(7), p.ints(8), p.ints(9)
	first, missing, ns, span := p.ints(10), p.ints(11), p.ints(12), p.ints(13)
	if p.err != nil {
		return nil, p.err
	}
	list := make([]indexEntry, p.entries)
	next := 0
	for i := range list {
		list[i].Key = names[i]
		list[i].Epoch = uint32(epoch[i])
		if int64(list[i].Epoch) != epoch[i] || count[i] < 1 || count[i] > int64(p.blocks-next) {
			return nil, damaged("entry %d has epoch %d and %d blocks, %d are left", i, epoch[i], count[i], p.blocks-next)
		}
		for range count[i] {
			list[i].places = append(list[i].places, place{
				offset: uint64(offset[next]), length: uint64(length[next]), run: run[next], rows: rows[next],
				firstSeq: uint64(first[next]), lastSeq: uint64(first[next]) + uint64(missing[next]) + uint64(rows[next]) - 1,
				firstNS: ns[next], lastNS: ns[next] + span[next],
			})
			next++
		}
	}
	if next != p.blocks {
		return nil, damaged("entries of %d blocks, the page has %d", next, p.blocks)
	}
	return list, nil
}

// coverage reads which numbers the entries have.
func (p page) coverage(list []indexEntry) error {
	kind, count := p.ints(4), p.ints(5)
	gaps, lengths := p.ints(14), p.ints(15)
	bitmaps := p.texts(16)
	if p.err != nil {
		return p.err
	}
	for i := range list {
		e := &list[i]
		if kind[i] != 1 && count[i] != 0 || count[i] < 0 || count[i] > int64(len(gaps)) {
			return damaged("entry %d has coverage of kind %d and %d runs, %d are left", i, kind[i], count[i], len(gaps))
		}
		first, last := e.places[0].firstSeq, e.places[len(e.places)-1].lastSeq
		switch kind[i] {
		case 0:
			e.coverage = []Run{{first, last}}
		case 1:
			runs, err := readCoverage(first, gaps[:count[i]], lengths[:count[i]])
			if err != nil {
				return fmt.Errorf("entry %d: %w", i, err)
			}
			e.coverage, gaps, lengths = runs, gaps[count[i]:], lengths[count[i]:]
		case 2:
			if len(bitmaps) == 0 {
				return damaged("entry %d has no bitmap", i)
			}
			runs, err := readRoaring(first, bitmaps[0])
			if err != nil {
				return fmt.Errorf("entry %d: %w", i, err)
			}
			e.coverage, bitmaps = runs, bitmaps[1:]
		default:
			return damaged("entry %d has coverage of kind %d", i, kind[i])
		}
	}
	if len(gaps)+len(bitmaps) > 0 {
		return damaged("%d runs and %d bitmaps are left over", len(gaps), len(bitmaps))
	}
	return nil
}

// readCoverage reads runs: how many numbers are missing before each, and how many it has but one.
func readCoverage(first uint64, gaps, lengths []int64) ([]Run, error) {
	var runs []Run
	next := first
	for i := range gaps {
		if (i == 0) != (gaps[i] == 0) {
			return nil, damaged("%d numbers are missing before run %d", gaps[i], i)
		}
		r := Run{First: next + uint64(gaps[i])}
		r.Last = r.First + uint64(lengths[i])
		if r.First < next || r.Last < r.First || r.Last+1 < r.Last {
			return nil, damaged("run %d of coverage is beyond 64 bits", i)
		}
		runs = append(runs, r)
		next = r.Last + 1
	}
	return runs, nil
}
