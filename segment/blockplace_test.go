package segment

import "testing"

// TestPlace finds the block of every number of an epoch that fills several blocks, and none for numbers that no block reaches over.
func TestPlace(t *testing.T) {
	f := newFixture(t)
	const rows = 10_000
	for n := range uint64(rows) { // with a hole behind every second row, and one of 100 in the middle
		seq := 10 + n + n/2 + n/(rows/2)*100
		f.add(sample{key: device(1), ordinal: 3, row: Row{Seq: seq, TimeNS: int64(n), Index: 1, Ordinal: uint32(n), Class: 1}})
	}
	_, file := f.write()
	r := openBytes(t, file, ReaderOptions{})
	e, ok, err := r.Epoch(device(1), 3)
	if err != nil || !ok || e.Blocks() < 3 {
		t.Fatalf("%v %v, %d blocks", ok, err, e.Blocks())
	}
	end := int64(0)
	for i := range e.Blocks() {
		b := e.Block(i)
		for _, seq := range []uint64{b.FirstSeq, (b.FirstSeq + b.LastSeq) / 2, b.LastSeq} {
			p, ok := e.Place(seq)
			if !ok || p.Block != i+1 || p.FirstSeq != b.FirstSeq || p.LastSeq != b.LastSeq {
				t.Errorf("number %d: %+v %v, block %d has %d to %d", seq, p, ok, i+1, b.FirstSeq, b.LastSeq)
			}
			if seq == b.FirstSeq && p.Offset < end || p.Offset+int64(p.Bytes) > int64(len(file)) {
				t.Errorf("block %d lies at %d, the one before ends at %d, the file has %d bytes", i+1, p.Offset, end, len(file))
			}
			end = p.Offset + int64(p.Bytes)
		}
	}
	for _, seq := range []uint64{0, 9, e.LastSeq + 1, 1 << 60} {
		if p, ok := e.Place(seq); ok {
			t.Errorf("number %d is in no block, and it is found in %+v", seq, p)
		}
	}
}
