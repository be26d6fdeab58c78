package load

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/tests/cluster"
)

// BenchmarkSustained sends as fast as the cluster takes for GAPLESS_LOAD_SECONDS (60), with its usual policy, so that flushes must keep pace:
// frames of eight fields, and frames with a payload that no encoding makes smaller. Then it kills all nodes and measures how long they
// take to be ready again. Run it with -benchtime 1x.
func BenchmarkSustained(b *testing.B) {
	b.Run("fields", func(b *testing.B) { sustain(b, binaryBody) })
	b.Run("payload", func(b *testing.B) { sustain(b, payloadBody) })
}

func sustain(b *testing.B, encode func(round uint64, frames int) ([]byte, error)) {
	seconds := 60
	if s := os.Getenv("GAPLESS_LOAD_SECONDS"); s != "" {
		var err error
		if seconds, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	c := cluster.Start(b, 3)
	s := &sustained{b: b, url: c.Leader().HTTP + "/v1/frames", encode: encode}
	b.ResetTimer()
	before := cpu(c)
	s.run(time.Duration(seconds) * time.Second)
	after := cpu(c)
	b.StopTimer()
	b.ReportMetric(float64(s.acked.Load())/float64(seconds), "frames/s")
	b.ReportMetric(float64(s.slowest), "slowest-second")
	b.ReportMetric(float64(s.refused.Load()), "429s")
	for i, n := range c.Nodes {
		b.ReportMetric((after[i]-before[i])/float64(seconds), "cores-"+n.Name)
	}
	var st struct {
		Floor uint64 `json:"floor"`
		Log   struct {
			Bytes int64 `json:"bytes"`
		} `json:"log"`
		Total struct {
			Segments int    `json:"segments"`
			Frames   uint64 `json:"frames"`
			Bytes    int64  `json:"bytes"`
		} `json:"total"`
	}
	if err := cluster.GetJSON(c.Nodes[0].HTTP+"/v1/storage", &st); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(st.Total.Bytes)/float64(max(st.Total.Frames, 1)), "segment-B/frame")
	b.Logf("%d segments, %d frames, %d MB; log %d MB", st.Total.Segments, st.Total.Frames, st.Total.Bytes>>20, st.Log.Bytes>>20)
	for _, n := range c.Nodes {
		c.Kill(n)
	}
	begin := time.Now()
	for _, n := range c.Nodes {
		c.Run(n)
	}
	for _, n := range c.Nodes {
		c.WaitReady(n, 2*time.Minute)
	}
	b.ReportMetric(time.Since(begin).Seconds(), "restart-s")
}

type sustained struct {
	b       *testing.B
	url     string
	encode  func(round uint64, frames int) ([]byte, error)
	round   atomic.Uint64
	acked   atomic.Int64
	refused atomic.Int64
	slowest int64 // frames of the slowest second
}

const sustainedWorkers = 4

func (s *sustained) run(d time.Duration) {
	deadline := time.Now().Add(d)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: sustainedWorkers}}
	var running sync.WaitGroup
	for range sustainedWorkers {
		running.Go(func() {
			for time.Now().Before(deadline) {
				body, err := s.encode(s.round.Add(1)-1, devices)
				if err == nil {
					err = s.post(client, body)
				}
				if err != nil {
					s.b.Error(err)
					return
				}
			}
		})
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for last := int64(0); time.Now().Before(deadline); {
		<-tick.C
		now := s.acked.Load()
		if n := now - last; s.slowest == 0 || n < s.slowest {
			s.slowest = n
		}
		last = now
	}
	running.Wait()
}

// post sends a batch until it is taken.
func (s *sustained) post(client *http.Client, body []byte) error {
	for {
		resp, err := client.Post(s.url, "application/vnd.gapless.batch", bytes.NewReader(body))
		if err != nil {
			return err
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		switch {
		case err == nil && resp.StatusCode == http.StatusOK:
			s.acked.Add(devices)
			return nil
		case resp.StatusCode == http.StatusTooManyRequests:
			s.refused.Add(1)
			<-time.After(50 * time.Millisecond)
		default:
			return fmt.Errorf("%d %s %w", resp.StatusCode, text, err)
		}
	}
}

const payloadBytes = 1 << 10

// payloadBody is a batch of frames with a random payload each.
func payloadBody(round uint64, frames int) ([]byte, error) {
	rng := rand.NewChaCha8([32]byte{byte(round), byte(round >> 8), byte(round >> 16)})
	var b frame.Builder
	b.Reset(frame.Header{})
	raw := make([]byte, payloadBytes)
	for d := range frames {
		id, err := b.Stream(frame.StreamKey{Device: "dev-" + strconv.Itoa(1000+d)})
		if err != nil {
			return nil, err
		}
		rng.Read(raw)
		f := frame.Frame{Seq: round, TimeNS: time.Now().UnixNano(), Class: frame.ClassEvent, Raw: raw}
		if err := b.Add(frame.Group{Stream: id, Bits: 64}, &f); err != nil {
			return nil, err
		}
	}
	return b.Finish(nil)
}
