package segment

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/gaplessdb/gapless/frame"
)

// CommitMap says which blocks of a segment have rows of some streams, and of which entries of the log. Rows of a segment are ordered by
// stream, so a read in order of commits has to look at all of these blocks; the map lets it leave out those that have nothing of a span.
// It belongs to the segment, not to a Reader: any Reader of it may be used. It is immutable, and takes 32 bytes a block.
//
// A read of the next rows in order of commits takes two steps, each in order of the file:
//
//	Commits   where which rows were committed, from two columns of each block: enough to choose a span that has as many rows as one can hold
//	Records   the rows of that span with their values
type CommitMap struct {
	name   Name
	want   func(key []byte) bool
	blocks []commitBlock
}

// commitBlock is a block that has rows which somebody may want.
type commitBlock struct {
	offset      int64
	length      uint32
	first, last uint64 // bounds of the Raft index
}

// CommitSpan selects rows by where they were committed.
type CommitSpan struct {
	After Commit      // not included
	UpTo  Commit      // included
	Class frame.Class // 0: any
}

// takes reports whether the span has anything of the entries from first to last.
func (s *CommitSpan) takes(first, last uint64) bool {
	return first <= s.UpTo.Index && s.After.Before(EndOf(last))
}

// Committed is a row of which only this was read.
type Committed struct {
	Key   []byte // of its stream: see StreamOf. It is immutable
	Epoch uint32
	Class frame.Class
	Commit
}

// StreamOf is the stream that a key names. It is false for bytes that are no key.
func StreamOf(key []byte) (frame.StreamKey, bool) {
	if !isKey(key) {
		return frame.StreamKey{}, false
	}
	return parseKey(key), true
}

