package content

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// stored is a frame as a test wants it stored.
type stored struct {
	key   frame.StreamKey
	epoch uint32
	rec   segment.Record
}

// ordinal is the seal ordinal that the frame has.
func (s *stored) ordinal() uint32 { return max(s.rec.Seal, 1) }

// flush makes a segment of the rows as a node does: batches, a head, Write. It adds the segment to fs.
func flush(tb testing.TB, fs vfs.FS, number int, rows []stored) *segment.Reader {
	tb.Helper()
	head, ids, keys := segment.NewHead(), map[frame.StreamKey]frame.StreamID{}, map[frame.StreamID]frame.StreamKey{}
	var b frame.Builder
	b.Reset(frame.Header{})
	for i := range rows {
		r := &rows[i]
		id, err := b.Stream(r.key)
		if err == nil {
			f := frame.Frame{Seq: uint64(i), TimeNS: r.rec.TimeNS, Class: r.rec.Class, Fields: r.rec.Fields, Raw: r.rec.Raw}
			err = b.Add(frame.Group{Stream: id, Bits: 64}, &f)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	batch, err := b.Finish(nil)
	if err != nil {
		tb.Fatal(err)
	}
	bodies := bodiesOf(tb, batch, len(rows))
	for i := range rows {
		r := &rows[i]
		id, ok := ids[r.key]
		if !ok {
			id = frame.StreamID(len(ids) + 1)
			ids[r.key], keys[id] = id, r.key
		}
		row := r.rec.Row
		row.Body = bodies[i]
		head.Append(id, r.epoch, row)
	}
	opt := about
	opt.FirstIndex, opt.LastIndex = uint64(number*1000), uint64(number*1000+999)
	info, err := segment.Write(fs, ".", opt, head, func(id frame.StreamID) (frame.StreamKey, bool) { return keys[id], true })
	if err != nil {
		tb.Fatal(err)
	}
	return open(tb, fs, info.Name)
}

var about = segment.Options{Cluster: "plant-7", Partition: 3, History: 2}

func bodiesOf(tb testing.TB, batch []byte, n int) []frame.Body {
	tb.Helper()
	var r frame.Reader
	if err := r.Reset(batch); err != nil {
		tb.Fatal(err)
	}
	bodies := make([]frame.Body, n)
	var g frame.Group
	var it frame.Item
	for r.NextGroup(&g) {
		for r.Next(&it) {
			bodies[it.Seq] = it.Body
		}
	}
	return bodies
}

func open(tb testing.TB, fs vfs.FS, name segment.Name) *segment.Reader {
	tb.Helper()
	b, err := vfs.ReadFile(fs, name.FileName(), 1<<30)
	if err != nil {
		tb.Fatal(err)
	}
	return openBytes(tb, b, segment.ReaderOptions{Name: name})
}

func openBytes(tb testing.TB, b []byte, opt segment.ReaderOptions) *segment.Reader {
	tb.Helper()
	r, err := segment.NewReader(bytes.NewReader(b), int64(len(b)), opt)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// strips are the bytes of what Compute emits.
func strips(in []*segment.Reader, first, last uint32) (list [][]byte, err error) {
	err = Compute(context.Background(), in, first, last, Options{}, func(s *Strip) error {
		list = append(list, s.Append(nil))
		return nil
	})
	return list, err
}

// rootOf is the content root of the strips.
func rootOf(list [][]byte) merkle.Hash {
	var e merkle.Edge
	for _, b := range list {
		s, err := ParseStrip(b)
		if err != nil {
			panic(err)
		}
		e.Append(s.Leaf())
	}
	return e.Root()
}

var testKeys = []frame.StreamKey{
	{Tenant: "acme", Device: "mill", Stream: "0"}, {Tenant: "acme", Device: "mill", Stream: "aux"}, {Tenant: "acme", Device: "mill 2", Stream: "0"},
	{Tenant: "acme", Device: "müll", Stream: "0"}, {Tenant: "acme!", Device: "a", Stream: "0"}, {Tenant: "_system", Device: "_tlog", Stream: "0"},
}

// drawRows draws frames of several streams, each number once, in no order.
func drawRows(rnd *rand.Rand) (rows []stored) {
	used := map[string]bool{}
	for range 1 + rnd.IntN(5) {
		key, epoch := testKeys[rnd.IntN(len(testKeys))], uint32(1+rnd.IntN(2))
		seq := []uint64{0, 60, 1 << 40, math.MaxInt64 - 100, math.MaxUint64 - 120}[rnd.IntN(5)]
		seal, style, gaps := uint32(rnd.IntN(3)), rnd.IntN(4), rnd.IntN(3)
		for range 1 + rnd.IntN(120) {
			if id := fmt.Sprint(key, epoch, seq); !used[id] {
				used[id] = true
				row := stored{key: key, epoch: epoch, rec: drawRecord(rnd, style, seq)}
				row.rec.Seal = seal
				if rnd.IntN(15) == 0 {
					row.rec.Seal = uint32(rnd.IntN(6)) // it came late, or early
				}
				rows = append(rows, row)
			}
			if rnd.IntN(30) == 0 {
				seal++
			}
			step := uint64(1)
			if gaps > 0 && rnd.IntN(8) == 0 {
				step += rnd.Uint64N(100)
			}
			if seq+step < seq {
				break
			}
			seq += step
		}
	}
	rnd.Shuffle(len(rows), func(i, k int) { rows[i], rows[k] = rows[k], rows[i] })
	return rows
}

var (
	oddBits = []uint64{
		0x7ff8000000000001, 0xfff8dead00000000, 0x7ff0000000000001, 1 << 63, 0, 1, math.Float64bits(math.Inf(-1)), math.Float64bits(21.5),
	}
	oddTexts = []string{"", "x", "run", "a text that is longer than any prefix which statistics keep"}
	someName = []string{"a", "b", "bb", "c", "größe", "z"}
)

// drawRecord draws one frame: without anything, raw only, always the same fields, or any fields in any kind.
func drawRecord(rnd *rand.Rand, style int, seq uint64) segment.Record {
	rec := segment.Record{Row: segment.Row{
		Seq: seq, TimeNS: int64(rnd.Uint64()) >> rnd.IntN(64), ReceiveMS: rnd.Int64N(1e9), Index: 1 + rnd.Uint64N(999), Ordinal: rnd.Uint32N(9),
		Class: frame.ClassEvent + frame.Class(rnd.IntN(8)/7), Flags: segment.Flags(rnd.IntN(2*int(segment.FlagSuspectedDuplicate)) & rnd.IntN(256)),
	}}
	if style == 1 || rnd.IntN(4) == 0 {
		rec.Raw = []byte(oddTexts[rnd.IntN(len(oddTexts))])
	}
	for i, name := range someName {
		kind := frame.Kind(1 + i)
		if style == 3 {
			kind = frame.Kind(1 + rnd.IntN(6))
		}
		if style == 2 || style == 3 && rnd.IntN(10) > 3 {
			rec.Fields = append(rec.Fields, frame.Field{Name: name, Value: drawValue(rnd, kind)})
		}
	}
	return rec
}

func drawValue(rnd *rand.Rand, kind frame.Kind) frame.Value {
	switch kind {
	case frame.KindFloat:
		return frame.Value{Kind: kind, Num: oddBits[rnd.IntN(len(oddBits))]}
	case frame.KindInt:
		return frame.Int(int64(rnd.Uint64()) >> rnd.IntN(64))
	case frame.KindUint:
		return frame.Uint(math.MaxUint64 - rnd.Uint64N(5))
	case frame.KindBool:
		return frame.Bool(rnd.IntN(2) == 0)
	case frame.KindString:
		return frame.String(oddTexts[rnd.IntN(len(oddTexts))])
	}
	return frame.Bytes([]byte{0, 255, byte(rnd.Uint32())}[:rnd.IntN(4)])
}

// split spreads the rows over segments, as flushes may.
func split(tb testing.TB, rnd *rand.Rand, fs vfs.FS, rows []stored, segments int) (in []*segment.Reader) {
	parts := make([][]stored, segments)
	for _, r := range rows {
		i := rnd.IntN(segments)
		parts[i] = append(parts[i], r)
	}
	for i, p := range parts {
		if len(p) > 0 {
			in = append(in, flush(tb, fs, i, p))
		}
	}
	return in
}

// again is the same frame, stored anew: with another position, receive time and whatever a ledger says of it.
func again(rnd *rand.Rand, r stored) stored {
	rec := drawRecord(rnd, 0, r.rec.Seq)
	rec.TimeNS, rec.Class, rec.Seal, rec.Fields, rec.Raw = r.rec.TimeNS, r.rec.Class, r.rec.Seal, r.rec.Fields, r.rec.Raw
	rec.Flags = rec.Flags&^segment.FlagNoTime | r.rec.Flags&segment.FlagNoTime
	if rec.Flags&segment.FlagNoTime != 0 {
		rec.TimeNS = rnd.Int64() // the receive time
	}
	if rec.Seal == 1 && rnd.IntN(2) == 0 {
		rec.Seal = 0
	}
	return stored{r.key, r.epoch, rec}
}

func ordinalsOf(rows []stored) (list []uint32) {
	for i := range rows {
		list = append(list, rows[i].ordinal())
	}
	slices.Sort(list)
	return slices.Compact(list)
}
