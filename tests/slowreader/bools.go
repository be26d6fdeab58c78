package slowreader

// bools reads a column of truth values.
func (p packed) bools() ([]bool, error) {
	in, err := p.open("bool")
	if in == nil || err != nil {
		return nil, err
	}
	values := make([]bool, p.values)
	switch p.encoding {
	case 32:
		value := truth(in)
		for i := range values {
			values[i] = value
		}
	case 33:
		readBitmap(in, values)
	case 34:
		readBoolRuns(in, values)
	}
	return values, in.end()
}

func truth(in *input) bool {
	b := in.u8()
	if b > 1 {
		in.fail("a truth value of %d", b)
	}
	return b == 1
}

func readBitmap(in *input, values []bool) {
	bitmap := in.take(uint64(len(values)+7) / 8)
	for at := range len(bitmap) * 8 {
		set := bitmap[at/8]>>(at%8)&1 == 1
		if at < len(values) {
			values[at] = set
		} else if set {
			in.fail("a spare bit of a bitmap is set")
		}
	}
}

// readBoolRuns reads runs that take turns. The last one has what the others leave.
func readBoolRuns(in *input, values []bool) {
	value := truth(in)
	if len(values) < 2 {
		in.fail("runs of %d truth values", len(values))
		return
	}
	runs := 2 + in.count("runs", len(values)-2)
	at := 0
	for i, less := range row(in, runs-1, true) {
		if less < 0 || less >= int64(len(values)-at-1) {
			in.fail("run %d has %d truth values and more, %d are left", i, less, len(values)-at)
			return
		}
		for range less + 1 {
			values[at] = value
			at++
		}
		value = !value
	}
	for ; at < len(values); at++ {
		values[at] = value
	}
}
