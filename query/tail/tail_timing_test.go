package tail

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
)

// fleet is a batch of one frame of 8 fields of each of so many devices, as gateways send them.
func fleet(devices int, seq uint64) []sent {
	batch := make([]sent, devices)
	for i := range batch {
		f := sent{"acme", fmt.Sprintf("mill-%05d", i), "0", frame.Frame{Seq: seq, TimeNS: (startMS + int64(seq)*1000) * 1e6}}
		for k := range 8 {
			v, _ := frame.DecimalFloat(int64(seq*uint64(k+1)+uint64(i))%5000, 2)
			f.Fields = append(f.Fields, frame.Field{Name: fmt.Sprintf("field_%d", k), Value: v})
		}
		batch[i] = f
	}
	return batch
}

// drain opens a tail and reads as fast as it comes: the number of lines that it has read is told behind each piece.
func drain(tb testing.TB, url, params string, lines func(n int) (more bool)) {
	resp, err := get(url, params)
	if err != nil {
		tb.Error(err)
		return
	}
	defer resp.Body.Close()
	buf := make([]byte, 1<<20)
	n := 0
	for {
		k, err := resp.Body.Read(buf)
		for _, c := range buf[:k] {
			if c == '\n' {
				n++
			}
		}
		if !lines(n) {
			return
		}
		if err != nil {
			if err != io.EOF {
				tb.Error(err)
			}
			return
		}
	}
}

func get(url, params string) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodGet, url+"/v1/tail?"+params, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "acme")
	return http.DefaultClient.Do(req)
}

// BenchmarkCatchUp reads a segment of 200 entries of 1,000 devices from the first frame on, in windows of different sizes.
func BenchmarkCatchUp(b *testing.B) {
	s := newStore()
	const entries, devices = 200, 1000
	for n := range uint64(entries) {
		s.put(b, fleet(devices, n)...)
	}
	for _, place := range []string{"head", "segment"} {
		if place == "segment" {
			s.seal()
			s.flush(b)
		}
		for _, rows := range []int{1 << 14, 1 << 16, 1 << 18} {
			if place == "head" && rows != 1<<16 {
				continue
			}
			b.Run(fmt.Sprintf("%s/window=%d", place, rows), func(b *testing.B) {
				srv := newServer(b, s, Options{CatchupRows: rows, CatchupBytes: 1 << 28})
				defer http.DefaultClient.CloseIdleConnections()
				for b.Loop() {
					got := 0
					drain(b, srv.url, "from=first&until=now", func(n int) bool { got = n; return true })
					if got != entries*devices+2 {
						b.Fatalf("%d lines", got)
					}
				}
				b.ReportMetric(float64(entries*devices*b.N)/b.Elapsed().Seconds(), "frames/s")
			})
		}
	}
}

// BenchmarkLive applies 200 entries of 1,000 frames as fast as it can and lets readers follow; frames/s are those that each of them got.
func BenchmarkLive(b *testing.B) {
	const entries, devices = 200, 1000
	var batches [][]byte
	for n := range uint64(entries) {
		batches = append(batches, encode(b, fleet(devices, n)))
	}
	for _, readers := range []int{0, 1, 10, 100} {
		b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) {
			var applied time.Duration
			for range b.N {
				b.StopTimer()
				s := newStore()
				srv := newServer(b, s, Options{})
				var ready, done sync.WaitGroup
				for range readers {
					ready.Add(1)
					begun := sync.OnceFunc(ready.Done)
					done.Go(func() {
						drain(b, srv.url, fmt.Sprint("limit=", entries*devices), func(int) bool { begun(); return true })
					})
				}
				ready.Wait()
				b.StartTimer()
				begun := time.Now()
				for _, batch := range batches {
					s.change(func(index uint64) { s.apply(b, index, batch) })
				}
				applied += time.Since(begun)
				done.Wait()
			}
			b.StopTimer()
			http.DefaultClient.CloseIdleConnections()
			b.ReportMetric(float64(entries*devices*b.N)/applied.Seconds(), "applied/s")
			b.ReportMetric(float64(entries*devices*b.N)/b.Elapsed().Seconds(), "frames/s")
		})
	}
}

// BenchmarkLatency measures from the end of apply to the reader's line, one frame at a time.
func BenchmarkLatency(b *testing.B) {
	for _, readers := range []int{1, 100} {
		b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) {
			s := newStore()
			srv := newServer(b, s, Options{})
			var conns []*bufio.Reader
			for range readers {
				_, r := srv.slow(b, "")
				conns = append(conns, bufio.NewReaderSize(r, 64<<10))
			}
			var most time.Duration
			b.ResetTimer()
			for n := range uint64(b.N) {
				s.put(b, simple("mill-07", n))
				begun := time.Now()
				for _, r := range conns {
					for line := ""; !strings.HasPrefix(line, `{"device"`); {
						var err error
						if line, err = r.ReadString('\n'); err != nil {
							b.Fatal(err)
						}
					}
				}
				took := time.Since(begun)
				most = max(most, took)
				timer := time.NewTimer(6 * time.Millisecond) // as frames that come now and then
				<-timer.C
			}
			b.ReportMetric(float64(most.Microseconds()), "us-max")
		})
	}
}

// BenchmarkCopyRows is what the pump does under the lock, for 4,096 new rows of as many devices.
func BenchmarkCopyRows(b *testing.B) {
	s := newStore()
	for n := range uint64(20) {
		s.put(b, fleet(4096, n)...)
	}
	after := s.frames[len(s.frames)-4097].row.Commit()
	var names namer
	for b.Loop() {
		p, err := copyRows(&s.view, &names, after, 4096)
		if err != nil || len(p.rows) != 4096 {
			b.Fatal(err, len(p.rows))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/row")
}

// BenchmarkEncode is a frame of 8 fields as JSON.
func BenchmarkEncode(b *testing.B) {
	s := newStore()
	s.put(b, fleet(1, 7)...)
	one := &s.frames[0]
	enc := query.NewFrameEncoder(1, query.Shown{})
	var buf []byte
	for b.Loop() {
		buf = enc.Append(buf[:0], &one.name, &segment.Record{Row: one.row})
	}
	b.ReportMetric(float64(len(buf)), "bytes")
}
