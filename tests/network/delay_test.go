package network

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestDelay(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		seen := map[time.Duration]bool{}
		for range 50 {
			lasting(t, "a segment", fastest, slowest, func() {
				start := time.Now()
				send(t, p.a, "hello")
				if ready(p.b) {
					t.Error("a segment is there before its delay")
				}
				receive(t, p.b, "hello")
				seen[time.Since(start)] = true
			})
		}
		if len(seen) < 40 {
			t.Errorf("%d different delays of 50", len(seen))
		}
		if n := p.n.Delayed(ipA, ipB); n != 0 {
			t.Errorf("Delayed = %d without SetDelay", n)
		}
		p.n.SetDelay(ipA, ipB, 300*time.Millisecond, 0)
		lasting(t, "a slow segment", 300*time.Millisecond, 300*time.Millisecond, func() {
			send(t, p.a, "hello")
			receive(t, p.b, "hello")
		})
		lasting(t, "a segment back", fastest, slowest, func() {
			send(t, p.b, "hello")
			receive(t, p.a, "hello")
		})
		if ab, ba := p.n.Delayed(ipA, ipB), p.n.Delayed(ipB, ipA); ab != 1 || ba != 0 {
			t.Errorf("Delayed = %d there, %d back; want 1, 0", ab, ba)
		}
	})
}

// What was sent first arrives first, even where the way has become faster in between.
func TestDelayKeepsOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		p.n.SetDelay(ipA, ipB, time.Second, 0)
		send(t, p.a, "first")
		p.n.SetDelay(ipA, ipB, time.Millisecond, 0)
		send(t, p.a, "second")
		lasting(t, "both", time.Second, time.Second, func() { receive(t, p.b, "firstsecond") })

		// Nor does a cut take the first of two and leave the second.
		p.n.SetDelay(ipA, ipB, time.Second, 0)
		send(t, p.a, "first")
		p.n.SetDelay(ipA, ipB, time.Millisecond, 0)
		send(t, p.a, "second")
		time.Sleep(2 * time.Millisecond)
		p.n.Cut(ipA, ipB)
		if held := p.n.Held(ipA, ipB); held != 2 {
			t.Errorf("Held = %d, want 2", held)
		}
		time.Sleep(time.Second)
		p.n.Mend(ipA, ipB)
		receive(t, p.b, "firstsecond")
	})
}

func TestSameSeedSameDelays(t *testing.T) {
	delays := func(seed uint64) (d []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			p := newPair(t, New(seed))
			defer p.close()
			for range 20 {
				start := time.Now()
				send(t, p.a, "x")
				receive(t, p.b, "x")
				d = append(d, time.Since(start))
			}
		})
		return d
	}
	first, second, other := delays(7), delays(7), delays(8)
	if fmt.Sprint(first) != fmt.Sprint(second) {
		t.Errorf("one seed, two rows of delays:\n%v\n%v", first, second)
	}
	if fmt.Sprint(first) == fmt.Sprint(other) {
		t.Errorf("two seeds, one row of delays: %v", first)
	}
}

func TestLoss(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		p.n.SetLoss(ipA, ipB, 0.15)
		const segments = 500
		repeated := 0
		for i := range segments {
			start := time.Now()
			send(t, p.a, "x")
			if p.a.out.dead {
				t.Fatalf("segment %d was lost five times; choose another seed", i)
			}
			receive(t, p.b, "x")
			switch d := time.Since(start); {
			case d <= slowest:
			case d < firstRetry+fastest:
				t.Errorf("a lost segment arrived after %s", d)
			default:
				repeated++
			}
		}
		if lost := p.n.Lost(ipA, ipB); lost < segments/10 || lost > segments/4 || repeated < segments/10 || repeated > segments/5 {
			t.Errorf("%d losses, %d of %d segments late, with p = 0.15", lost, repeated, segments)
		}
		if lost := p.n.Lost(ipB, ipA); lost != 0 {
			t.Errorf("%d losses the other way", lost)
		}
	})
}

func TestLostFiveTimes(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		p.n.SetLoss(ipA, ipB, 1)
		send(t, p.a, "lost")
		const tries = (200 + 400 + 800 + 1600 + 3200) * time.Millisecond
		lasting(t, "giving up", tries+fastest, tries+slowest, func() { failing(t, "Read", syscall.ECONNRESET, reading(p.a)) })
		lasting(t, "the reset", fastest, slowest, func() { failing(t, "Read", syscall.ECONNRESET, reading(p.b)) })
		if lost := p.n.Lost(ipA, ipB); lost != maxLosses {
			t.Errorf("Lost = %d, want %d", lost, maxLosses)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		failing(t, "Dial", context.DeadlineExceeded, func() error { _, err := p.n.Host(ipA).Dial(ctx, "tcp", ipB+":7000"); return err })
	})
}

func TestCalm(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		p.n.Cut(ipA, ipB)
		p.n.Cut(ipB, ipA)
		p.n.SetLoss(ipB, ipA, 1)
		p.n.SetDelay(ipA, ipB, time.Second, time.Second)
		p.n.MendAll()
		if l := p.n.between(ipA, ipB); l.cut || l.back.cut || l.delay != time.Second || l.back.loss != 1 {
			t.Errorf("MendAll left %+v, %+v", l, l.back)
		}
		p.n.Cut(ipA, ipB)
		p.n.Calm()
		lasting(t, "there and back", 2*fastest, 2*slowest, func() {
			send(t, p.a, "hello")
			receive(t, p.b, "hello")
			send(t, p.b, "hello")
			receive(t, p.a, "hello")
		})
	})
}
