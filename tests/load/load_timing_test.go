package load

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/tests/cluster"
)

const (
	devices = 1000
	fields  = 8
)

// BenchmarkCluster sends a fleet's frames: a device each, eight fields, to the leader. ns/op is per request.
func BenchmarkCluster(b *testing.B) {
	for _, bc := range []struct {
		name     string
		encode   func(round uint64, frames int) ([]byte, error)
		mime     string
		frames   int // per request
		inFlight int
	}{
		{"binary/1000x4", binaryBody, "application/vnd.gapless.batch", 1000, 4},
		{"binary/1000x1", binaryBody, "application/vnd.gapless.batch", 1000, 1},
		{"binary/1x1", binaryBody, "application/vnd.gapless.batch", 1, 1},
		{"json/1000x4", jsonBody, "application/x-ndjson", 1000, 4},
		{"json/1x1", jsonBody, "application/x-ndjson", 1, 1},
	} {
		b.Run(bc.name, func(b *testing.B) {
			c := cluster.Start(b, 3)
			leader := c.Leader()
			r := &run{url: leader.HTTP + "/v1/frames", mime: bc.mime, frames: bc.frames, encode: bc.encode}
			b.ResetTimer()
			before := cpu(c)
			start := time.Now()
			r.send(b, bc.inFlight)
			took := time.Since(start)
			b.StopTimer()
			after := cpu(c)
			r.report(b, took)
			for i, n := range c.Nodes {
				role := "follower"
				if n == leader {
					role = "leader"
				}
				b.ReportMetric((after[i]-before[i])/took.Seconds(), "cores-"+n.Name+"-"+role)
			}
		})
	}
}

// run is one measurement: requests made ahead of the clock where that is possible, sent by a number of workers.
type run struct {
	url, mime string
	frames    int
	encode    func(round uint64, frames int) ([]byte, error)
	next      atomic.Int64

	mu    sync.Mutex // protects times
	times []time.Duration
}

func (r *run) send(b *testing.B, workers int) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			var times []time.Duration
			for {
				round := r.next.Add(1)
				if round > int64(b.N) {
					break
				}
				body, err := r.encode(uint64(round-1), r.frames)
				if err != nil {
					b.Error(err)
					return
				}
				start := time.Now()
				if err := r.post(client, body); err != nil {
					b.Error(err)
					return
				}
				times = append(times, time.Since(start))
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.times = append(r.times, times...)
		})
	}
	running.Wait()
}

func (r *run) post(client *http.Client, body []byte) error {
	resp, err := client.Post(r.url, r.mime, bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || !bytes.Contains(text, fmt.Appendf(nil, `"accepted":%d`, r.frames)) {
		return fmt.Errorf("%d %s %w", resp.StatusCode, text, err)
	}
	return nil
}

func (r *run) report(b *testing.B, took time.Duration) {
	if len(r.times) == 0 {
		return
	}
	slices.Sort(r.times)
	at := func(q float64) float64 { return float64(r.times[int(q*float64(len(r.times)-1))].Microseconds()) / 1000 }
	b.ReportMetric(float64(b.N*r.frames)/took.Seconds(), "frames/s")
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
}

// binaryBody is the batch of one round: frames number round of so many devices.
func binaryBody(round uint64, frames int) ([]byte, error) {
	var b frame.Builder
	b.Reset(frame.Header{})
	values := make([]frame.Field, fields)
	for d := range frames {
		id, err := b.Stream(frame.StreamKey{Device: "dev-" + strconv.Itoa(1000+d%devices)})
		if err != nil {
			return nil, err
		}
		for i := range values {
			v, _ := frame.DecimalFloat(int64(20_000+(round*7+uint64(d)*13+uint64(i)*1009)%5000), 2)
			values[i] = frame.Field{Name: "f" + strconv.Itoa(i), Value: v}
		}
		f := frame.Frame{Seq: round, TimeNS: time.Now().UnixNano(), Class: frame.ClassEvent, Fields: values}
		if err := b.Add(frame.Group{Stream: id, Bits: 64}, &f); err != nil {
			return nil, err
		}
	}
	return b.Finish(nil)
}

// jsonBody is the same as NDJSON.
func jsonBody(round uint64, frames int) ([]byte, error) {
	var b bytes.Buffer
	for d := range frames {
		fmt.Fprintf(&b, `{"device":"dev-%d","seq":%d,"time_ns":%d,"fields":{`, 1000+d%devices, round, time.Now().UnixNano())
		for i := range fields {
			v := 20_000 + (round*7+uint64(d)*13+uint64(i)*1009)%5000
			fmt.Fprintf(&b, `"f%d":%d.%02d,`, i, v/100, v%100)
		}
		b.Truncate(b.Len() - 1)
		b.WriteString("}}\n")
	}
	return b.Bytes(), nil
}

// cpu is the CPU time of each node so far, in seconds; zeros where /proc does not tell.
func cpu(c *cluster.Cluster) []float64 {
	const ticksPerSecond = 100
	var list []float64
	for _, n := range c.Nodes {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.PID()))
		_, rest, ok := strings.Cut(string(b), ") ")
		f := strings.Fields(rest)
		if err != nil || !ok || len(f) < 13 {
			list = append(list, 0)
			continue
		}
		user, _ := strconv.ParseFloat(f[11], 64)
		system, _ := strconv.ParseFloat(f[12], 64)
		list = append(list, (user+system)/ticksPerSecond)
	}
	return list
}
