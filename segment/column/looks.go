package column

import (
	"math/bits"
	"slices"
)

const (
	narrowMask   = 1<<29 - 1 // the bits of a float64 that a widened float32 does not have
	narrowShare  = 16        // a column is seen as float32 when at most one value in so many is not near to one
	hintShare    = 2         // hints are believed when at least one value in so many has one
	hintSamples  = 64
	formSamples  = 32  // a form is looked for in so many values,
	formStride   = 8   // in one of so many where there are fewer,
	formPatience = 8   // and in so many at least; when none of these has one, there is none
	nearSample   = 8   // how far a sample may be from a decimal
	scaleBits    = 332 // 100 × the bits that a decimal place takes
	misfitBits   = 64  // what a value takes that has more places
)

// The longest mantissas, in bits, that save anything: of a decimal, of one that is only near, and of a float32.
const (
	exactMantissa  = 49
	nearMantissa   = 45
	narrowMantissa = 24
)

// look is what one pass over floats finds out.
type look struct {
	constant bool
	narrow   bool  // (nearly) all could have been float32
	hinted   bool  // enough have a hint
	most     uint8 // the largest scale among the hints
}

func lookAt(v []Float) look {
	first, differ, wide, hints, scales := v[0].Bits, uint64(0), uint64(0), 0, uint32(0)
	for i := range v {
		x := &v[i]
		differ |= x.Bits ^ first
		wide += min((x.Bits+nearLimit)&narrowMask/(2*nearLimit+1), 1)
		if x.Decimal {
			scales |= 1 << min(x.Scale, 31)
			hints++
		}
	}
	most := bits.Len32(scales&(1<<(maxScale+1)-1)|1) - 1
	return look{constant: differ == 0, narrow: wide*narrowShare <= uint64(len(v)), hinted: hints*hintShare >= len(v), most: uint8(most)}
}

// forms are the decimal forms worth trying, the best first.
func (l *look) forms(dst []form, v []Float) []form {
	if l.hinted {
		scale := sampleScale(v)
		dst = append(dst, form{scale: scale})
		if scale != l.most {
			dst = append(dst, form{scale: l.most})
		}
		if !l.narrow {
			return dst
		}
	}
	if f, ok := sampleForm(v, l.narrow); ok && (!l.hinted || f.scale < l.most) {
		dst = slices.Insert(dst, 0, f)
	}
	return dst
}

// sampleScale is the scale that the hints of samples from all over v speak for.
func sampleScale(v []Float) uint8 {
	var count [maxScale + 1]int
	n := 0
	for i := 0; i < len(v); i += max(1, len(v)/hintSamples) {
		if v[i].Decimal && v[i].Scale <= maxScale {
			count[v[i].Scale]++
			n++
		}
	}
	return chooseScale(count[:], n)
}

// chooseScale weighs the room that decimal places take in each of n values against the values that have more of them.
func chooseScale(count []int, n int) (likely uint8) {
	best, misfits := -1, 0
	for scale := len(count) - 1; scale >= 0; scale-- {
		if count[scale] == 0 {
			continue
		}
		cost := misfits*misfitBits*100 + n*scale*scaleBits
		if best < 0 || cost < best {
			best, likely = cost, uint8(scale)
		}
		misfits += count[scale]
	}
	return likely
}

// sampleForm looks for the decimals that v may come from, in samples from all over it.
func sampleForm(v []Float, narrow bool) (form, bool) {
	var exact, near [maxScale + 1]int
	samples, fits, nears := 0, 0, 0
	for i := 0; i < len(v); i += max(1, min(len(v)/formPatience, formStride), len(v)/formSamples) {
		samples++
		scale, distance := shortest(v[i].Bits, narrow)
		switch {
		case scale < 0:
		case distance == 0:
			exact[scale]++
			fits++
			fallthrough
		default:
			near[scale]++
			nears++
		}
		if samples == formPatience && nears == 0 {
			return form{}, false
		}
	}
	if fits*4 >= samples*3 {
		scale := chooseScale(exact[:], samples)
		return form{scale, narrow}, true
	}
	if nears*4 >= samples*3 {
		scale := chooseScale(near[:], samples)
		return form{scale, narrow}, true
	}
	return form{}, false
}

// widen gives the form the places that the odd values need.
func (e *Encoder) widen(v []Float, f form) form {
	for i := 0; i < len(e.odd); i += max(1, len(e.odd)/formPatience) {
		if s, _ := shortest(v[e.odd[i]].Bits, f.narrow); s > int(f.scale) {
			f.scale = uint8(s)
		}
	}
	return f
}

// shortest is the least scale at which a float is a decimal, or comes near one; -1 where there is none short enough.
func shortest(b uint64, narrow bool) (scale int, distance int64) {
	exactMost, nearMost := exactMantissa, nearMantissa
	if narrow {
		exactMost, nearMost = narrowMantissa, narrowMantissa
	}
	for s := range maxScale + 1 {
		f := form{uint8(s), narrow}
		m, off := f.nearest(b)
		size := bits.Len64(uint64(max(m, -m)))
		if off != 0 || size > exactMost {
			return -1, 0
		}
		r := int64(b - f.bits(m))
		if r == 0 || size <= nearMost && -nearSample <= r && r <= nearSample {
			return s, r
		}
	}
	return -1, 0
}
