package shelf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/segment"
)

// network is what peers have, and how they answer.
type network struct {
	mu    sync.Mutex
	files map[segment.Name][]byte
	asked []string // "peer offset" of every question, in order
	// answer may replace what a peer says: b is the truth, nil when nobody has it
	answer func(peer string, name segment.Name, offset int64, b []byte) ([]byte, error)
}

func newNetwork(all ...stored) *network {
	n := &network{files: map[segment.Name][]byte{}}
	for _, s := range all {
		n.files[s.info.Name] = s.data
	}
	return n
}

func (n *network) fetch(ctx context.Context, peer string, name segment.Name, offset int64, size int) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.asked = append(n.asked, fmt.Sprintf("%s %d", peer, offset))
	b := n.files[name]
	answer := n.answer
	n.mu.Unlock()
	if b != nil {
		b = bytes.Clone(b[offset : offset+int64(size)])
	}
	if answer != nil {
		return answer(peer, name, offset, b)
	}
	if b == nil {
		return nil, ErrNotHere
	}
	return b, nil
}

// askedOf is how many ranges a peer was asked for.
func (n *network) askedOf(peer string) (ranges int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, q := range n.asked {
		if strings.HasPrefix(q, peer+" ") {
			ranges++
		}
	}
	return ranges
}

func (n *network) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = nil
}

func peers(names ...string) func() []string { return func() []string { return names } }

// pulling runs a Pull beside the test, which is in a bubble of synctest.
type pulling struct {
	t    testing.TB
	s    *Shelf
	stop func()
}

func startPull(t testing.TB, s *Shelf, fetch Fetch, list func() []string) *pulling {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Pull(ctx, fetch, list) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) && !errors.Is(err, ErrClosed) {
			t.Errorf("Pull ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return &pulling{t, s, stop}
}

// complete waits until every segment is here, and returns how long that took. It gives up after a day of fake time.
func (p *pulling) complete(m *segment.Manifest) time.Duration {
	p.t.Helper()
	began, limit := time.Now(), time.After(24*time.Hour)
	for {
		changed := p.s.Changed()
		if p.s.Complete(m) {
			return time.Since(began)
		}
		select {
		case <-changed:
		case <-limit:
			p.t.Fatalf("not complete after a day: %+v", p.s.Status())
		}
	}
}
