package column

import (
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

// TestEveryView writes rows of integers in each view, also in those that nobody would choose, reads them again, and holds the survey to
// what it said about their size and their runs.
func TestEveryView(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawInts(t, max(2, count(t)))
		var room intRoom
		if offsets(&room, v) {
			return
		}
		room.survey.take(room.x)
		runs := 1
		for i := 1; i < len(v); i++ {
			if v[i] != v[i-1] {
				runs++
			}
		}
		if room.survey.runs != runs {
			t.Fatalf("%d runs, want %d, in %v", room.survey.runs, runs, v)
		}
		for view := range views {
			b := room.append(nil, origin{first: uint64(v[0]), step: 1}, view)
			c := cursor{b: b}
			got := make([]int64, len(v))
			readView(&c, got, viewEncodings[view])
			if err := c.done(); err != nil || !equal(got, v) {
				t.Fatalf("%v: %v\ngot  %v\nwant %v", viewEncodings[view], err, got, v)
			}
			head := headBytes(b, view)
			patched := false
			for block := 0; block*miniblock < len(v); block++ {
				patched = patched || room.survey.width[view][block] >= patchWidth
			}
			if said := room.survey.bytes[view]; len(b)-head > said || !patched && len(b)-head != said {
				t.Fatalf("%v takes %d bytes, the survey said %d", viewEncodings[view], len(b)-head, said)
			}
		}
	})
}

// headBytes is what lies before the miniblocks: two numbers, or three.
func headBytes(b []byte, view int) (n int) {
	numbers := 2
	if view == asDelta2 {
		numbers = 3
	}
	for range numbers {
		_, k := binary.Uvarint(b[n:])
		n += k
	}
	return n
}
