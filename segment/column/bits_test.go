package column

import (
	"math/big"
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// packSlowly is pack one bit at a time.
func packSlowly(v []uint64, width uint) []byte {
	out := make([]byte, packedBytes(len(v), width))
	for i, x := range v {
		for b := range width {
			at := uint(i)*width + b
			out[at/8] |= byte(x>>b&1) << (at % 8)
		}
	}
	return out
}

func TestPackEveryWidth(t *testing.T) {
	seed := uint64(1)
	for width := range uint(65) {
		for n := 1; n <= miniblock; n++ {
			v := make([]uint64, n)
			for i := range v {
				seed = seed*6364136223846793005 + 1442695040888963407
				v[i] = bits.RotateLeft64(seed, 32) & (1<<width - 1)
			}
			want := packSlowly(v, width)
			b := make([]byte, len(want)+slack)
			if width > 0 {
				pack(b, slices.Clone(v), width)
			}
			if !equal(b[:len(want)], want) {
				t.Fatalf("%d values of %d bits: %x, want %x", n, width, b, want)
			}
			for i := range slack {
				b[len(want)+i] = 0xff // what follows must not matter
			}
			got := make([]uint64, n)
			unpack(got, b, width)
			if !equal(got, v) {
				t.Fatalf("%d values of %d bits come back as %x, want %x", n, width, got, v)
			}
		}
	}
}

func TestDivider(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		step := rapid.OneOf(rapid.Uint64Range(2, 1000), rapid.Uint64Range(2, 1<<63), rapid.Just(uint64(1<<63))).Draw(t, "step")
		v := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1000, 1000)).Draw(t, "value")
		if rapid.Bool().Draw(t, "multiple") {
			m := new(big.Int).Mul(big.NewInt(v>>32), new(big.Int).SetUint64(step))
			if m.IsInt64() {
				v = m.Int64()
			}
		}
		quotient, rest := new(big.Int).QuoRem(big.NewInt(v), new(big.Int).SetUint64(step), new(big.Int))
		d := newDivider(step)
		if exact := d.divides(uint64(v)); exact != (rest.Sign() == 0) {
			t.Fatalf("%d / %d: exact is %v, the remainder %v", v, step, exact, rest)
		}
		if got := d.divide(uint64(v)); rest.Sign() == 0 && int64(got) != quotient.Int64() {
			t.Fatalf("%d / %d is %d, want %v", v, step, int64(got), quotient)
		}
	})
}

func TestStepIsFound(t *testing.T) {
	tests := []struct {
		name string
		v    []int64
		step uint64
	}{
		{"multiples", []int64{0, 30, -20, 50}, 10},
		{"sign", []int64{0, -7, -14}, 7},
		{"none", []int64{0, 3, 5}, 1},
		{"power of two", []int64{0, 1 << 40, -1 << 41}, 1 << 40},
		{"smallest", []int64{0, -1 << 63}, 1 << 63},
		{"not in the samples", append(make([]int64, 33), slices.Repeat([]int64{60, 24, 36, 12}, 500)...), 12},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := make([]uint64, len(tt.v))
			for i, v := range tt.v {
				x[i] = uint64(v)
			}
			if got := divideStep(x); got != tt.step {
				t.Fatalf("step %d, want %d", got, tt.step)
			}
			for i, q := range x {
				if q*tt.step != uint64(tt.v[i]) {
					t.Fatalf("%d becomes %d", tt.v[i], int64(q))
				}
			}
		})
	}
}

func TestNumberTable(t *testing.T) {
	var table numberTable
	table.round = ^uint32(0) - 2 // it starts over at the end
	always := func(int) bool { return true }
	rapid.Check(t, func(t *rapid.T) {
		few := rapid.SliceOfNDistinct(rapid.Uint64(), 1, 60, rapid.ID).Draw(t, "few")
		x := rapid.SliceOfN(rapid.SampledFrom(few), 2000, 2000).Draw(t, "values")
		if !table.collect(x, dictLimit, always) {
			t.Fatal("60 values are too many")
		}
		for i, k := range table.keys {
			if slices.Index(table.keys, k) != i {
				t.Fatalf("%d is there twice", k)
			}
			table.recode(k, uint64(i))
		}
		for _, v := range x {
			if table.keys[table.code(v)] != v {
				t.Fatalf("%d has the code of %d", v, table.keys[table.code(v)])
			}
		}
	})
}

func TestNumberTableGivesUp(t *testing.T) {
	var table numberTable
	r := random(1)
	row := make([]uint64, MaxValues)
	for i := range row {
		row[i] = uint64(r.below(1600))
	}
	asked := 0
	few := func(int) bool { asked++; return true }
	if table.collect(row, dictLimit, few) {
		t.Error("some 1,470 distinct values are collected")
	}
	if len(table.keys) > dictLimit+1 {
		t.Errorf("%d keys are collected with a limit of %d", len(table.keys), dictLimit)
	}
	row = slices.Repeat(row[:100], 36)
	for refuse := range 3 {
		asked = 0
		got := table.collect(row, dictLimit, func(n int) bool { asked++; return asked != refuse })
		if got != (refuse == 0) {
			t.Errorf("refused at question %d: %v", refuse, got)
		}
	}
	var same []uint64 // integers that want one slot
	for v := uint64(0); len(same) < 500; v++ {
		if v*goldenRatio>>(64-tableBits) == 7 {
			same = append(same, v)
		}
	}
	if table.collect(slices.Repeat(same, 8), dictLimit, func(int) bool { return true }) {
		t.Error("integers that collide are all collected")
	}
}
