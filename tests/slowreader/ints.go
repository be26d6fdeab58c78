package slowreader

// ints reads a column of integers. uint64 ones are the same bits.
func (p packed) ints() ([]int64, error) {
	in, err := p.open("int")
	if in == nil || err != nil {
		return nil, err
	}
	values := readInts(in, p.encoding, p.values, true)
	return values, in.end()
}

// row reads integers inside another payload: their encoding, and what that encoding has.
func row(in *input, n int, nested bool) []int64 {
	encoding := in.u8()
	last := byte(6)
	if !nested {
		last = 4
	}
	if in.err == nil && (encoding < 1 || encoding > last) {
		in.fail("a row of encoding %d", encoding)
	}
	return readInts(in, encoding, n, nested)
}

// readInts reads n integers. nested says whether the encodings of rows, 5 and 6, may be there.
func readInts(in *input, encoding byte, n int, nested bool) []int64 {
	values := make([]int64, n)
	switch encoding {
	case 1:
		value := in.varint()
		for i := range values {
			values[i] = value
		}
	case 2, 3, 4:
		readDistances(in, encoding, values)
	case 5:
		readRuns(in, values)
	case 6:
		count := 1 + in.count("values of a dictionary", n-1)
		distinct := row(in, count, false)
		for i, place := range row(in, n, false) {
			values[i] = pick(in, distinct, place)
		}
	}
	return values
}

// readDistances reads int-frame, int-delta and int-delta2. Arithmetic is modulo 2^64.
func readDistances(in *input, encoding byte, values []int64) {
	step := int64(in.uvarint())
	if in.err == nil && step == 0 {
		in.fail("a step of 0")
	}
	value := in.varint() // int-frame: the first; else the value before the first
	var delta int64
	if encoding == 4 {
		delta = in.varint() * step // it is written in steps
	}
	for i, entry := range miniblocks(in, len(values)) {
		x := step * int64(entry)
		switch encoding {
		case 2:
			values[i] = value + x
		case 3:
			value += x
			values[i] = value
		case 4:
			delta += x
			value += delta
			values[i] = value
		}
	}
}

func readRuns(in *input, values []int64) {
	count := 1 + in.count("runs", len(values)-1)
	of := row(in, count, false)
	at := 0
	for i, less := range row(in, count, false) {
		if less < 0 || less >= int64(len(values)-at) {
			in.fail("run %d has %d values and more, %d are left", i, less, len(values)-at)
			return
		}
		for range less + 1 {
			values[at] = of[i]
			at++
		}
	}
	if at != len(values) {
		in.fail("runs of %d values, the column has %d", at, len(values))
	}
}

// pick returns the value at a place of a dictionary.
func pick[T any](in *input, distinct []T, place int64) T {
	if place < 0 || place >= int64(len(distinct)) {
		in.fail("place %d in a dictionary of %d", place, len(distinct))
		return *new(T)
	}
	return distinct[place]
}

// miniblocks reads n entries, 128 at a time.
func miniblocks(in *input, n int) []uint64 {
	entries := make([]uint64, 0, n)
	var ref uint64
	for len(entries) < n && in.err == nil {
		m := min(128, n-len(entries))
		head := in.u8()
		patched, width := head>>7 == 1, int(head&0x7f)
		if width > 64 {
			in.fail("entries of %d bits", width)
		}
		ref += uint64(in.varint())
		var places []byte
		if patched {
			places = in.take(uint64(in.u8()))
		}
		block := unpack(in.take(uint64(m*width+7)/8), m, width)
		patch(in, block, places, width)
		for _, bits := range block {
			entries = append(entries, ref+bits)
		}
	}
	for len(entries) < n { // after a fault
		entries = append(entries, 0)
	}
	return entries
}

// unpack splits bytes into m numbers of some bits each, the first in the lowest bits of the first byte.
func unpack(packed []byte, m, width int) []uint64 {
	numbers := make([]uint64, m)
	for i := range numbers {
		for bit := range width {
			at := i*width + bit
			if at/8 < len(packed) && packed[at/8]>>(at%8)&1 == 1 {
				numbers[i] |= 1 << bit
			}
		}
	}
	return numbers
}

// patch adds the bits above width of the entries at the places.
func patch(in *input, block []uint64, places []byte, width int) {
	before := -1
	for _, place := range places {
		high := in.uvarint()
		if in.err != nil {
			return
		}
		if int(place) <= before || int(place) >= len(block) {
			in.fail("a patch at %d behind one at %d, of %d entries", place, before, len(block))
			return
		}
		if high == 0 || high<<width>>width != high {
			in.fail("a patch of %#x above %d bits", high, width)
			return
		}
		block[place] += high << width
		before = int(place)
	}
}
