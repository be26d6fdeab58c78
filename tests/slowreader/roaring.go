package slowreader

// readRoaring reads a roaring bitmap of 32-bit numbers in the portable format (github.com/RoaringBitmap/RoaringFormatSpec), as runs of the
// numbers that lie so far behind first.
func readRoaring(first uint64, b []byte) ([]Run, error) {
	in := &input{rest: b}
	containers, hasRun := readCookie(in)
	keys := make([]uint16, containers)
	sizes := make([]int, containers)
	for i := range keys {
		keys[i], sizes[i] = in.u16(), int(in.u16())+1
		if i > 0 && keys[i] <= keys[i-1] {
			in.fail("container %d of a bitmap stands behind %d", keys[i], keys[i-1])
		}
	}
	if hasRun == nil || containers >= 4 {
		in.take(4 * uint64(containers)) // where each container begins; they lie back to back
	}
	var runs []Run
	for i, key := range keys {
		var numbers []uint64
		switch {
		case hasRun != nil && hasRun[i/8]>>(i%8)&1 == 1:
			numbers = readRunContainer(in)
		case sizes[i] <= 4096:
			for range sizes[i] {
				numbers = append(numbers, uint64(in.u16()))
			}
		default:
			numbers = readBitContainer(in)
		}
		if in.err == nil && len(numbers) != sizes[i] {
			in.fail("%d numbers in a container of %d", len(numbers), sizes[i])
		}
		for _, low := range numbers {
			seq := first + (uint64(key)<<16 | low)
			if n := len(runs); n > 0 && seq <= runs[n-1].Last {
				in.fail("number %d of a bitmap stands behind %d", seq, runs[n-1].Last)
			}
			runs = appendRuns(runs, []uint64{seq})
		}
	}
	return runs, in.end()
}

// readCookie reads how many containers there are, and which of them have runs: nil where none can.
func readCookie(in *input) (containers int, hasRun []byte) {
	const withoutRuns, withRuns = 12346, 12347
	switch cookie := in.u32(); {
	case cookie == withoutRuns:
		containers = int(in.u32())
	case cookie&0xffff == withRuns:
		containers = int(cookie>>16) + 1
		hasRun = in.fixed((containers + 7) / 8)
	default:
		in.fail("a bitmap begins with %#x", cookie)
	}
	if containers > 1<<16 {
		in.fail("a bitmap of %d containers", containers)
	}
	if in.err != nil {
		return 0, nil
	}
	return containers, hasRun
}

// readRunContainer reads runs: the first number and how many follow it.
func readRunContainer(in *input) (numbers []uint64) {
	for range in.u16() {
		first, more := uint64(in.u16()), uint64(in.u16())
		for low := first; low <= min(first+more, 1<<16-1); low++ {
			numbers = append(numbers, low)
		}
	}
	return numbers
}

// readBitContainer reads one bit for each of 65,536 numbers.
func readBitContainer(in *input) (numbers []uint64) {
	for i, bits := range in.fixed(1 << 13) {
		for bit := range 8 {
			if bits>>bit&1 == 1 {
				numbers = append(numbers, uint64(i*8+bit))
			}
		}
	}
	return numbers
}
