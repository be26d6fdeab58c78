package segment

import "fmt"

const (
	wholeBlock = 32 << 10 // a block of so many bytes is read in one piece
	firstRead  = 16 << 10 // what is read of a larger one: its directory, and the columns that every read needs or most of them
	readGap    = 16 << 10 // chunks with no more than that between them are read together
)

// loader reads one block, as far as it is asked to. It is for one read.
type loader struct {
	r     *Reader
	ref   *blockRef
	s     *readScratch
	have  byteSpan // what is in s.buf
	bytes int      // read from the file
	dir   *directory
	once  bool // values are not kept in the cache: a read of whole files would push out what others ask for again
}

func (r *Reader) loader(ref *blockRef) loader {
	return loader{r: r, ref: ref, s: takeScratch()}
}

func (l *loader) release() { l.s.release() }

// fill reads a range into the scratch buffer.
func (l *loader) fill(s byteSpan) error {
	l.have = byteSpan{}
	b, err := l.r.read(s, l.s.buf)
	if err != nil {
		return l.r.fail(err)
	}
	l.s.buf, l.have = b, s
	l.bytes += len(b)
	return nil
}

// at returns bytes that fill has read.
func (l *loader) at(s byteSpan) []byte { return l.s.buf[s.from-l.have.from : s.to-l.have.from] }

// directory reads the block's directory; whole says that everything else will be needed, too.
func (l *loader) directory(whole bool) (*directory, error) {
	if l.dir != nil {
		return l.dir, nil
	}
	key := cacheKey{l.r.id, l.ref.offset, cacheDirectory}
	if d, ok := l.r.opt.Cache.get(key).(*directory); ok {
		l.dir = d
		return d, nil
	}
	from, length := l.ref.offset, int64(l.ref.length)
	n := length
	if n > wholeBlock && !whole {
		n = firstRead
	}
	if err := l.fill(byteSpan{from, from + n}); err != nil {
		return nil, err
	}
	got, size, err := blockSize(l.s.buf)
	if err == nil && got != length {
		err = damaged("block", 4, fmt.Sprintf("a length of %d as the index says", length), got)
	}
	if err == nil && blockHead+size > n {
		if err := l.fill(byteSpan{from, from + blockHead + size}); err != nil {
			return nil, err
		}
	}
	var d *directory
	if err == nil {
		d, err = parseDirectory(l.s.buf, from)
	}
	if err != nil {
		return nil, l.damage(err, "block directory", from)
	}
	l.dir = d
	l.r.opt.Cache.put(key, d, d.size())
	return d, nil
}

func (l *loader) damage(err error, what string, offset int64) error {
	return l.r.fail(locate(err, l.r.opt.Path, what, offset))
}

// chunks reads columns, which ascend in the file, checks them, and calls fn for each.
func (l *loader) chunks(cols []*blockColumn, fn func(c *blockColumn, b []byte) error) error {
	for i := 0; i < len(cols); {
		from, to, n := cols[i].offset, cols[i].end(), i+1
		if from < l.have.from || to > l.have.to {
			for n < len(cols) && cols[n].offset-to <= readGap {
				to, n = cols[n].end(), n+1
			}
			if err := l.fill(byteSpan{from, to}); err != nil {
				return err
			}
		}
		for ; i < n; i++ {
			c := cols[i]
			b := l.at(byteSpan{c.offset, c.end()})
			if got := checksum(b); got != c.crc {
				return l.damage(damagedSum(c.String(), 0, c.crc, got), "", c.offset)
			}
			if err := fn(c, b); err != nil {
				return l.damage(err, c.String(), c.offset)
			}
		}
	}
	return nil
}

// rows reads the columns that every block has, and checks that they are what the index says of the run.
func (l *loader) rows(whole bool) (*blockRows, error) {
	d, err := l.directory(whole)
	if err != nil {
		return nil, err
	}
	l.r.metrics.Blocks.Add(1)
	key := cacheKey{l.r.id, l.ref.offset, cacheRows}
	b, ok := l.r.opt.Cache.get(key).(*blockRows)
	if !ok {
		b = &blockRows{}
		if err := l.chunks(d.parts[partRuns:], func(c *blockColumn, chunk []byte) error { return b.decode(&l.s.dec, d, c, chunk) }); err != nil {
			return nil, err
		}
		l.r.opt.Cache.put(key, b, b.size())
	}
	if err := b.check(l.ref); err != nil {
		return nil, l.damage(err, "block", l.ref.offset)
	}
	return b, nil
}
