package segment

// sizes says how large the values of each row are, as a block counts them.
type sizes struct {
	each int   // of every row, where until is nil
	sum  []int // of the rows before each, and of all
}

// measure counts 8 bytes for each field and raw payload that a row has, and the bytes of texts.
func (s *sizes) measure(b *sourceBlock) {
	s.each, s.sum = 0, s.sum[:0]
	even := b.raw == nil
	for _, v := range b.fields {
		even = even && v.place == nil && len(v.texts) == 0
	}
	if even {
		s.each = 8 * len(b.fields)
		return
	}
	for range len(b.rows.seq) + 1 {
		s.sum = append(s.sum, 0)
	}
	for _, v := range b.fields {
		v.addSizes(s.sum[1:], 8)
	}
	if b.raw != nil {
		b.raw.addSizes(s.sum[1:], 0)
	}
	for i := 1; i < len(s.sum); i++ {
		s.sum[i] += s.sum[i-1]
	}
}

// addSizes adds to each row what the column has of it: so many bytes, and those of a text.
func (v *values) addSizes(sum []int, each int) {
	for row := range sum {
		if at, ok := v.at(row); ok {
			sum[row] += each
			if len(v.texts) > 0 {
				sum[row] += len(v.texts[at])
			}
		}
	}
}

// of is how large the rows from..to are together.
func (s *sizes) of(from, to int) int {
	if len(s.sum) == 0 {
		return (to - from) * s.each
	}
	return s.sum[to] - s.sum[from]
}

// fit is how many of the rows from..to take at most so many bytes.
func (s *sizes) fit(from, to, bytes int) int {
	if len(s.sum) == 0 {
		if s.each == 0 {
			return to - from
		}
		return min(to-from, bytes/s.each)
	}
	if s.of(from, to) <= bytes {
		return to - from
	}
	n := 0
	for s.of(from, from+n+1) <= bytes {
		n++
	}
	return n
}
