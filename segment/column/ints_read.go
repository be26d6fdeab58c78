package column

// readInts is the inverse of appendInts: it fills dst.
func readInts[T int64 | uint64](d *Decoder, c *cursor, dst []T, enc Encoding, depth int) {
	switch enc {
	case IntConst:
		v := T(c.varint())
		for i := range dst {
			dst[i] = v
		}
	case IntFrame, IntDelta, IntDelta2:
		readView(c, dst, enc)
	case IntRuns, IntDict:
		if depth != top {
			c.fail("%v inside of another row", enc)
			return
		}
		readNested(d, c, dst, enc)
	default:
		c.fail("%v in a row of integers", enc)
	}
}

func readColumn[T int64 | uint64](d *Decoder, c *cursor, dst []T, enc Encoding) {
	readInts(d, c, dst, enc, top)
}

// readRow is readInts for a row with its encoding in front.
func readRow[T int64 | uint64](d *Decoder, c *cursor, dst []T, depth int) {
	readInts(d, c, dst, Encoding(c.byte()), depth)
}

func readView[T int64 | uint64](c *cursor, dst []T, enc Encoding) {
	step := c.uvarint()
	if c.err == nil && step == 0 {
		c.fail("a step of 0")
	}
	value := c.varint() // the least one, or the one before the first
	delta := uint64(0)
	if enc == IntDelta2 {
		delta = step * c.varint()
	}
	ref := uint64(0)
	var offsets [miniblock]uint64
	for at := 0; at < len(dst) && c.err == nil; at += miniblock {
		part := dst[at:min(len(dst), at+miniblock)]
		in := offsets[:len(part)]
		ref += c.readMiniblock(in)
		switch enc {
		case IntFrame:
			for i, x := range in {
				part[i] = T(value + step*(ref+x))
			}
		case IntDelta:
			for i, x := range in {
				value += step * (ref + x)
				part[i] = T(value)
			}
		case IntDelta2:
			for i, x := range in {
				delta += step * (ref + x)
				value += delta
				part[i] = T(value)
			}
		}
	}
}
