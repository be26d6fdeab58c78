package slowreader

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// Files of random frames, flushed and merged, say the same to both readers.
func TestFilesAgree(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rnd := dice(seed)
			epochs := randomEpochs(rnd)
			parts := deal(rnd, epochs, 1+rnd.IntN(3))
			var files [][]byte
			for i, part := range parts {
				file := writeFile(t, part)
				if i == 0 {
					if flushed := flushHead(t, rnd, part); !bytes.Equal(flushed, file) {
						t.Fatal("a flush and a Writer made different files of the same frames")
					}
				}
				files = append(files, file)
			}
			var before []Row
			for _, file := range files {
				before = append(before, agree(t, file).Rows...)
			}
			var after []Row
			for _, file := range mergeFiles(t, []int64{0, 1e13, 1e14}[rnd.IntN(3)], files...) {
				after = append(after, agree(t, file).Rows...)
			}
			for _, rows := range [][]Row{before, after} {
				slices.SortFunc(rows, func(a, b Row) int {
					if c := a.Compare(b.Key); c != 0 {
						return c
					}
					return int(int64(a.Seq - b.Seq))
				})
			}
			if !reflect.DeepEqual(before, after) {
				t.Fatalf("%d rows before the merge, %d after it, or others", len(before), len(after))
			}
			holdAgainst(t, before, epochs)
		})
	}
}

// deal spreads the frames of each epoch over n files, some of them one by one and some in pieces.
func deal(rnd *rand.Rand, epochs []epochRows, n int) [][]epochRows {
	parts := make([][]epochRows, n)
	for _, e := range epochs {
		split := make([]epochRows, n)
		stay := []int{1, 500}[rnd.IntN(2)]
		to := rnd.IntN(n)
		for _, r := range e.rows {
			if rnd.IntN(stay) == 0 {
				to = rnd.IntN(n)
			}
			split[to].rows = append(split[to].rows, r)
		}
		for i := range split {
			if len(split[i].rows) > 0 {
				split[i].key, split[i].ordinal = e.key, e.ordinal
				parts[i] = append(parts[i], split[i])
			}
		}
	}
	return slices.DeleteFunc(parts, func(part []epochRows) bool { return len(part) == 0 })
}

// holdAgainst compares rows with the frames that were written.
func holdAgainst(t *testing.T, rows []Row, epochs []epochRows) {
	t.Helper()
	for _, e := range epochs {
		for i := range e.rows {
			want := fromOurs(e.key, e.ordinal, &e.rows[i])
			if len(rows) == 0 || !reflect.DeepEqual(rows[0], want) {
				t.Fatalf("got %+v, put %+v", rows[:min(1, len(rows))], want)
			}
			rows = rows[1:]
		}
	}
	if len(rows) > 0 {
		t.Fatalf("%d rows more than were put, the first is %+v", len(rows), rows[0])
	}
}

func TestGoldenFilesAgree(t *testing.T) {
	for name, file := range goldenFiles(t) {
		t.Run(name, func(t *testing.T) { agree(t, file) })
	}
}

// agree reads a file with both readers and compares everything.
func agree(t *testing.T, file []byte) *Segment {
	t.Helper()
	slow, err := ReadNamed(NameOf(file), file)
	if err != nil {
		t.Fatal(err)
	}
	r := openOurs(t, file)
	info, opt := r.Info(), r.Options()
	ours := &Segment{
		Header:  Header{opt.Cluster, opt.Partition, opt.History, opt.FirstIndex, opt.LastIndex, info.Encoder},
		FirstNS: info.FirstNS, LastNS: info.LastNS, Blocks: int(info.Blocks),
	}
	err = r.Each(func(key frame.StreamKey, e *segment.Epoch) error {
		epoch := Epoch{Key: Key{key.Tenant, key.Device, key.Stream, e.Ordinal}, Frames: e.Frames}
		for _, run := range e.Coverage() {
			epoch.Coverage = append(epoch.Coverage, Run(run))
		}
		ours.Epochs = append(ours.Epochs, epoch)
		_, err := r.Scan(e, segment.All(), segment.Columns{All: true}, func(rec *segment.Record) bool {
			ours.Rows = append(ours.Rows, fromOurs(key, e.Ordinal, rec))
			return true
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, slow, ours)
	if info.Frames != uint64(len(slow.Rows)) || int(info.Streams) != len(slow.Epochs) {
		t.Errorf("%d frames of %d epochs, the slow reader has %d of %d", info.Frames, info.Streams, len(slow.Rows), len(slow.Epochs))
	}
	return slow
}

func compare(t *testing.T, slow, ours *Segment) {
	t.Helper()
	for i := range min(len(slow.Rows), len(ours.Rows)) {
		if !reflect.DeepEqual(slow.Rows[i], ours.Rows[i]) {
			t.Fatalf("row %d:\nslow %+v\nours %+v", i, slow.Rows[i], ours.Rows[i])
		}
	}
	for i := range min(len(slow.Epochs), len(ours.Epochs)) {
		if !reflect.DeepEqual(slow.Epochs[i], ours.Epochs[i]) {
			t.Fatalf("epoch %d:\nslow %+v\nours %+v", i, slow.Epochs[i], ours.Epochs[i])
		}
	}
	if !reflect.DeepEqual(slow, ours) {
		t.Fatalf("slow %+v, %d rows, %d epochs\nours %+v, %d rows, %d epochs", slow.Header, len(slow.Rows), len(slow.Epochs),
			ours.Header, len(ours.Rows), len(ours.Epochs))
	}
}

// fromOurs says a record of package segment in the words of this reader.
func fromOurs(key frame.StreamKey, ordinal uint32, rec *segment.Record) Row {
	r := Row{
		Key: Key{key.Tenant, key.Device, key.Stream, ordinal}, Seq: rec.Seq, TimeNS: rec.TimeNS, ReceiveMS: rec.ReceiveMS,
		Class: byte(rec.Class), Flags: uint64(rec.Flags), Seal: rec.Seal, Index: rec.Index, Ordinal: rec.Ordinal,
	}
	if len(rec.Raw) > 0 {
		r.Raw = bytes.Clone(rec.Raw)
	}
	for _, f := range rec.Fields {
		field := Field{Name: f.Name, Kind: byte(f.Value.Kind), Bits: f.Value.Num}
		if f.Value.Kind == frame.KindString || f.Value.Kind == frame.KindBytes {
			field.Bytes = append([]byte{}, f.Value.Str...)
		}
		r.Fields = append(r.Fields, field)
	}
	return r
}
