package influx

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/influxdata/line-protocol/v2/lineprotocol"
	"github.com/valyala/fasthttp"
)

// benchLines are n lines of 8 fields, the frames of the JSON door's benchmark.
func benchLines(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "axis,device=mill-%02d seq=%di,temp=%d.53,rpm=%di,load=0.8125,ok=true,mode=\"auto\",vib_x=-0.0021,vib_y=0.0173,vib_z=%d.8066 %d\n",
			i%4, 1_000_000+i, 20+i%10, 1400+i%200, i%10, 1_763_719_200_000_000_000+int64(i)*1_000_000)
	}
	return b.Bytes()
}

// nullProposer takes every batch at once.
type nullProposer struct{ frames int }

func (p *nullProposer) ProposeFrames(context.Context, ingest.Request) (ingest.Result, error) {
	return ingest.Result{Position: frame.Position{Index: 1}, Accepted: p.frames}, nil
}

func (p *nullProposer) ProposeCommand(context.Context, uint16, uint8, []byte) (frame.Position, []byte, error) {
	return frame.Position{}, nil, nil
}

// BenchmarkWrite measures the handler alone, from the read body to the answer, per line of 8 fields; decoder is the part of it that
// splits lines.
func BenchmarkWrite(b *testing.B) {
	const lines = 1000
	body := benchLines(lines)
	b.Run("door", func(b *testing.B) {
		h, err := ingest.New(&nullProposer{lines}, ingest.Options{})
		if err != nil {
			b.Fatal(err)
		}
		d, err := New(h, Options{})
		if err != nil {
			b.Fatal(err)
		}
		write := d.write(&version1)
		var ctx fasthttp.RequestCtx
		ctx.Request.SetBodyRaw(body)
		b.ReportAllocs()
		for b.Loop() {
			if err := write(&ctx, auth.Principal{Tenant: "default"}); err != nil || ctx.Response.StatusCode() != 204 {
				b.Fatal(err, string(ctx.Response.Body()))
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*lines), "ns/line")
	})
	b.Run("decoder", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			dec := lineprotocol.NewDecoderWithBytes(body)
			for dec.Next() {
				if _, err := dec.TimeBytes(); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*lines), "ns/line")
	})
	b.Run("fields", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			dec := lineprotocol.NewDecoderWithBytes(body)
			for dec.Next() {
				for {
					key, _, _, err := dec.NextFieldBytes()
					if err != nil {
						b.Fatal(err)
					}
					if key == nil {
						break
					}
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*lines), "ns/line")
	})
}
