package column

import "testing"

// realBlocks are all blocks of the recordings, by set.
func realBlocks(t testing.TB) (sets []string, blocks map[string][]block) {
	blocks = map[string][]block{}
	for _, r := range recordings {
		if blocks[r.set] == nil {
			sets = append(sets, r.set)
		}
		blocks[r.set] = append(blocks[r.set], r.blocks(t)...)
	}
	return sets, blocks
}

// typicalBlock is what a machine with eight fields sends each second: temperatures, a pressure, currents, a counter and states.
func typicalBlock() block {
	b := block{rows: MaxValues, columns: []realColumn{{name: "time"}}}
	seed := uint64(1)
	random := func(n uint64) int64 {
		seed = seed*6364136223846793005 + 1442695040888963407
		return int64(seed >> 33 % n)
	}
	time := int64(1_760_000_000_000_000_000)
	for range MaxValues {
		time += 1_000_000_000 + (random(21)-10)*1_000_000
		b.columns[0].ints = append(b.columns[0].ints, time)
	}
	decimals := func(name string, start int64, noise uint64, scale uint8) {
		c := realColumn{name: name}
		m := start
		for range MaxValues {
			m += random(noise) - int64(noise/2)
			f := Float{Bits: form{scale: scale}.bits(m), Mantissa: m, Scale: scale, Decimal: true}
			for f.Mantissa%10 == 0 && f.Scale > 0 { // as it is written in JSON
				f.Mantissa /= 10
				f.Scale--
			}
			c.floats = append(c.floats, f)
		}
		b.columns = append(b.columns, c)
	}
	ints := func(name string, next func(int64) int64) {
		c := realColumn{name: name}
		v := int64(0)
		for range MaxValues {
			v = next(v)
			c.ints = append(c.ints, v)
		}
		b.columns = append(b.columns, c)
	}
	decimals("bearing_temperature", 6125, 5, 2)
	decimals("oil_temperature", 483, 3, 1)
	decimals("pressure", 101_325, 21, 3)
	decimals("current", 2_169_750, 40_001, 5)
	decimals("vibration", 202_394, 2_001, 6)
	ints("pieces", func(v int64) int64 { return v + random(3) })
	ints("speed", func(int64) int64 { return 1480 + random(32) })
	ints("state", func(v int64) int64 {
		if random(200) == 0 {
			return random(5)
		}
		return v
	})
	return b
}

// cut splits a block into short ones of so many rows.
func (b block) cut(rows int) (out []block) {
	for at := 0; at < b.rows; at += rows {
		short := block{rows: rows}
		for _, c := range b.columns {
			if c.ints != nil {
				c.ints = c.ints[at : at+rows]
			} else {
				c.floats = c.floats[at : at+rows]
			}
			short.columns = append(short.columns, c)
		}
		out = append(out, short)
	}
	return out
}

func allBlocks(t testing.TB, each func(name string, blocks []block)) {
	typical := typicalBlock()
	each("typical", []block{typical})
	each("typical/bare", []block{typical.withoutHints()})
	each("typical/512", typical.cut(512))
	each("typical/64", typical.cut(64))
	each("typical/64/bare", typical.withoutHints().cut(64))
	sets, blocks := realBlocks(t)
	for _, set := range sets {
		each(set, blocks[set])
		bare := make([]block, len(blocks[set]))
		for i, b := range blocks[set] {
			bare[i] = b.withoutHints()
		}
		each(set+"/bare", bare)
	}
}

func values(blocks []block) (n int) {
	for i := range blocks {
		n += blocks[i].values() + blocks[i].rows
	}
	return n
}

// BenchmarkEncode encodes recordings; ns/value counts times as values.
func BenchmarkEncode(b *testing.B) {
	allBlocks(b, func(name string, blocks []block) {
		b.Run(name, func(b *testing.B) {
			var e Encoder
			var buf []byte
			for b.Loop() {
				for i := range blocks {
					buf = encodeColumns(&e, buf[:0], &blocks[i])
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(values(blocks)), "ns/value")
		})
	})
}

func encodeColumns(e *Encoder, buf []byte, b *block) []byte {
	for i := range b.columns {
		c := &b.columns[i]
		if c.ints != nil {
			buf, _ = e.Ints(buf, c.ints)
		} else {
			buf, _ = e.Floats(buf, c.floats)
		}
		if c.present != nil {
			buf, _ = e.Validity(buf, c.present)
		}
	}
	return buf
}

type encoded struct {
	float bool
	n     int
	chunk Chunk
	b     []byte
}

// BenchmarkDecode decodes what BenchmarkEncode makes, without validity.
func BenchmarkDecode(b *testing.B) {
	allBlocks(b, func(name string, blocks []block) {
		var e Encoder
		var columns []encoded
		for _, block := range blocks {
			for _, c := range block.columns {
				x := encoded{float: c.floats != nil, n: len(c.ints) + len(c.floats)}
				if x.float {
					x.b, x.chunk = e.Floats(nil, c.floats)
				} else {
					x.b, x.chunk = e.Ints(nil, c.ints)
				}
				columns = append(columns, x)
			}
		}
		b.Run(name, func(b *testing.B) {
			var d Decoder
			var ints []int64
			var floats []uint64
			var err error
			for b.Loop() {
				for _, c := range columns {
					if c.float {
						floats, _, err = d.Floats(floats[:0], c.n, c.chunk, c.b)
					} else {
						ints, err = d.Ints(ints[:0], c.n, c.chunk, c.b)
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(values(blocks)), "ns/value")
			b.SetBytes(int64(8 * values(blocks)))
		})
	})
}

// BenchmarkEncodeColumns shows each column of the typical block.
func BenchmarkEncodeColumns(b *testing.B) {
	block := typicalBlock()
	for i := range block.columns {
		one := block
		one.columns = block.columns[i : i+1]
		b.Run(one.columns[0].name, func(b *testing.B) {
			var e Encoder
			var buf []byte
			for b.Loop() {
				buf = encodeColumns(&e, buf[:0], &one)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(one.rows), "ns/value")
			b.ReportMetric(float64(len(buf))/float64(one.rows), "B/value")
		})
	}
}
