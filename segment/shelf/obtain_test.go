package shelf

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// What no manifest lists yet is brought on demand, and not by Pull.
func TestObtain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		s := shelfOf(t, m, small(), seg(0))
		n := newNetwork(segs(3)...)
		p := startPull(t, s, n.fetch, peers("b"))
		waitSecond()
		if len(n.asked) > 0 {
			t.Fatalf("Pull asked for %q", n.asked)
		}
		must(t, s.Obtain(t.Context(), seg(1).info, n.fetch, peers("b", "c")))
		wantReadable(t, s, seg(1))
		wantNames(t, s)
		asked := len(n.asked)
		must(t, s.Obtain(t.Context(), seg(1).info, n.fetch, peers("b", "c")))
		if len(n.asked) != asked {
			t.Errorf("what is here was asked for again")
		}
		must(t, s.Prune(func(name segment.Name) bool { return name == seg(1).info.Name }))
		wantReadable(t, s, seg(1))
		must(t, s.Want(manifest(seg(0), seg(1))))
		wantNames(t, s)
		p.stop()
	})
}

// An attempt that ends in the middle is gone on with, also by the next process.
func TestObtainGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		s := mustOpen(t, m, small())
		n := newNetwork(seg(1))
		ctx, cancel := context.WithCancel(t.Context())
		n.answer = func(_ string, _ segment.Name, offset int64, b []byte) ([]byte, error) {
			if offset >= 3072 {
				cancel()
				return nil, ctx.Err()
			}
			return b, nil
		}
		if err := s.Obtain(ctx, seg(1).info, n.fetch, peers("b")); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		must(t, s.Close())
		s = mustOpen(t, m, small())
		n.answer = nil
		n.forget()
		must(t, s.Obtain(t.Context(), seg(1).info, n.fetch, peers("b")))
		if n.asked[0] != "b 2048" {
			t.Errorf("first asked for %q, want what was synced to be used", n.asked[0])
		}
		wantReadable(t, s, seg(1))
	})
}

func TestObtainEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := mustOpen(t, vfs.NewMem(), small())
		n := newNetwork()
		if err := s.Obtain(t.Context(), seg(1).info, n.fetch, peers("b")); !errors.Is(err, ErrNotHere) {
			t.Errorf("nobody has it: %v", err)
		}
		wantMissing(t, s, seg(1), WhyDropped)
		stuck := func(ctx context.Context, _ string, _ segment.Name, _ int64, _ int) ([]byte, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}
		waitSecond() // until b may be asked again
		done := make(chan error)
		go func() { done <- s.Obtain(t.Context(), seg(2).info, stuck, peers("b")) }()
		synctest.Wait()
		if err := s.Obtain(t.Context(), seg(2).info, n.fetch, peers("b")); !errors.Is(err, ErrPulling) {
			t.Errorf("it is on its way: %v", err)
		}
		go func() { must(t, s.Close()) }()
		if err := <-done; err == nil {
			t.Error("Close did not end it")
		}
		synctest.Wait()
		if err := s.Obtain(t.Context(), seg(2).info, n.fetch, peers("b")); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// What is on its way, and what is needed again in time, stays.
func TestPruneWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		opt := small()
		opt.RetireAfter = time.Minute
		s := shelfOf(t, m, opt, segs(3)...)
		must(t, s.Want(manifest(seg(0))))
		must(t, s.Prune(none))
		<-time.After(59 * time.Second)
		must(t, s.Prune(func(name segment.Name) bool { return name == seg(1).info.Name })) // needed after all
		wantReadable(t, s, seg(1), seg(2))                                                 // by a reader of an older manifest
		<-time.After(time.Second)
		must(t, s.Prune(none))
		wantReadable(t, s, seg(0), seg(1))
		wantMissing(t, s, seg(2), WhyDropped)
		must(t, s.Want(manifest(seg(1)))) // needed again; and not any more, later
		must(t, s.Want(manifest(seg(0))))
		<-time.After(59 * time.Second)
		must(t, s.Prune(none))
		wantReadable(t, s, seg(1))
		<-time.After(time.Minute)
		must(t, s.Prune(none))
		wantMissing(t, s, seg(1), WhyDropped)
	})
}

// A whole file with the wrong frames is put aside, and brought back only where a manifest wants it.
func TestReject(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		s := shelfOf(t, m, small(), seg(0))
		n := newNetwork(segs(3)...)
		must(t, s.Obtain(t.Context(), seg(1).info, n.fetch, peers("b")))
		s.Reject(seg(1).info.Name, errors.New("frames that nobody sent"))
		s.Reject(seg(2).info.Name, errors.New("it was never here"))
		wantMissing(t, s, seg(1), WhyDamaged)
		if !exists(m, seg(1).copy(1)) || exists(m, seg(1).place()) {
			t.Errorf("files: %q", names(t, m, testDir))
		}
		must(t, s.Want(manifest(seg(0), seg(1))))
		p := startPull(t, s, n.fetch, peers("b"))
		p.complete(manifest(seg(0), seg(1)))
		wantReadable(t, s, seg(1))
		p.stop()
	})
}

func TestRoom(t *testing.T) {
	m := vfs.NewMem()
	opt := small()
	opt.ReserveBytes = 1 << 20
	s := shelfOf(t, m, opt, seg(0))
	m.SetCapacity(3 << 20)
	must(t, s.Room(1<<20))
	if err := s.Room(3 << 20); !errors.Is(err, ErrNoSpace) {
		t.Errorf("%v, want %v", err, ErrNoSpace)
	}
	if got := s.Bytes(); got != seg(0).info.Bytes {
		t.Errorf("%d bytes are here, want %d", got, seg(0).info.Bytes)
	}
}
