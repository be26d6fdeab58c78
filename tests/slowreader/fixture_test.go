package slowreader

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

var plant = segment.Options{Cluster: "plant-7", Partition: 3, History: 2, FirstIndex: 1, LastIndex: 1 << 40}

// epochRows are frames of one epoch, ascending by number.
type epochRows struct {
	key     frame.StreamKey
	ordinal uint32
	rows    []segment.Record
}

// writeFile writes epochs, in the order of a file, with a Writer.
func writeFile(t *testing.T, epochs []epochRows) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := segment.NewWriter(&buf, plant)
	for i := range epochs {
		if err := w.Begin(epochs[i].key, epochs[i].ordinal); err != nil {
			t.Fatal(err)
		}
		for j := range epochs[i].rows {
			if err := w.Add(&epochs[i].rows[j]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// flushHead brings epochs the long way: as batches into a head, in some order, and from there into a file.
func flushHead(t *testing.T, rnd *rand.Rand, epochs []epochRows) []byte {
	t.Helper()
	head := segment.NewHead()
	keys := map[frame.StreamID]frame.StreamKey{}
	ids := map[frame.StreamKey]frame.StreamID{}
	for _, e := range epochs {
		if ids[e.key] == 0 {
			ids[e.key] = frame.StreamID(len(ids) + 1)
			keys[ids[e.key]] = e.key
		}
		bodies := encode(t, e)
		for _, i := range rnd.Perm(len(e.rows)) {
			row := e.rows[i].Row
			row.Body = bodies[i]
			if !head.Append(ids[e.key], e.ordinal, row) {
				t.Fatalf("%v %d is in the head already", e.key, row.Seq)
			}
		}
	}
	fs := vfs.NewMem()
	info, err := segment.Write(fs, ".", plant, head, func(id frame.StreamID) (frame.StreamKey, bool) { key, ok := keys[id]; return key, ok })
	if err != nil {
		t.Fatal(err)
	}
	return fileOf(t, fs, info.Name)
}

// encode makes one batch of an epoch's frames.
func encode(t *testing.T, e epochRows) []frame.Body {
	t.Helper()
	var b frame.Builder
	b.Reset(frame.Header{ReceiveMS: 1})
	id, err := b.Stream(e.key)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range e.rows {
		f := frame.Frame{Seq: r.Seq, TimeNS: r.TimeNS, Class: r.Class, Fields: r.Fields, Raw: r.Raw}
		if err := b.Add(frame.Group{Stream: id, Bits: 64}, &f); err != nil {
			t.Fatal(err)
		}
	}
	batch, err := b.Finish(nil)
	if err != nil {
		t.Fatal(err)
	}
	var r frame.Reader
	if err := r.Reset(batch); err != nil {
		t.Fatal(err)
	}
	var bodies []frame.Body
	var g frame.Group
	var it frame.Item
	for r.NextGroup(&g) {
		for r.Next(&it) {
			bodies = append(bodies, it.Body)
		}
	}
	return bodies
}

// fileOf reads a segment that was written.
func fileOf(t *testing.T, fs vfs.FS, name segment.Name) []byte {
	t.Helper()
	b := bytesOf(t, fs, name.FileName())
	if NameOf(b) != name.String() {
		t.Fatalf("the file of %v has the bytes of %v", name, NameOf(b))
	}
	return b
}

func bytesOf(t *testing.T, fs vfs.FS, path string) []byte {
	t.Helper()
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return b
}

// mergeFiles merges files into one for each window.
func mergeFiles(t *testing.T, width int64, files ...[]byte) [][]byte {
	t.Helper()
	var inputs []*segment.Reader
	for _, file := range files {
		inputs = append(inputs, openOurs(t, file))
	}
	fs := vfs.NewMem()
	outputs, err := segment.Merge(fs, ".", segment.MergeOptions{Options: plant, WindowNS: width}, inputs)
	if err != nil {
		t.Fatal(err)
	}
	var merged [][]byte
	for _, o := range outputs {
		merged = append(merged, fileOf(t, fs, o.Info.Name))
	}
	return merged
}

func openOurs(t *testing.T, file []byte) *segment.Reader {
	t.Helper()
	r, err := segment.NewReader(bytes.NewReader(file), int64(len(file)), segment.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// randomEpochs are some epochs of some streams of two tenants, in the order of a file. Some are long, most are short.
func randomEpochs(rnd *rand.Rand) []epochRows {
	var list []epochRows
	for _, tenant := range []string{"default", "other"}[:1+rnd.IntN(2)] {
		for device := range 1 + rnd.IntN(12) {
			for _, stream := range []string{"0", "vibration"}[:1+rnd.IntN(2)] {
				key := frame.StreamKey{Tenant: tenant, Device: fmt.Sprintf("mill-%02d", device), Stream: stream}
				for ordinal := range uint32(1 + rnd.IntN(2)) {
					n := 1 + rnd.IntN(40)
					switch rnd.IntN(12) {
					case 0:
						n = 1 + rnd.IntN(6000)
					case 1:
						n = 200 + rnd.IntN(200)
					}
					list = append(list, epochRows{key: key, ordinal: ordinal + 1, rows: randomRows(rnd, n)})
				}
			}
		}
	}
	return list
}

// randomRows are frames of one epoch, with holes in their numbers.
func randomRows(rnd *rand.Rand, n int) []segment.Record {
	rows := make([]segment.Record, n)
	fields := randomFields(rnd, n)
	holes := []int{0, 50, 2}[rnd.IntN(3)]
	seq := rnd.Uint64N(1000)
	ns := int64(1_760_000_000_000_000_000) + rnd.Int64N(1e15)
	for i := range rows {
		r := &rows[i]
		if holes > 0 && rnd.IntN(holes) == 0 {
			seq += 1 + uint64(rnd.IntN(3))
		}
		if rnd.IntN(3000) == 0 {
			seq += rnd.Uint64N(1 << 60)
		}
		seq++
		ns += int64(rnd.IntN(5)) * 10_000_000
		r.Seq, r.TimeNS, r.ReceiveMS = seq, ns, ns/1_000_000+int64(rnd.IntN(100))
		r.Index, r.Ordinal = 100+uint64(i/10), uint32(rnd.IntN(1000))
		r.Class, r.Seal = frame.ClassEvent, uint32(1+i/300)
		switch rnd.IntN(200) {
		case 0:
			r.Class, r.Flags = frame.ClassSnapshot, segment.FlagLate
		case 1:
			r.Flags |= segment.FlagSkew
			r.TimeNS = int64(rnd.Uint64())
		case 2:
			r.Flags |= segment.FlagSkew // where milliseconds do not fit into nanoseconds
			r.ReceiveMS = []int64{math.MaxInt64, math.MinInt64}[rnd.IntN(2)]
		case 3:
			r.Flags |= segment.FlagNoTime
			r.TimeNS = r.ReceiveMS * 1_000_000
		}
		r.Fields, r.Raw = fields(i)
	}
	return rows
}

// randomFields chooses some fields and gives the values of each frame.
func randomFields(rnd *rand.Rand, n int) func(i int) ([]frame.Field, []byte) {
	names := []string{"a", "mode", "rpm", "temp", "temp_max", "ünit"}
	var columns [][]frame.Value
	for range names {
		columns = append(columns, randomValues(rnd, n))
	}
	present := []int{1, 3, 30}[rnd.IntN(3)]
	raws := randomTexts(rnd, n)
	return func(i int) (list []frame.Field, raw []byte) {
		for k, name := range names {
			if rnd.IntN(present) == 0 {
				list = append(list, frame.Field{Name: name, Value: columns[k][i]})
			}
		}
		if rnd.IntN(4) == 0 {
			raw = raws[i]
		}
		return list, raw
	}
}

// randomValues are n values of one kind, and now and then of another.
func randomValues(rnd *rand.Rand, n int) []frame.Value {
	var kinds [6][]frame.Value
	for i, f := range randomFloats(rnd, n) {
		v := frame.Float(math.Float64frombits(f.Bits))
		if d, ok := frame.DecimalFloat(f.Mantissa, f.Scale); ok && f.Decimal && d.Num == f.Bits {
			v = d
		}
		kinds[0] = append(kinds[0], v)
		kinds[1] = append(kinds[1], frame.Uint(1<<63+uint64(i)*7))
	}
	for _, v := range randomInts(rnd, n) {
		kinds[2] = append(kinds[2], frame.Int(v))
	}
	for _, v := range randomBools(rnd, n) {
		kinds[3] = append(kinds[3], frame.Bool(v))
	}
	for _, v := range randomTexts(rnd, n) {
		kinds[4] = append(kinds[4], frame.Bytes(v))
		kinds[5] = append(kinds[5], frame.String(fmt.Sprintf("%x", v)))
	}
	values := kinds[rnd.IntN(6)]
	if rnd.IntN(4) == 0 {
		other := kinds[rnd.IntN(6)]
		for i := range values {
			if rnd.IntN(9) == 0 {
				values = slices.Clone(values)
				values[i] = other[i]
			}
		}
	}
	return values
}

// timeText writes milliseconds since 1970 as certificates do.
func timeText(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano) }
