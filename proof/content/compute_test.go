package content

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
	"pgregory.net/rapid"
)

// sameStrips fails when the segments have other strips than the oracle makes of the rows.
func sameStrips(t rapid.TB, what string, in []*segment.Reader, rows []stored, first, last uint32) {
	t.Helper()
	got, err := strips(in, first, last)
	if err != nil {
		t.Fatalf("%s, ordinals %d to %d: %v", what, first, last, err)
	}
	if want := oracle(rows, first, last); !slices.EqualFunc(got, want, bytes.Equal) {
		t.Fatalf("%s, ordinals %d to %d: %d strips, want %d:\n got %x\nwant %x", what, first, last, len(got), len(want), got, want)
	}
}

// The contents of an ordinal depend on its frames and on nothing else: not on how they are spread over segments, nor on merges, nor on whether
// some of them are there several times.
func TestContentsDependOnFramesAlone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		fs := vfs.NewMem()
		rows := drawRows(rnd)
		in := split(t, rnd, fs, rows, 1+rnd.IntN(4))
		sameStrips(rt, "flushed", in, rows, 1, math.MaxUint32)
		for _, n := range ordinalsOf(rows) {
			sameStrips(rt, "flushed", in, rows, n, n)
		}
		sameStrips(rt, "flushed", in, rows, 2, 3)

		merged, rest := merge(t, rnd, fs, in)
		sameStrips(rt, "merged", slices.Concat(merged, rest), rows, 1, math.MaxUint32)
		for _, n := range ordinalsOf(rows) {
			sameStrips(rt, "merged", slices.Concat(merged, rest), rows, n, n)
		}
		all := slices.Concat(in, merged)
		rnd.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
		sameStrips(rt, "inputs and outputs", all, rows, 1, math.MaxUint32)

		var copies []stored
		for _, r := range rows {
			if rnd.IntN(3) == 0 {
				copies = append(copies, again(rnd, r))
			}
		}
		if len(copies) > 0 {
			twice := append(split(t, rnd, fs, copies, 2), in...)
			sameStrips(rt, "some rows in several segments", twice, rows, 1, math.MaxUint32)
			n := ordinalsOf(rows)
			sameStrips(rt, "some rows in several segments", twice, rows, n[0], n[len(n)/2])
		}
	})
}

// merge merges some of the segments by windows of any width, and sometimes what comes out once more.
func merge(tb testing.TB, rnd *rand.Rand, fs vfs.FS, in []*segment.Reader) (merged, rest []*segment.Reader) {
	tb.Helper()
	n := 1 + rnd.IntN(len(in))
	merged, rest = in[:n], in[n:]
	for range 1 + rnd.IntN(2) {
		opt := segment.MergeOptions{Options: about, WindowNS: []int64{0, 1 << 20, 1 << 50, 1 << 62}[rnd.IntN(4)]}
		outputs, err := segment.Merge(fs, ".", opt, merged)
		if err != nil {
			tb.Fatal(err)
		}
		merged = nil
		for _, o := range outputs {
			merged = append(merged, open(tb, fs, o.Info.Name))
		}
	}
	return merged, rest
}

// Blocks that hold many epochs, and epochs with many blocks and ordinals, come to the same.
func TestLargeBlocksAndShortStreams(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var rows []stored
	for i := range 9000 { // three blocks of one epoch, the ordinal changes in the middle of groups and blocks
		row := stored{testKeys[0], 1, drawRecord(rnd, 2, uint64(i))}
		row.rec.Seal = uint32(1 + (i+50)/1000)
		rows = append(rows, row)
	}
	for i := range 300 {
		key := testKeys[1]
		key.Device = string(rune('a'+i%26)) + string(rune('a'+i/26))
		for k := range 3 {
			row := stored{key, 1, drawRecord(rnd, i%4, uint64(k))}
			row.rec.Seal = uint32(1 + i%12)
			rows = append(rows, row)
		}
	}
	in := split(t, rnd, vfs.NewMem(), rows, 2)
	sameStrips(t, "large", in, rows, 1, math.MaxUint32)
	for _, n := range []uint32{1, 5, 10, 12} {
		sameStrips(t, "large", in, rows, n, n)
	}
}
