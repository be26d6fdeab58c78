package shelf

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// waitSecond lets a second of fake time pass, and everything that happens in it.
func waitSecond() {
	<-time.After(time.Second)
	synctest.Wait()
}

// wanting returns a shelf that lacks all.
func wanting(t testing.TB, m vfs.FS, opt Options, all ...stored) *Shelf {
	t.Helper()
	s := mustOpen(t, m, opt)
	must(t, s.Want(manifest(all...)))
	return s
}

func TestPull(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		var log bytes.Buffer
		opt := small()
		opt.Logger = slog.New(slog.NewTextHandler(&log, nil))
		s := wanting(t, m, opt, segs(8)...)
		n := newNetwork(segs(8)...)
		p := startPull(t, s, n.fetch, peers("b", "c"))
		p.complete(manifest(segs(8)...))
		synctest.Wait()
		wantReadable(t, s, segs(8)...)
		if b, c := n.askedOf("b"), n.askedOf("c"); b < 20 || c < 20 || b > c+8 || c > b+8 {
			t.Errorf("b was asked for %d ranges, c for %d: not in turn", b, c)
		}
		if list := names(t, m, testDir); len(list) != 8 {
			t.Errorf("files: %q", list)
		}
		for _, word := range []string{"percent=", "missing_segments=", "every wanted segment is here", "from=\"[b c]\""} {
			if !strings.Contains(log.String(), word) {
				t.Errorf("%q is not in the log:\n%s", word, &log)
			}
		}
		if told := strings.Count(log.String(), "percent="); told > 10 {
			t.Errorf("progress was logged %d times", told)
		}
		p.stop()
		must(t, s.Close())
		again := shelfOf(t, m.CrashClone(vfs.Crash{}), small()) // all of it is durable
		must(t, again.Want(manifest(segs(8)...)))
		wantReadable(t, again, segs(8)...)
	})
}

// Segments are pulled at the same time, as many as Parallel says.
func TestPullInParallel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		opt := small()
		opt.Parallel = 3
		s := wanting(t, vfs.NewMem(), opt, segs(6)...)
		n := newNetwork(segs(6)...)
		var mu sync.Mutex
		running, most := 0, 0
		slow := func(ctx context.Context, peer string, name segment.Name, offset int64, size int) ([]byte, error) {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			<-time.After(time.Second)
			mu.Lock()
			running--
			mu.Unlock()
			return n.fetch(ctx, peer, name, offset, size)
		}
		p := startPull(t, s, slow, peers("b"))
		waitSecond()
		pulling := 0
		for _, st := range s.Status() {
			if st.State == Pulling {
				pulling++
			}
		}
		if pulling != 3 {
			t.Errorf("%d segments are being pulled, want 3", pulling)
		}
		took := p.complete(manifest(segs(6)...))
		ranges := time.Duration((len(seg(0).data) + 511) / 512)
		if most != 3 || took > 2*(ranges+2)*time.Second {
			t.Errorf("%d at a time, %v for 6 segments of %d ranges", most, took, ranges)
		}
	})
}

func TestPullIsWoken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := mustOpen(t, vfs.NewMem(), small())
		p := startPull(t, s, newNetwork(segs(2)...).fetch, peers("b"))
		waitSecond()
		must(t, s.Want(manifest(seg(0))))
		if took := p.complete(manifest(seg(0))); took != 0 {
			t.Errorf("took %v", took)
		}
		must(t, s.Want(manifest(segs(2)...)))
		if took := p.complete(manifest(segs(2)...)); took != 0 {
			t.Errorf("took %v", took)
		}
		if err := s.Pull(t.Context(), nil, nil); !errors.Is(err, ErrPulling) {
			t.Errorf("a second Pull: %v", err)
		}
		p.stop()
		startPull(t, s, newNetwork().fetch, peers()) // one after the other is fine
		synctest.Wait()
		must(t, s.Close())
	})
}

func TestRateLimit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		total := int64(0)
		for _, s := range segs(8) {
			total += s.info.Bytes
		}
		opt := small()
		opt.PullBytesPerSecond = 1000
		s := wanting(t, vfs.NewMem(), opt, segs(8)...)
		p := startPull(t, s, newNetwork(segs(8)...).fetch, peers("b", "c"))
		took := p.complete(manifest(segs(8)...))
		want := time.Duration(total) * time.Second / 1000
		if took < want-time.Second || took > want+time.Second {
			t.Errorf("%d bytes took %v, want about %v", total, took, want)
		}
	})
}

// Close waits for what a running Pull does.
func TestCloseWaitsForPull(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := wanting(t, vfs.NewMem(), small(), segs(2)...)
		var ended atomic.Int64
		startPull(t, s, func(ctx context.Context, _ string, _ segment.Name, _ int64, _ int) ([]byte, error) {
			<-ctx.Done()
			<-time.After(time.Second)
			ended.Add(1)
			return nil, ctx.Err()
		}, peers("b"))
		synctest.Wait()
		must(t, s.Close())
		if n := ended.Load(); n != 2 {
			t.Errorf("%d of 2 pulls had ended", n)
		}
	})
}

// A pull under a limit ends with its context, not with its turn.
func TestRateLimitEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		opt := small()
		opt.PullBytesPerSecond = 1
		s := wanting(t, vfs.NewMem(), opt, segs(4)...)
		p := startPull(t, s, newNetwork(segs(4)...).fetch, peers("b"))
		waitSecond()
		began := time.Now()
		p.stop()
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}
