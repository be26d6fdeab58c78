package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/valyala/fasthttp"
)

// benchBody is n frames of 8 fields, 200 bytes each, between the given texts.
func benchBody(n int, begin, between, end string) []byte {
	var b bytes.Buffer
	b.WriteString(begin)
	for i := range n {
		if i > 0 {
			b.WriteString(between)
		}
		fmt.Fprintf(&b, `{"device":"mill-%02d","stream":"axis","seq":%d,"time_ns":%d,"fields":{"temp":%d.53,"rpm":%d,"load":0.8125,"ok":true,"mode":"auto","vib_x":-0.0021,"vib_y":0.0173,"vib_z":%d.8066}}`,
			i%4, 1_000_000+i, 1_763_719_200_000_000_000+int64(i)*1_000_000, 20+i%10, 1400+i%200, i%10)
	}
	b.WriteString(end)
	return b.Bytes()
}

// repaired is a batch with its length and checksum made right.
func repaired(batch []byte) []byte {
	b := bytes.Clone(batch)
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	binary.LittleEndian.PutUint32(b[8:], uint32(len(b)-16))
	binary.LittleEndian.PutUint32(b[12:], crc32.Update(crc32.Checksum(b[4:12], castagnoli), castagnoli, b[16:]))
	return b
}

// nullProposer takes every batch at once.
type nullProposer struct{ frames int }

func (p *nullProposer) ProposeFrames(context.Context, Request) (Result, error) {
	return Result{Position: frame.Position{Index: 1}, Accepted: p.frames}, nil
}

func (p *nullProposer) ProposeCommand(context.Context, uint16, uint8, []byte) (frame.Position, []byte, error) {
	return frame.Position{}, nil, nil
}

// BenchmarkIngest measures the handler alone, from the read body to the answer, per frame of 8 fields.
func BenchmarkIngest(b *testing.B) {
	const frames = 1000
	array := benchBody(frames, "[", ",", "]")
	for _, bench := range []struct {
		name, kind, encoding string
		body                 []byte
		frames               int
	}{
		{"array", "application/json", "", array, frames},
		{"ndjson", lineJSON, "", benchBody(frames, "", "\n", "\n"), frames},
		{"batch", eventBatch, "", buildBatch(b, frame.Header{}, "default", frames), frames},
		{"array-gzip", "application/json", "gzip", gz(array), frames},
		{"array-zstd", "application/json", "zstd", zs(array), frames},
		{"single", "application/json", "", benchBody(1, "", "", ""), 1},
	} {
		b.Run(bench.name, func(b *testing.B) {
			h, err := New(&nullProposer{bench.frames}, Options{})
			if err != nil {
				b.Fatal(err)
			}
			var ctx fasthttp.RequestCtx
			ctx.Request.Header.SetContentType(bench.kind)
			ctx.Request.Header.SetContentEncoding(bench.encoding)
			ctx.Request.SetBodyRaw(bench.body)
			b.ReportAllocs()
			for b.Loop() {
				if err := h.postFrames(&ctx, auth.Principal{Tenant: "default"}); err != nil || ctx.Response.StatusCode() != 200 {
					b.Fatal(err, string(ctx.Response.Body()))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*bench.frames), "ns/frame")
		})
	}
}

// BenchmarkItem measures how a frame object is read: scan in one pass, or else in two, its grammar and then its members.
func BenchmarkItem(b *testing.B) {
	text := benchBody(1, "", "", "")
	b.Run("scan", func(b *testing.B) {
		var it frameObject
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if s := (scanner{text: text}); !it.scan(&s) {
				b.Fatalf("not plain from byte %d on", s.at)
			}
		}
	})
	b.Run("grammar", func(b *testing.B) {
		var r reader
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if err := r.check(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("members", func(b *testing.B) {
		var it frameObject
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if it.read(text); it.fault != nil {
				b.Fatal(it.fault)
			}
		}
	})
}
