package content

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
	"pgregory.net/rapid"
)

// Every frame can be proven from whatever segments there are, with the strip that Compute makes and the values that were stored.
func TestEveryFrameCanBeProven(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 2))
		rows := drawRows(rnd)
		in := split(t, rnd, vfs.NewMem(), rows, 1+rnd.IntN(3))
		want := oracle(rows, 0, 1<<31)
		for range 5 {
			row := rows[rnd.IntN(len(rows))]
			p, err := ProveFrame(context.Background(), in, row.key, row.epoch, row.ordinal(), row.rec.Seq)
			if err != nil {
				rt.Fatal(err)
			}
			f, err := p.Check(row.rec.Seq)
			if err != nil {
				rt.Fatal(err)
			}
			if !slices.ContainsFunc(want, func(b []byte) bool { return bytes.Equal(b, p.Strip.Append(nil)) }) {
				rt.Fatalf("strip %+v is none of those that there are", p.Strip)
			}
			if !sameFrame(&f, &row.rec) {
				rt.Fatalf("proven %+v, stored %+v", f, row.rec)
			}
		}
	})
}

func sameFrame(f *Frame, rec *segment.Record) bool {
	noTime := rec.Flags&segment.FlagNoTime != 0
	return f.Seq == rec.Seq && f.NoTime == noTime && (noTime && f.TimeNS == 0 || f.TimeNS == rec.TimeNS) && f.Class == rec.Class &&
		bytes.Equal(f.Raw, rec.Raw) &&
		slices.EqualFunc(f.Fields, rec.Fields, func(a, b frame.Field) bool { return a.Name == b.Name && a.Value.Equal(b.Value) })
}

func TestFramesThatAreNotThereCannotBeProven(t *testing.T) {
	rows := someRows(rand.New(rand.NewPCG(1, 2)), 70)
	rows[9].rec.Seal = 5
	in := []*segment.Reader{flush(t, vfs.NewMem(), 1, rows)}
	key := rows[0].key
	for _, c := range []struct {
		name           string
		key            frame.StreamKey
		epoch, ordinal uint32
		seq            uint64
	}{
		{"number", key, 1, 4, 130}, {"number below", key, 1, 4, 59}, {"ordinal", key, 1, 4, 69}, {"ordinal without frames", key, 1, 6, 60},
		{"epoch", key, 2, 4, 60}, {"stream", testKeys[4], 1, 4, 60},
	} {
		if p, err := ProveFrame(context.Background(), in, c.key, c.epoch, c.ordinal, c.seq); !errors.Is(err, ErrNoFrame) {
			t.Errorf("another %s: %+v, %v", c.name, p, err)
		}
	}
	stopped, stop := context.WithCancel(context.Background())
	stop()
	if _, err := ProveFrame(stopped, in, key, 1, 4, 60); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that ended: %v", err)
	}
}

// Whatever is changed in a proof, it proves nothing any more.
func TestForgedProofsAreRefused(t *testing.T) {
	rows := someRows(rand.New(rand.NewPCG(1, 2)), 300)
	in := []*segment.Reader{flush(t, vfs.NewMem(), 1, rows)}
	const seq = 130
	good, err := ProveFrame(context.Background(), in, rows[0].key, 1, 4, seq)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := good.Check(seq); err != nil || len(good.Proof) < 2 || good.Size != 6 || good.Index != 2 {
		t.Fatalf("%+v, %v", good, err)
	}
	if err := tlog.CheckRecord(good.Proof, good.Size, good.Strip.Root, good.Index, tlog.RecordHash(good.Group)); err != nil {
		t.Errorf("it is no audit path, from the leaf up: %v", err)
	}
	forge := func(name string, change func(p *FrameProof)) {
		t.Helper()
		p := good
		p.Group, p.Proof, p.Strip.Runs = bytes.Clone(good.Group), slices.Clone(good.Proof), slices.Clone(good.Strip.Runs)
		change(&p)
		if f, err := p.Check(seq); !errors.Is(err, ErrProof) && !errors.Is(err, ErrNoFrame) {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	for i := range good.Group {
		forge("a bit of the group", func(p *FrameProof) { p.Group[i] ^= 1 << (i % 8) })
	}
	forge("no group", func(p *FrameProof) { p.Group = nil })
	forge("a hash", func(p *FrameProof) { p.Proof[0][5] ^= 1 })
	forge("a hash less", func(p *FrameProof) { p.Proof = p.Proof[1:] })
	forge("a hash more", func(p *FrameProof) { p.Proof = append(p.Proof, merkle.Hash{}) })
	forge("from the root down", func(p *FrameProof) { slices.Reverse(p.Proof) })
	forge("index", func(p *FrameProof) { p.Index++ })
	forge("size", func(p *FrameProof) { p.Size++ })
	forge("root", func(p *FrameProof) { p.Strip.Root[0] ^= 1 })
	forge("stream", func(p *FrameProof) { p.Strip.Key.Device += "x" })
	forge("epoch", func(p *FrameProof) { p.Strip.Epoch++ })
	forge("ordinal", func(p *FrameProof) { p.Strip.Ordinal++ })
	forge("frames", func(p *FrameProof) { p.Strip.Frames++ })
	forge("a group more", func(p *FrameProof) { p.Strip.Runs[0].Last += 100; p.Strip.Frames += 100 })
	forge("without the number", func(p *FrameProof) {
		p.Strip.Runs = []ledger.Run{{First: 60, Last: 129}, {First: 131, Last: 359}}
		p.Strip.Frames--
	})
	forge("as many numbers, but others", func(p *FrameProof) { p.Strip.Runs = []ledger.Run{{First: 60, Last: 128}, {First: 130, Last: 360}} })
	forge("runs that overlap", func(p *FrameProof) { p.Strip.Runs = append(p.Strip.Runs, p.Strip.Runs[0]) })
}
