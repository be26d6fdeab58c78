package upgrade

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/cluster"
)

const (
	numberedDevices = 6
	keyedDevices    = 2
	pause           = 20 * time.Millisecond // between two requests of a device: the test is about versions, not about speed
	patience        = 30 * time.Second
)

// load is what all clients share.
type load struct {
	nodes []*cluster.Node
	stop  chan struct{}

	acked   atomic.Int64 // frames
	retries atomic.Int64 // requests that had to be sent again
	flushes atomic.Int64

	numbered []*numbered
	keyed    []*keyed
	running  sync.WaitGroup
	errs     chan error
}

// startLoad starts clients that run until end.
func startLoad(c *cluster.Cluster, seed uint64) *load {
	l := &load{nodes: c.Nodes, stop: make(chan struct{}), errs: make(chan error, numberedDevices+keyedDevices+1)}
	run := func(stream uint64, step func(*client) error) {
		cl := &client{load: l, rng: rand.New(rand.NewPCG(seed, stream)), http: &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{}}}
		l.running.Go(func() {
			if err := cl.repeat(step); err != nil {
				l.errs <- err
			}
		})
	}
	for i := range numberedDevices {
		d := &numbered{device: fmt.Sprintf("mill-%d", i)}
		l.numbered = append(l.numbered, d)
		run(uint64(100+i), d.step)
	}
	for i := range keyedDevices {
		d := &keyed{device: fmt.Sprintf("door-%d", i)}
		l.keyed = append(l.keyed, d)
		run(uint64(200+i), d.step)
	}
	run(300, flushNow)
	return l
}

// end stops the clients and fails the test for what a client may not meet.
func (l *load) end(t *testing.T) {
	t.Helper()
	close(l.stop)
	l.running.Wait()
	close(l.errs)
	for err := range l.errs {
		t.Error(err)
	}
	if t.Failed() {
		t.FailNow()
	}
}

// progress waits for new acknowledgements from a cluster of which every node runs.
func (l *load) progress(t *testing.T, frames int64) {
	t.Helper()
	before := l.acked.Load()
	cluster.Eventually(t, patience, func() bool {
		for _, n := range l.nodes {
			if !n.Running() {
				t.Fatalf("%s ended itself (%s)", n.Name, n.Bin)
			}
		}
		select {
		case err := <-l.errs:
			t.Fatal(err)
		default:
		}
		return l.acked.Load() >= before+frames
	}, func() string { return fmt.Sprintf("%d frames acknowledged, wanted %d", l.acked.Load()-before, frames) })
}
