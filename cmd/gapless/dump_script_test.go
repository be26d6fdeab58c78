package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// makeSegment DIR makes a segment of two tenants, and names it for its hash: a device with two epochs, the second with a gap and a
// frame of every kind of value, a second stream, and a device with two blocks and a third that it shares.
func makeSegment(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o700))
	temp := filepath.Join(dir, "new")
	f, err := os.Create(temp)
	ts.Check(err)
	w := segment.NewWriter(f, segment.Options{Cluster: "plant", Partition: 2, History: 3, FirstIndex: 11, LastIndex: 20})
	mill := frame.StreamKey{Tenant: "default", Device: "mill/07", Stream: "0"}
	begin := func(key frame.StreamKey, epoch uint32, seqs ...uint64) {
		ts.Check(w.Begin(key, epoch))
		for _, seq := range seqs {
			ts.Check(w.Add(plainRecord(seq)))
		}
	}
	begin(mill, 1, 1, 2, 3)
	begin(mill, 2, 1, 2, 7)
	ts.Check(w.Add(richRecord(8)))
	mill.Stream = "vib"
	begin(mill, 1, 4)
	press := frame.StreamKey{Tenant: "default", Device: "press", Stream: "0"}
	begin(press, 1)
	for seq := uint64(1); seq <= 9000; seq++ {
		ts.Check(w.Add(plainRecord(seq)))
	}
	begin(frame.StreamKey{Tenant: "other", Device: "mill/07", Stream: "0"}, 1, 5)
	info, err := w.Finish()
	ts.Check(err)
	ts.Check(f.Close())
	ts.Check(os.Rename(temp, filepath.Join(dir, info.Name.FileName())))
}

// plainRecord is a frame of a second of its own.
func plainRecord(seq uint64) *segment.Record {
	const start = 1_795_255_200 * 1_000_000_000 // 2026-11-21T10:00:00Z
	return &segment.Record{
		Row: segment.Row{
			Seq: seq, TimeNS: start + int64(seq)*1_000_000_000, ReceiveMS: start/1_000_000 + int64(seq)*1000 + 5, Index: 12, Ordinal: uint32(seq),
			Class: frame.ClassEvent,
		},
		Fields: []frame.Field{{Name: "note", Value: frame.String(fmt.Sprint("n", seq*seq*2654435761%1_000_003))}, {Name: "rpm", Value: frame.Float(float64(seq))}},
	}
}

// richRecord has every kind of value, a payload, flags and another class.
func richRecord(seq uint64) *segment.Record {
	rec := plainRecord(seq)
	rec.Class, rec.Flags, rec.Raw = frame.ClassSnapshot, segment.FlagLate|segment.FlagSkew, []byte{0, 1, 2}
	rec.Fields = []frame.Field{
		{Name: "bytes", Value: frame.Bytes([]byte{255})}, {Name: "inf", Value: frame.Float(math.Inf(-1))}, {Name: "int", Value: frame.Int(-5)},
		{Name: "nan", Value: frame.Float(math.NaN())}, {Name: "ok", Value: frame.Bool(true)}, {Name: "text", Value: frame.String("<a>\x1b\u202e\"")},
		{Name: "tiny", Value: frame.Float(1e-7)}, {Name: "uint", Value: frame.Uint(math.MaxUint64)}, {Name: "zero", Value: frame.Float(math.Copysign(0, -1))},
	}
	return rec
}
