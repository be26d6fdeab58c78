package slowreader

import "math"

// floats reads a column of floats, as their bits.
func (p packed) floats() ([]uint64, error) {
	in, err := p.open("float")
	if in == nil || err != nil {
		return nil, err
	}
	var values []uint64
	switch p.encoding {
	case 16:
		values = make([]uint64, p.values)
		bits := in.u64()
		for i := range values {
			values[i] = bits
		}
	case 21:
		values = readOrdered(in, p.values)
	case 22:
		values = readFloatDict(in, p.values)
	default:
		values = readDecimals(in, p.encoding, p.values)
	}
	return values, in.end()
}

// readOrdered undoes the order of numbers: the bits of negative ones, but for the sign, are inverted.
func readOrdered(in *input, n int) []uint64 {
	values := make([]uint64, n)
	for i, x := range row(in, n, true) {
		if x < 0 {
			x ^= math.MaxInt64
		}
		values[i] = uint64(x)
	}
	return values
}

func readFloatDict(in *input, n int) []uint64 {
	count := 1 + in.count("values of a dictionary", n-1)
	encoding := in.u8()
	if in.err == nil && (encoding < 17 || encoding > 20) {
		in.fail("a dictionary of floats of encoding %d", encoding)
	}
	distinct := readDecimals(in, encoding, count)
	values := make([]uint64, n)
	for i, place := range row(in, n, true) {
		values[i] = pick(in, distinct, place)
	}
	return values
}

// readDecimals reads float-decimal, -decimal32, -near and -near32.
func readDecimals(in *input, encoding byte, n int) []uint64 {
	scale := in.u8()
	if scale > 22 {
		in.fail("scale %d", scale)
		scale = 0
	}
	exceptions := readExceptions(in, n)
	distances := make([]int64, n)
	if encoding == 19 || encoding == 20 {
		distances = row(in, n, true)
	}
	values := make([]uint64, n)
	for i, mantissa := range row(in, n, true) {
		value := decimal(mantissa, scale)
		if encoding == 18 || encoding == 20 {
			value = float64(float32(value))
		}
		values[i] = math.Float64bits(value) + uint64(distances[i])
	}
	for place, bits := range exceptions {
		values[place] = bits
	}
	return values
}

// decimal is the float64 nearest to mantissa / 10^scale: the power of ten is exact up to 22.
func decimal(mantissa int64, scale byte) float64 {
	return float64(mantissa) / math.Pow10(int(scale))
}

// readExceptions reads which of n values are not what their mantissas say, and their bits.
func readExceptions(in *input, n int) map[uint64]uint64 {
	count := in.count("exceptions", n)
	places := make([]uint64, count)
	next := uint64(0) // the place behind the former one
	for i := range places {
		distance := in.uvarint()
		if distance >= uint64(n)-next {
			in.fail("exception %d is %d behind place %d, of %d values", i, distance, next, n)
			return nil
		}
		places[i] = next + distance
		next = places[i] + 1
	}
	bits := make(map[uint64]uint64, count)
	for _, place := range places {
		bits[place] = in.u64()
	}
	return bits
}
