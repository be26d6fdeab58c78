package network

import (
	"io"
	"testing"
	"testing/synctest"
)

// BenchmarkSegment is one segment of 200 bytes, from its Write to the Read that waited for it 0.5 ms of virtual time.
func BenchmarkSegment(b *testing.B) {
	in, out := make([]byte, 200), make([]byte, 200)
	inBubbleOf(b, func(p *pair) {
		for range b.N {
			p.a.Write(out)
			if _, err := io.ReadFull(p.b, in); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkExchange is a segment there and one back, to a goroutine that answers: a heartbeat.
func BenchmarkExchange(b *testing.B) {
	in, out := make([]byte, 200), make([]byte, 200)
	inBubbleOf(b, func(p *pair) {
		go func() {
			in, out := make([]byte, 200), make([]byte, 200)
			for {
				if _, err := io.ReadFull(p.b, in); err != nil {
					return
				}
				p.b.Write(out)
			}
		}()
		for range b.N {
			p.a.Write(out)
			if _, err := io.ReadFull(p.a, in); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkStream is 1 MiB in one Write, with the window in its way.
func BenchmarkStream(b *testing.B) {
	const size = 1 << 20
	b.SetBytes(size)
	out := make([]byte, size)
	inBubbleOf(b, func(p *pair) {
		go func() {
			for range b.N {
				p.a.Write(out)
			}
		}()
		if n, err := io.CopyN(io.Discard, p.b, int64(b.N)*size); err != nil {
			b.Errorf("%d bytes, %v", n, err)
		}
	})
}

// inBubbleOf runs f in a bubble. The clock of b is left alone in there, where it would show virtual time.
func inBubbleOf(b *testing.B, f func(p *pair)) {
	b.ReportAllocs()
	synctest.Test(new(testing.T), func(*testing.T) {
		p := newPair(b, New(1))
		defer p.close()
		f(p)
	})
}
