package segment

import "github.com/gaplessdb/gapless/segment/column"

// The runs of a block are a table with a row for each epoch that has rows in it:
//
//	0 bytes of the key shared with the run before   1 the rest of the key   2 epoch   3 rows   4 seq of its first row
//	5 device time of its first row
const (
	runShared uint8 = iota
	runSuffix
	runEpoch
	runRows
	runSeq
	runTime
)

// runScratch is room for columns that are computed.
type runScratch struct {
	epoch, rows, seq, steps []uint64
	first, times            []int64
}

func (b *blockBuilder) encodeRuns() {
	s := &b.scratch
	s.epoch, s.rows, s.seq, s.first = s.epoch[:0], s.rows[:0], s.seq[:0], s.first[:0]
	b.front.reset()
	for i := range b.runs {
		r := &b.runs[i]
		b.front.add(r.key)
		s.epoch = append(s.epoch, uint64(r.ordinal))
		s.rows = append(s.rows, uint64(r.rows))
		s.seq = append(s.seq, b.seq[r.first])
		s.first = append(s.first, b.time[r.first])
	}
	b.pack.out = b.pack.out[:0]
	b.pack.uints(runShared, b.front.shared)
	b.pack.bytes(runSuffix, b.front.suffixes)
	b.pack.uints(runEpoch, s.epoch)
	b.pack.uints(runRows, s.rows)
	b.pack.uints(runSeq, s.seq)
	b.pack.ints(runTime, s.first)
	start := len(b.chunks)
	b.chunks = append(b.chunks, b.pack.out...)
	b.put(&blockColumn{part: partRuns, values: len(b.runs)}, start)
}

// blockRun is a run of a block that was read.
type blockRun struct {
	key         []byte
	ordinal     uint32
	first, rows int
	seq         uint64
	time        int64
}

// parseRuns reads the runs of a block of so many rows. The keys are checked to be keys only where they are used.
func parseRuns(dec *column.Decoder, b []byte, runs, rows int) ([]blockRun, error) {
	u := newUnpacker(dec, b)
	shared, suffixes := u.uints(runShared, runs), u.bytes(runSuffix, runs)
	epochs, counts, seqs := u.uints(runEpoch, runs), u.uints(runRows, runs), u.uints(runSeq, runs)
	times := u.ints(runTime, runs)
	if u.err != nil {
		return nil, u.err
	}
	keys, ok := frontDecode(shared, suffixes)
	if !ok {
		return nil, damaged("column runs", 0, "keys", "one that is too long or shares more than there is")
	}
	list := make([]blockRun, runs)
	at := 0
	for i := range list {
		if counts[i] == 0 || counts[i] > uint64(rows-at) || epochs[i] > maxOrdinal {
			return nil, damaged("column runs", 0, "runs of 1 row or more and the block's rows together", counts[i])
		}
		list[i] = blockRun{key: keys[i], ordinal: uint32(epochs[i]), first: at, rows: int(counts[i]), seq: seqs[i], time: times[i]}
		at += int(counts[i])
	}
	if at != rows {
		return nil, damaged("column runs", 0, rows, at)
	}
	return list, nil
}

const maxOrdinal = 1<<32 - 1
