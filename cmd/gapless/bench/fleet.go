package bench

import (
	"math/rand/v2"
	"strconv"
)

// maxFields bounds the fields of a frame.
const maxFields = 64

// shape says what a fleet sends.
type shape struct {
	devices, fields int
	start           int64 // device time of the first frame, milliseconds since 1970
	step            int64 // between two frames of a device, milliseconds
	seed            uint64
}

// frame is one frame of a simulated device. Values are decimals: mantissa / 10^digits of its field.
type simFrame struct {
	device string
	seq    uint64
	timeMS int64
	values []int64
}

// digits is how many decimals a field has: 1 to 3.
func digits(field int) int { return 1 + field%3 }

// fieldName is the name of a field.
func fieldName(field int) string { return "f" + strconv.Itoa(field) }

// deviceName is the name of a device.
func deviceName(n int) string { return "bench-" + strconv.Itoa(100_000 + n)[1:] }

// part is the devices that one connection sends for, in rounds: every device once, then every device again.
type part struct {
	shape
	first, every int // devices first, first+every, ...
	rng          *rand.Rand
	seq          uint64
	at           int // index of the next device among its own
	names        []string
	values       [][]int64
}

func newPart(s shape, first, every int) *part {
	p := &part{shape: s, first: first, every: every, rng: rand.New(rand.NewPCG(s.seed, uint64(first)))}
	for d := first; d < s.devices; d += every {
		p.names = append(p.names, deviceName(d))
		values := make([]int64, s.fields)
		for i := range values {
			values[i] = 20_000 + p.rng.Int64N(60_000)
		}
		p.values = append(p.values, values)
	}
	return p
}

// next is the next frame. Its values are good until the device's next one.
func (p *part) next() simFrame {
	values := p.values[p.at]
	var draw uint64
	for i := range values {
		if i%8 == 0 {
			draw = p.rng.Uint64()
		}
		values[i] = max(0, values[i]+int64(draw&255)*7/256-3) // 2.8 bits a value
		draw >>= 8
	}
	f := simFrame{device: p.names[p.at], seq: p.seq, timeMS: p.start + int64(p.seq)*p.step, values: values}
	if p.at++; p.at == len(p.names) {
		p.at = 0
		p.seq++
	}
	return f
}
