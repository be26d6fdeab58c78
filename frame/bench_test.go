package frame

import (
	"fmt"
	"testing"
)

// benchFrame is what the figures in docs are about: 8 fields, of which 6 are short decimals, one an integer and one a full float.
func benchFrame() *Frame {
	f := &Frame{Class: ClassEvent}
	for i := range 6 {
		v, _ := DecimalFloat(int64(20123+i*977), 2)
		f.Fields = append(f.Fields, Field{fmt.Sprintf("channel_%d", i), v})
	}
	f.Fields = append(f.Fields, Field{"count", Int(123456)}, Field{"ratio", Float(0.1234567890123)})
	return f
}

const benchFrames = 1000

func benchBatch(b *Builder, f *Frame) ([]byte, error) {
	b.Reset(Header{ReceiveMS: 1760000000000})
	id, err := b.Stream(StreamKey{Device: "mill-07"})
	if err != nil {
		return nil, err
	}
	g := Group{Stream: id, Bits: 64}
	for i := range benchFrames {
		f.Seq, f.TimeNS = uint64(i), 1760000000000000000+int64(i)*100_000_000
		if err := b.Add(g, f); err != nil {
			return nil, err
		}
	}
	return b.Finish(nil)
}

func perFrame(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchFrames, "ns/frame")
}

func BenchmarkAdd(b *testing.B) {
	var builder Builder
	f := benchFrame()
	b.ReportAllocs()
	for b.Loop() {
		builder.Reset(Header{})
		id, _ := builder.Stream(StreamKey{Device: "mill-07"})
		g := Group{Stream: id, Bits: 64}
		for i := range benchFrames {
			f.Seq, f.TimeNS = uint64(i), 1760000000000000000+int64(i)*100_000_000
			if err := builder.Add(g, f); err != nil {
				b.Fatal(err)
			}
		}
	}
	perFrame(b)
}

// BenchmarkAddManyStreams is a gateway's batch: one frame each of many devices, looked up by name, and twice.
func BenchmarkAddManyStreams(b *testing.B) {
	var builder Builder
	f := benchFrame()
	devices := make([]string, benchFrames/2)
	for i := range devices {
		devices[i] = fmt.Sprintf("mill-%04d", i)
	}
	b.ReportAllocs()
	for b.Loop() {
		builder.Reset(Header{})
		for i := range benchFrames {
			id, _ := builder.Stream(StreamKey{Device: devices[i%len(devices)]})
			f.Seq, f.TimeNS = uint64(i), 1760000000000000000
			if err := builder.Add(Group{Stream: id, Bits: 64}, f); err != nil {
				b.Fatal(err)
			}
		}
	}
	perFrame(b)
}

func BenchmarkFinish(b *testing.B) {
	var builder Builder
	batch, err := benchBatch(&builder, benchFrame())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if batch, err = builder.Finish(batch[:0]); err != nil {
			b.Fatal(err)
		}
	}
	perFrame(b)
	b.ReportMetric(float64(len(batch))/benchFrames, "bytes/frame")
}

func benchReader(b *testing.B) (*Reader, []byte) {
	var builder Builder
	batch, err := benchBatch(&builder, benchFrame())
	if err != nil {
		b.Fatal(err)
	}
	r := new(Reader)
	if err := r.Reset(batch); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	return r, batch
}

func BenchmarkReset(b *testing.B) {
	r, batch := benchReader(b)
	for b.Loop() {
		if err := r.Reset(batch); err != nil {
			b.Fatal(err)
		}
	}
	perFrame(b)
}

func BenchmarkNext(b *testing.B) {
	r, _ := benchReader(b)
	var g Group
	var it Item
	for b.Loop() {
		r.Rewind()
		for r.NextGroup(&g) {
			for r.Next(&it) {
			}
		}
	}
	perFrame(b)
}

func BenchmarkDecode(b *testing.B) {
	r, _ := benchReader(b)
	var g Group
	var it Item
	var f Frame
	for b.Loop() {
		r.Rewind()
		for r.NextGroup(&g) {
			for r.Next(&it) {
				it.Decode(&f)
			}
		}
	}
	perFrame(b)
}

func BenchmarkVerifyFingerprints(b *testing.B) {
	r, _ := benchReader(b)
	for b.Loop() {
		if err := r.VerifyFingerprints(); err != nil {
			b.Fatal(err)
		}
	}
	perFrame(b)
}

func BenchmarkRebase(b *testing.B) {
	r, batch := benchReader(b)
	dst := make([]byte, 0, 2*len(batch))
	for b.Loop() {
		if _, err := r.Rebase(dst, func(Def) (StreamID, bool) { return 4711, false }); err != nil {
			b.Fatal(err)
		}
	}
	perFrame(b)
}

func BenchmarkFingerprint(b *testing.B) {
	f := benchFrame()
	b.ReportAllocs()
	for b.Loop() {
		Fingerprint(f)
	}
}
