package segment

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/vfs"
)

// fixture is a head together with what it was made of, for tests that compare what comes back.
type fixture struct {
	tb      testing.TB
	head    *Head
	keys    map[frame.StreamID]frame.StreamKey
	ids     map[frame.StreamKey]frame.StreamID
	builder frame.Builder
	index   uint64
}

func newFixture(tb testing.TB) *fixture {
	return &fixture{tb: tb, head: NewHead(), keys: map[frame.StreamID]frame.StreamKey{}, ids: map[frame.StreamKey]frame.StreamID{}, index: 100}
}

// sample is one frame as a test wants it stored.
type sample struct {
	key     frame.StreamKey
	ordinal uint32
	row     Row // Body is filled in
	fields  []frame.Field
	raw     []byte
}

// add stores samples as one committed batch.
func (f *fixture) add(samples ...sample) {
	f.tb.Helper()
	b := &f.builder
	b.Reset(frame.Header{ReceiveMS: samples[0].row.ReceiveMS})
	for i := range samples {
		s := &samples[i]
		id, err := b.Stream(s.key)
		if err == nil {
			err = b.Add(frame.Group{Stream: id, Bits: 64}, &frame.Frame{Seq: uint64(i), TimeNS: s.row.TimeNS, Class: s.row.Class, Fields: s.fields, Raw: s.raw})
		}
		if err != nil {
			f.tb.Fatal(err)
		}
	}
	batch, err := b.Finish(nil)
	if err != nil {
		f.tb.Fatal(err)
	}
	bodies := bodiesOf(f.tb, batch, len(samples))
	for i := range samples {
		s := &samples[i]
		row := s.row
		row.Body = bodies[i]
		if row.Index == 0 {
			row.Index, row.Ordinal = f.index, uint32(i)
		}
		f.head.Append(f.id(s.key), s.ordinal, row)
	}
	f.index++
}

// bodiesOf returns the bodies of a batch of n frames by their numbers.
func bodiesOf(tb testing.TB, batch []byte, n int) []frame.Body {
	tb.Helper()
	r := new(frame.Reader)
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

func (f *fixture) id(key frame.StreamKey) frame.StreamID {
	id, ok := f.ids[key]
	if !ok {
		id = frame.StreamID(len(f.ids)*7919%100_003 + 1) // not in the order of the keys
		f.ids[key], f.keys[id] = id, key
	}
	return id
}

func (f *fixture) key(id frame.StreamID) (frame.StreamKey, bool) {
	k, ok := f.keys[id]
	return k, ok
}

var testOptions = Options{Cluster: "plant-7", Partition: 3, History: 2, FirstIndex: 100, LastIndex: 20_000}

// write flushes the head and returns the file.
func (f *fixture) write() (Info, []byte) {
	f.tb.Helper()
	b := f.writeAs(testOptions)
	return openBytes(f.tb, b, ReaderOptions{Name: nameOf(b)}).Info(), b
}

// writeAs flushes the head as a segment of those options.
func (f *fixture) writeAs(opt Options) []byte {
	f.tb.Helper()
	fs := vfs.NewMem()
	info, err := Write(fs, ".", opt, f.head, f.key)
	if err != nil {
		f.tb.Fatal(err)
	}
	b, err := vfs.ReadFile(fs, info.Name.FileName(), 1<<30)
	if err != nil {
		f.tb.Fatal(err)
	}
	return b
}

func nameOf(file []byte) Name { return sha256.Sum256(file) }

func openBytes(tb testing.TB, b []byte, opt ReaderOptions) *Reader {
	tb.Helper()
	r, err := NewReader(bytes.NewReader(b), int64(len(b)), opt)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func device(i int) frame.StreamKey {
	return frame.StreamKey{Tenant: "acme", Device: fmt.Sprintf("mill-%06d", i), Stream: "0"}
}
