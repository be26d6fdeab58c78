package segment

import (
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// lent is how many decoded blocks sources of a walk have, and there is how many there are.
func (w *SealWalk) lent() (lent, there int) {
	for _, s := range w.sources {
		if s.block != nil {
			lent++
		}
	}
	return lent, lent + len(w.rooms.free)
}

// walkThrough goes through all rows that are left, of the devices that are wanted.
func walkThrough(t *testing.T, w *SealWalk, wanted func(key frame.StreamKey) bool) {
	t.Helper()
	for {
		key, _, ok, err := w.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return
		}
		for wanted(key) {
			rows, err := w.Rows()
			if err != nil {
				t.Fatal(err)
			}
			if rows == nil {
				break
			}
		}
	}
}

// The blocks in memory are those of inputs that overlap, and each is decoded once.
func TestSealWalkHoldsWhatOverlaps(t *testing.T) {
	all := func(frame.StreamKey) bool { return true }
	for _, tt := range []struct {
		name         string
		input        func(i int) []numbers // of 40
		wanted       func(key frame.StreamKey) bool
		most, blocks int
	}{
		{"one behind the other", func(i int) []numbers { return []numbers{{1, uint64(300 * i), uint64(300 * (i + 1)), 1}} }, all, 1, 40},
		{"each beside the next", func(i int) []numbers { return []numbers{{1, uint64(300*i + 1), uint64(300 * (i + 2)), 2}} }, all, 2, 40},
		{"all in all", func(i int) []numbers { return []numbers{{1, uint64(i), 12_000, 40}} }, all, 40, 40},
		{"a device each", func(i int) []numbers { return []numbers{{i, 0, 300, 1}} }, all, 1, 40},
		{"devices in a block of each", func(i int) []numbers {
			return []numbers{{1, uint64(9 * i), uint64(9 * (i + 1)), 1}, {2, uint64(9 * i), uint64(9 * (i + 1)), 1}}
		}, all, 40, 40},
		{"the second of them is not wanted", func(i int) []numbers {
			return []numbers{{1, uint64(9 * i), uint64(9 * (i + 1)), 1}, {2, uint64(9 * i), uint64(9 * (i + 1)), 1}}
		}, func(key frame.StreamKey) bool { return key != device(2) }, 40, 40},
	} {
		var metrics ReaderMetrics
		var in []*Reader
		for i := range 40 {
			in = append(in, openBytes(t, fileOf(t, mergeInput(i), series(tt.input(i), oneField)), ReaderOptions{Metrics: &metrics}))
		}
		w, err := WalkSeals(in, 1, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		walkThrough(t, w, tt.wanted)
		if lent, there := w.lent(); lent != 0 || there != tt.most || metrics.Blocks.Load() != uint64(tt.blocks) {
			t.Errorf("%s: %d blocks in memory, want %d; %d are not given back; %d were read, want %d",
				tt.name, there, tt.most, lent, metrics.Blocks.Load(), tt.blocks)
		}
	}
}
