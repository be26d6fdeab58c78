package shelf

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// Peers that are down are asked rarely, and soon after they are back the pull goes on where it was.
func TestBackOffAndResume(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := wanting(t, vfs.NewMem(), small(), segs(20)...)
		n := newNetwork(segs(20)...)
		var down atomic.Bool
		down.Store(true)
		n.answer = func(_ string, _ segment.Name, offset int64, b []byte) ([]byte, error) {
			if down.Load() && offset >= 3*512 {
				return nil, errors.New("down")
			}
			return b, nil
		}
		p := startPull(t, s, n.fetch, peers("b", "c"))
		for range 600 {
			waitSecond()
		}
		if asked := len(n.asked); asked > 300 {
			t.Errorf("%d ranges asked for of 20 segments in ten minutes without success", asked)
		}
		resumed := 0
		for _, st := range s.Status() {
			if st.Done == 3*512 {
				resumed++
			}
		}
		if resumed == 0 {
			t.Error("nothing that was pulled is kept")
		}
		down.Store(false)
		n.forget()
		if took := p.complete(manifest(segs(20)...)); took > 2*maxWait {
			t.Errorf("took %v after the peers were back", took)
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		zero := 0
		for _, q := range n.asked {
			if strings.HasSuffix(q, " 0") {
				zero++
			}
		}
		if zero > 20-resumed {
			t.Errorf("%d segments were pulled from the start although %d had begun", zero, resumed)
		}
	})
}

// A segment that was hard to bring, and came another way, is not waited for when it is damaged.
func TestBackOffEndsWithTheSegment(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		s := wanting(t, m, small(), seg(0))
		n := newNetwork()
		p := startPull(t, s, n.fetch, peers("b"))
		for range 120 {
			waitSecond()
		}
		must(t, flushed(m, s, seg(0)))
		rot(t, m, seg(0).place(), seg(0).data)
		n.mu.Lock()
		n.files[seg(0).info.Name] = seg(0).data
		n.mu.Unlock()
		if err := s.Check(t.Context(), seg(0).info.Name); err == nil {
			t.Fatal("no error")
		}
		if took := p.complete(manifest(seg(0))); took != 0 {
			t.Errorf("took %v", took)
		}

		// and the next failure is the first one again
		n.answer = lacking(1)
		rot(t, m, seg(0).place(), seg(0).data)
		_ = s.Check(t.Context(), seg(0).info.Name)
		if took := p.complete(manifest(seg(0))); took != minWait {
			t.Errorf("took %v", took)
		}
	})
}

// lacking is a network that has nothing the first times it is asked.
func lacking(times int64) func(string, segment.Name, int64, []byte) ([]byte, error) {
	var asked atomic.Int64
	return func(_ string, _ segment.Name, _ int64, b []byte) ([]byte, error) {
		if b == nil || asked.Add(1) <= times {
			return nil, ErrNotHere
		}
		return b, nil
	}
}

// A segment that nobody has does not hold up another one.
func TestEachSegmentHasItsBackOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		opt := small()
		opt.Parallel = 1
		s := wanting(t, vfs.NewMem(), opt, seg(1))
		n := newNetwork(seg(0))
		n.answer = lacking(1)
		p := startPull(t, s, n.fetch, peers("b"))
		for range 100 {
			waitSecond()
		}
		must(t, s.Want(manifest(segs(2)...)))
		if took := p.complete(manifest(seg(0))); took != minWait {
			t.Errorf("took %v", took)
		}
	})
}

// A peer that works again is like one that has never failed.
func TestPeersBackOffEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := wanting(t, vfs.NewMem(), small(), seg(0))
		n := newNetwork(segs(2)...)
		var mu sync.Mutex
		failed := map[segment.Name]bool{}
		n.answer = func(_ string, name segment.Name, offset int64, b []byte) ([]byte, error) {
			mu.Lock()
			defer mu.Unlock()
			if !failed[name] {
				failed[name] = true
				return nil, errors.New("down")
			}
			return b, nil
		}
		p := startPull(t, s, n.fetch, peers("b"))
		for i := range 2 {
			must(t, s.Want(manifest(segs(i+1)...)))
			if took := p.complete(manifest(segs(i + 1)...)); took != minWait {
				t.Errorf("segment %d took %v", i, took)
			}
		}
	})
}

// While every peer is passed over nothing is tried.
func TestNobodyToAsk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := wanting(t, vfs.NewMem(), small(), seg(0))
		n := newNetwork()
		n.answer = func(string, segment.Name, int64, []byte) ([]byte, error) { return nil, errors.New("down") }
		startPull(t, s, n.fetch, peers("b"))
		for range 95 { // failures at 0, 1, 3, 7, 15, 31, 61, 91 seconds
			waitSecond()
		}
		before, asked := testutil.ToFloat64(s.metrics.pullErrors.WithLabelValues(reasonNoPeer)), n.askedOf("b")
		must(t, s.Want(manifest(segs(2)...)))
		for range 20 {
			waitSecond()
		}
		if tried := testutil.ToFloat64(s.metrics.pullErrors.WithLabelValues(reasonNoPeer)) - before; tried != 1 || n.askedOf("b") != asked {
			t.Errorf("tried %v times, %d ranges asked for", tried, n.askedOf("b")-asked)
		}
	})
}
