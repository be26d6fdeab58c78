package main

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// TestSalvage damages a byte at each of some places in the blocks of a segment: what is salvaged is the numbers of the other blocks, each once.
func TestSalvage(t *testing.T) {
	file, blocks := salvageFile(t)
	key := frame.StreamKey{Tenant: "default", Device: "d", Stream: "0"}
	lostBlocks := map[int]bool{}
	const places, tail = 16, 1000 // the index and the footer have less
	for at := 70; at < len(file)-tail; at += (len(file) - tail) / places {
		damaged := bytes.Clone(file)
		damaged[at] ^= 0x55
		r, err := segment.NewReader(bytes.NewReader(damaged), int64(len(damaged)), segment.ReaderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		e, ok, err := r.Epoch(key, 1)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		var got []uint64
		var faults []error
		err = salvage(r, &e, segment.All(), func(rec *segment.Record) error {
			got = append(got, rec.Seq)
			return nil
		}, func(err error) error {
			faults = append(faults, err)
			return nil
		})
		if err != nil || len(faults) != 1 || !errors.Is(faults[0], segment.ErrCorrupt) {
			t.Fatalf("byte %d: %v, %d faults: %v", at, err, len(faults), faults)
		}
		lost := slices.IndexFunc(blocks, func(run ledger.Run) bool { return !slices.Contains(got, run.First) })
		if lost < 0 || !slices.Equal(got, without(e.Coverage(), blocks[lost])) {
			t.Fatalf("byte %d: %d numbers salvaged, block %d of %v is lost", at, len(got), lost, blocks)
		}
		lostBlocks[lost] = true
	}
	if len(lostBlocks) != len(blocks) {
		t.Errorf("only the blocks %v were damaged, of %d", lostBlocks, len(blocks))
	}
}

// TestSalvageBetween damages two blocks that follow each other: each is a loss of its own, and nothing else is lost.
func TestSalvageBetween(t *testing.T) {
	file, blocks := salvageFile(t)
	second := bytes.Index(file[100:], []byte("GBLK")) + 100
	third := bytes.Index(file[second+4:], []byte("GBLK")) + second + 4
	file[second+60] ^= 1
	file[third+60] ^= 1
	r, err := segment.NewReader(bytes.NewReader(file), int64(len(file)), segment.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	e, _, err := r.Epoch(frame.StreamKey{Tenant: "default", Device: "d", Stream: "0"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	var got []uint64
	losses := 0
	err = salvage(r, &e, segment.All(), func(rec *segment.Record) error {
		got = append(got, rec.Seq)
		return nil
	}, func(error) error {
		losses++
		return nil
	})
	if want := without(e.Coverage(), ledger.Run{First: blocks[1].First, Last: blocks[2].Last}); err != nil || losses != 2 || !slices.Equal(got, want) {
		t.Errorf("%d losses, %d numbers salvaged, want 2, %d: %v", losses, len(got), len(want), err)
	}
}

// TestSalvageEnds stops with the first error of a callback.
func TestSalvageEnds(t *testing.T) {
	file, _ := salvageFile(t)
	r, err := segment.NewReader(bytes.NewReader(file), int64(len(file)), segment.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	e, _, err := r.Epoch(frame.StreamKey{Tenant: "default", Device: "d", Stream: "0"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	full, calls := errors.New("disk full"), 0
	err = salvage(r, &e, segment.All(), func(*segment.Record) error { calls++; return full }, func(err error) error { return err })
	if !errors.Is(err, full) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

// salvageFile is a segment of one epoch with holes, and the bounds of its blocks.
func salvageFile(t *testing.T) (file []byte, blocks []ledger.Run) {
	var b bytes.Buffer
	w := segment.NewWriter(&b, segment.Options{FirstIndex: 1, LastIndex: 2})
	if err := w.Begin(frame.StreamKey{Tenant: "default", Device: "d", Stream: "0"}, 1); err != nil {
		t.Fatal(err)
	}
	for seq := uint64(0); seq < 14_000; seq++ {
		if seq%1000 == 999 || seq > 5000 && seq < 5500 {
			continue
		}
		if err := w.Add(plainRecord(seq)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	r, err := segment.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()), segment.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	err = r.Each(func(_ frame.StreamKey, e *segment.Epoch) error {
		return r.Statistics(e, func(st segment.BlockStats) bool {
			blocks = append(blocks, ledger.Run{First: st.FirstSeq, Last: st.LastSeq})
			return true
		})
	})
	if err != nil || len(blocks) < 3 {
		t.Fatalf("%d blocks: %v", len(blocks), err)
	}
	return b.Bytes(), blocks
}

// without lists the numbers of runs that are not in a block.
func without(runs []ledger.Run, block ledger.Run) (seqs []uint64) {
	for _, run := range runs {
		for seq := run.First; seq <= run.Last; seq++ {
			if seq < block.First || seq > block.Last {
				seqs = append(seqs, seq)
			}
		}
	}
	return seqs
}
