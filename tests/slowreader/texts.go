package slowreader

// texts reads a column of texts or binary values.
func (p packed) texts() ([][]byte, error) {
	in, err := p.open("bytes")
	if in == nil || err != nil {
		return nil, err
	}
	values := make([][]byte, p.values)
	switch p.encoding {
	case 48:
		value := in.take(uint64(len(in.rest)))
		for i := range values {
			values[i] = value
		}
	case 49:
		values = cut(in, row(in, p.values, true))
	case 50:
		count := 1 + in.count("values of a dictionary", p.values-1)
		distinct := cut(in, row(in, count, true))
		for i, place := range row(in, p.values, true) {
			values[i] = pick(in, distinct, place)
		}
	}
	return values, in.end()
}

// cut takes texts of the given lengths.
func cut(in *input, lengths []int64) [][]byte {
	texts := make([][]byte, len(lengths))
	for i, length := range lengths {
		if length < 0 {
			in.fail("a text of %d bytes", length)
		}
		texts[i] = in.take(uint64(length))
	}
	return texts
}
