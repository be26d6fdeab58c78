package shelf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// What peers do wrong, and what the pull makes of it.
func TestPeersThatFail(t *testing.T) {
	boom := errors.New("boom")
	data := seg(0).data
	for _, tt := range []struct {
		name   string
		answer func(peer string, offset int64, b []byte) ([]byte, error)
		within time.Duration // of fake time
		wrong  int           // whole files that came out wrong, at most
	}{
		{"one is down", func(peer string, _ int64, b []byte) ([]byte, error) {
			if peer == "b" {
				return nil, boom
			}
			return b, nil
		}, 0, 0},
		{"one lacks it", func(peer string, _ int64, b []byte) ([]byte, error) {
			if peer == "c" {
				return nil, fmt.Errorf("peer: %w", ErrNotHere)
			}
			return b, nil
		}, 0, 0},
		{"one gives too little", func(peer string, _ int64, b []byte) ([]byte, error) {
			if peer == "b" {
				return b[:len(b)-1], nil
			}
			return b, nil
		}, 0, 0},
		{"one gives too much", func(peer string, _ int64, b []byte) ([]byte, error) {
			if peer == "c" {
				return append(b, 0), nil
			}
			return b, nil
		}, 0, 0},
		{"one lies, the other does not", func(peer string, offset int64, b []byte) ([]byte, error) {
			if peer == "b" && offset >= 512 {
				b[0] ^= 1
			}
			return b, nil
		}, 10 * time.Second, 2},
		{"the other lies", func(peer string, offset int64, b []byte) ([]byte, error) {
			if peer == "c" && offset >= 512 {
				b[0] ^= 1
			}
			return b, nil
		}, 10 * time.Second, 2},
		{"all die in the middle", onceEach(func(_ string, offset int64, b []byte) ([]byte, error) {
			if offset == 2048 {
				return nil, boom
			}
			return b, nil
		}), 5 * time.Second, 0},
		{"one lies, the other dies in the middle", onceEach(func(peer string, offset int64, b []byte) ([]byte, error) {
			if peer == "b" {
				return bytes.Repeat([]byte{7}, len(b)), nil
			}
			if offset == 2048 {
				return nil, boom
			}
			return b, nil
		}), 2 * time.Minute, 4},
		{"one lies at first, and the other dies for good when it is asked alone", changing(), 5 * time.Second, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				m := vfs.NewMem()
				s := wanting(t, m, small(), seg(0))
				n := newNetwork(seg(0))
				n.answer = func(peer string, _ segment.Name, offset int64, b []byte) ([]byte, error) {
					return tt.answer(peer, offset, b)
				}
				p := startPull(t, s, n.fetch, peers("b", "c"))
				if took := p.complete(manifest(seg(0))); took > tt.within {
					t.Errorf("took %v, want at most %v", took, tt.within)
				}
				wantReadable(t, s, seg(0))
				if asked := len(n.asked); asked > (tt.wrong+2)*(len(data)/512+2) {
					t.Errorf("%d ranges were asked for", asked)
				}
				if len(names(t, m, testDir)) != 1 {
					t.Errorf("left behind:\n%s", m)
				}
			})
		})
	}
}

// changing is the answers of a peer c that lies the first time it is asked for a range, and of b, which dies the second time it is asked
// for the one at 2048.
func changing() func(string, int64, []byte) ([]byte, error) {
	asked := map[int64]int{}
	dead := false
	return func(peer string, offset int64, b []byte) ([]byte, error) {
		asked[offset]++
		first := asked[offset] == 1
		switch {
		case peer == "c" && first:
			b[0] ^= 1
		case peer == "b" && (dead || offset == 2048 && !first):
			dead = true
			return nil, errors.New("dead")
		}
		return b, nil
	}
}

// onceEach lets answer spoil each (peer, offset) a single time where it fails; what it forges it forges always.
func onceEach(answer func(peer string, offset int64, b []byte) ([]byte, error)) func(string, int64, []byte) ([]byte, error) {
	var mu sync.Mutex
	seen := map[string]bool{}
	return func(peer string, offset int64, b []byte) ([]byte, error) {
		got, err := answer(peer, offset, bytes.Clone(b))
		if err == nil {
			return got, nil
		}
		mu.Lock()
		defer mu.Unlock()
		key := fmt.Sprint(peer, offset)
		if seen[key] {
			return b, nil
		}
		seen[key] = true
		return nil, err
	}
}

