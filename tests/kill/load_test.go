package kill

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gaplessdb/gapless/tests/cluster"
)

const (
	batchFrames = 20
	lostEvery   = 97 // every 97th number is never sent
)

// sender is one device: a careful client that repeats a batch, with the same numbers, until it is acknowledged.
type sender struct {
	device string
	nodes  []*cluster.Node
	client *http.Client
	load   *load
	next   uint64 // first number of the next batch; every number below it is acknowledged or left out on purpose
}

// load is what all senders share.
type load struct {
	stop     atomic.Bool
	inflight atomic.Int64 // frames sent and not acknowledged
	acked    atomic.Int64
	unknown  atomic.Int64 // requests that failed after they were sent

	mu     sync.Mutex // protects all below
	killed time.Time
	regain []time.Duration // kill to the first acknowledgement of a request sent after it
}

// kill notes a kill; the frames in flight at that moment are returned.
func (l *load) kill(do func()) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	caught := l.inflight.Load()
	do()
	l.killed = time.Now()
	return caught
}

func (l *load) ack(sent time.Time, frames int64) {
	l.inflight.Add(-frames)
	l.acked.Add(frames)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.killed.IsZero() && sent.After(l.killed) {
		l.regain = append(l.regain, time.Since(l.killed))
		l.killed = time.Time{}
	}
}

// run sends batches until the load stops. rng only picks nodes.
func (s *sender) run(rng *rand.Rand) error {
	for !s.load.stop.Load() {
		body, frames := s.batch()
		if frames == 0 {
			s.next += batchFrames
			continue
		}
		for deadline := time.Now().Add(30 * time.Second); ; {
			ok, err := s.send(s.nodes[rng.IntN(len(s.nodes))], body, frames)
			if ok {
				break
			}
			if err != nil {
				return err
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%s: batch at %d was not acknowledged for 30 s", s.device, s.next)
			}
		}
		s.next += batchFrames
	}
	return nil
}

// batch builds the next twenty numbers, less those that are left out.
func (s *sender) batch() (body []byte, frames int64) {
	var b bytes.Buffer
	for seq := s.next; seq < s.next+batchFrames; seq++ {
		if seq%lostEvery == lostEvery-1 {
			continue
		}
		fmt.Fprintf(&b, `{"device":%q,"seq":%d,"first":0,"time_ms":%d,"fields":{"v":%d.25}}`+"\n", s.device, seq, 1_700_000_000_000+int64(seq)*100, seq)
		frames++
	}
	return b.Bytes(), frames
}

// send makes one attempt. An error is a refusal that no repetition mends.
func (s *sender) send(n *cluster.Node, body []byte, frames int64) (ok bool, err error) {
	s.load.inflight.Add(frames)
	sent := time.Now()
	resp, err := s.client.Post(n.HTTP+"/v1/frames", "application/x-ndjson", bytes.NewReader(body))
	if err != nil {
		s.load.inflight.Add(-frames)
		s.load.unknown.Add(1)
		return false, nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	switch {
	case err != nil || resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusTooManyRequests:
		s.load.inflight.Add(-frames)
		s.load.unknown.Add(1)
		return false, nil
	case resp.StatusCode != http.StatusOK:
		return false, fmt.Errorf("%s: %d %s", s.device, resp.StatusCode, text)
	}
	s.load.ack(sent, frames)
	return true, nil
}