// CommitMap reads the tenant's part of the device index and the directories of the blocks that it leads to. want chooses among the tenant's
// streams, nil all of them. It is called again when blocks are read and has to say the same then.
func (r *Reader) CommitMap(tenant string, want func(key []byte) bool) (*CommitMap, error) {
	m := &CommitMap{name: r.opt.Name, want: want}
	prefix := append([]byte(tenant), keySeparator...)
	for i := firstPage(r.top, prefix, 0); i < len(r.top) && compareStart(r.top[i].key, prefix) <= 0; i++ {
		p, err := r.page(i)
		if err != nil {
			return nil, err
		}
		for k := range p.entries {
			if compareStart(p.keys[k], prefix) == 0 && m.wants(p.keys[k]) {
				m.add(p.entries[k].refs)
			}
		}
	}
	slices.SortFunc(m.blocks, func(a, b commitBlock) int { return cmp.Compare(a.offset, b.offset) })
	m.blocks = slices.Compact(m.blocks)
	for i := range m.blocks {
		if err := m.measure(r, &m.blocks[i]); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// compareStart compares the start of a key with a prefix.
func compareStart(key, prefix []byte) int {
	return bytes.Compare(key[:min(len(key), len(prefix))], prefix)
}

func (m *CommitMap) wants(key []byte) bool { return m.want == nil || m.want(key) }

// add takes blocks in, each once: those of several short epochs come again and again.
func (m *CommitMap) add(refs []blockRef) {
	for i := range refs {
		b := commitBlock{offset: refs[i].offset, length: refs[i].length}
		if n := len(m.blocks); n == 0 || m.blocks[n-1] != b {
			m.blocks = append(m.blocks, b)
		}
	}
}

// measure reads the bounds of a block's indexes.
func (m *CommitMap) measure(r *Reader, b *commitBlock) error {
	l := r.loader(b.ref())
	defer l.release()
	d, err := l.directory(false)
	if err != nil {
		return err
	}
	ok := false
	if b.first, b.last, ok = d.parts[partIndex].uintBounds(); !ok {
		return l.damage(damaged("block directory", 0, "bounds of indexes", "less"), "", b.offset)
	}
	return nil
}

func (b *commitBlock) ref() *blockRef { return &blockRef{offset: b.offset, length: b.length} }

// Blocks is how many blocks have rows of the streams.
func (m *CommitMap) Blocks() int { return len(m.blocks) }

// Commits calls fn for every row of the span, in order of the file, until fn returns false. While it runs the span may be made smaller. fn
// may keep the Key, and nothing else of what it gets.
func (m *CommitMap) Commits(r *Reader, span *CommitSpan, fn func(*Committed) bool) (Scanned, error) {
	var room blockRows
	return m.each(r, span, func(l *loader, done *Scanned) (bool, error) {
		b, err := l.parts(&room, partRuns, partClass, partIndex, partOrdinal)
		if err != nil {
			return false, err
		}
		var c Committed
		for i := range b.runs {
			run := &b.runs[i]
			if !m.wants(run.key) {
				continue
			}
			done.Rows += run.rows
			c.Key, c.Epoch = run.key, run.ordinal
			for row := run.first; row < run.first+run.rows; row++ {
				c.Commit, c.Class = Commit{b.index[row], b.ordinal[row]}, frame.Class(of(b.class, row))
				if span.holds(&c) && !fn(&c) {
					return false, nil
				}
			}
		}
		return true, nil
	})
}

// Records calls fn for every row of the span with its values, in order of the file, until fn returns false. The record is valid as
// those of Scan are. What it decodes is not kept in the cache: it is not what others ask for again.
func (m *CommitMap) Records(r *Reader, span *CommitSpan, cols Columns, fn func(key []byte, epoch uint32, rec *Record) bool) (Scanned, error) {
	var rec Record
	var room blockRows
	return m.each(r, span, func(l *loader, done *Scanned) (bool, error) {
		b, err := l.parts(&room, partRuns, partSeq, partTime, partReceive, partClass, partFlags, partSeal, partIndex, partOrdinal)
		if err != nil {
			return false, err
		}
		l.once = true
		var fields []*values
		var raw *values
		loaded, dense := false, false
		for i := range b.runs {
			run := &b.runs[i]
			if !m.wants(run.key) {
				continue
			}
			done.Rows += run.rows
			for row := run.first; row < run.first+run.rows; row++ {
				c := Committed{Commit: Commit{b.index[row], b.ordinal[row]}, Class: frame.Class(of(b.class, row))}
				if !span.holds(&c) {
					continue
				}
				if !loaded {
					if fields, raw, err = l.values(&cols); err != nil {
						return false, err
					}
					loaded, dense = true, rec.shape(fields)
				}
				b.row(&rec.Row, row)
				rec.fill(fields, raw, row, dense)
				if !fn(run.key, run.ordinal, &rec) {
					return false, nil
				}
			}
		}
		return true, nil
	})
}

// holds reports whether a row is of the span.
func (s *CommitSpan) holds(c *Committed) bool {
	return s.After.Before(c.Commit) && !s.UpTo.Before(c.Commit) && (s.Class == 0 || s.Class == c.Class)
}

// each calls fn with the blocks that may have rows of the span, until it returns false.
func (m *CommitMap) each(r *Reader, span *CommitSpan, fn func(*loader, *Scanned) (bool, error)) (done Scanned, err error) {
	if r.opt.Name != m.name {
		return done, fmt.Errorf("segment: a map of %s is used to read %s", m.name, r.opt.Name)
	}
	for i := range m.blocks {
		if b := &m.blocks[i]; span.takes(b.first, b.last) {
			l := r.loader(b.ref())
			more, err := fn(&l, &done)
			done.Blocks++
			done.Bytes += l.bytes
			l.release()
			if err != nil || !more {
				return done, err
			}
		}
	}
	return done, nil
}

// parts reads some of the columns that every block has, in the order of the directory, into room. What the cache has of the block is more than that.
func (l *loader) parts(room *blockRows, parts ...part) (*blockRows, error) {
	d, err := l.directory(false)
	if err != nil {
		return nil, err
	}
	l.r.metrics.Blocks.Add(1)
	if b, ok := l.r.opt.Cache.get(cacheKey{l.r.id, l.ref.offset, cacheRows}).(*blockRows); ok {
		return b, nil
	}
	cols := make([]*blockColumn, len(parts))
	for i, p := range parts {
		cols[i] = d.parts[p]
	}
	err = l.chunks(cols, func(c *blockColumn, chunk []byte) error { return room.decode(&l.s.dec, d, c, chunk) })
	return room, err
}