// A peer that lied is not asked again while another one is there, whatever the segment, until it alone has given a right one.
func TestLiarIsAskedLast(t *testing.T) {
	for name, begin := range map[string][]string{
		"found out when it was asked alone":             {"b", "c"},
		"found out because the other one gave it right": {"c", "b"},
		"found out when nobody else was there":          {"b"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) { testLiar(t, begin) })
		})
	}
}

func testLiar(t *testing.T, begin []string) {
	opt := small()
	opt.Parallel = 1
	s := wanting(t, vfs.NewMem(), opt, seg(0))
	var list atomic.Pointer[[]string]
	list.Store(&begin)
	var lies atomic.Bool
	lies.Store(true)
	n := newNetwork(segs(4)...)
	n.answer = func(peer string, _ segment.Name, _ int64, b []byte) ([]byte, error) {
		if peer == "b" && lies.Load() {
			b[0] ^= 1
		}
		return b, nil
	}
	p := startPull(t, s, n.fetch, func() []string { return *list.Load() })
	next := func(segments int, peers ...string) {
		synctest.Wait()
		n.forget()
		list.Store(&peers)
		must(t, s.Want(manifest(segs(segments)...)))
		p.complete(manifest(segs(segments)...))
	}
	both := begin
	if len(both) == 1 {
		both = []string{"b", "c"}
	}
	next(1, both...)
	next(2, "b", "c")
	if n.askedOf("b") > 0 {
		t.Errorf("the liar was asked for %d ranges of the next segment", n.askedOf("b"))
	}
	lies.Store(false)
	next(3, "b")
	next(4, "c", "b")
	if n.askedOf("b") == 0 || n.askedOf("c") == 0 {
		t.Errorf("after it gave a right one alone: asked for %q", n.asked)
	}
}

// The only peer lies: nothing is believed, and what it says when it has come to its senses is.
func TestOnlyPeerLies(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		s := wanting(t, m, small(), seg(0))
		n := newNetwork(seg(0))
		n.answer = func(_ string, _ segment.Name, _ int64, b []byte) ([]byte, error) { b[1] ^= 4; return b, nil }
		p := startPull(t, s, n.fetch, peers("b"))
		for range 300 {
			waitSecond()
		}
		if st := wantStatus(t, s, seg(0), Missing); st.Error == "" || st.Done != 0 {
			t.Errorf("status: %+v", st)
		}
		if whole := len(n.asked) / (len(seg(0).data)/512 + 1); whole < 5 || whole > 12 {
			t.Errorf("pulled %d times in five minutes", whole)
		}
		if exists(m, seg(0).place()) {
			t.Error("a forged segment was stored")
		}
		n.mu.Lock()
		n.answer = nil
		n.mu.Unlock()
		if took := p.complete(manifest(seg(0))); took > 70*time.Second {
			t.Errorf("took %v", took)
		}
		wantReadable(t, s, seg(0))
	})
}

// A peer that does not answer holds up one range for rangeTimeout, and is passed over.
func TestPeerThatHangs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := wanting(t, vfs.NewMem(), small(), seg(0))
		n := newNetwork(seg(0))
		hang := func(ctx context.Context, peer string, name segment.Name, offset int64, size int) ([]byte, error) {
			if peer == "b" {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return n.fetch(ctx, peer, name, offset, size)
		}
		p := startPull(t, s, hang, peers("b", "c"))
		if took := p.complete(manifest(seg(0))); took < rangeTimeout || took > 3*rangeTimeout {
			t.Errorf("took %v", took)
		}
	})
}

// A pull from another node's shelf, as the root wires it.
func TestPullFromShelf(t *testing.T) {
	bubble(t, func(t *testing.T) {
		from := shelfOf(t, vfs.NewMem(), small(), segs(3)...)
		empty := mustOpen(t, vfs.NewMem(), small())
		s := wanting(t, vfs.NewMem(), small(), segs(3)...)
		fetch := func(_ context.Context, peer string, name segment.Name, offset int64, n int) ([]byte, error) {
			return map[string]*Shelf{"from": from, "empty": empty}[peer].ReadRange(name, offset, n)
		}
		p := startPull(t, s, fetch, peers("empty", "from"))
		if took := p.complete(manifest(segs(3)...)); took != 0 {
			t.Errorf("took %v", took)
		}
		wantReadable(t, s, segs(3)...)
	})
}
