package network

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestCutIsOneWay(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		p.n.Cut(ipA, ipB)
		send(t, p.a, "held")
		send(t, p.b, "arrives")
		lasting(t, "a segment the other way", fastest, slowest, func() { receive(t, p.a, "arrives") })
		p.b.SetReadDeadline(time.Now().Add(10 * time.Second))
		failing(t, "Read across the cut", os.ErrDeadlineExceeded, reading(p.b))
		if ab, ba := p.n.Held(ipA, ipB), p.n.Held(ipB, ipA); ab != 1 || ba != 0 {
			t.Errorf("Held = %d there, %d back; want 1, 0", ab, ba)
		}
	})
}

// What a cut caught under way is held too, and after the mend all of it arrives, when TCP would next repeat it.
func TestHeldArrivesAfterMend(t *testing.T) {
	tests := []struct{ cut, arrival time.Duration }{
		{50 * time.Millisecond, 200 * time.Millisecond},
		{time.Second, 1400 * time.Millisecond},
		{4 * time.Second, 6200 * time.Millisecond},
		{14 * time.Second, 15 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.cut.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *pair) {
				start := time.Now()
				send(t, p.a, "under way,")
				p.n.Cut(ipA, ipB)
				send(t, p.a, "sent later,")
				time.Sleep(test.cut)
				if ready(p.b) {
					t.Error("something passed the cut")
				}
				if held := p.n.Held(ipA, ipB); held != 2 {
					t.Errorf("Held = %d, want 2", held)
				}
				p.n.Mend(ipA, ipB)
				send(t, p.a, "sent after the mend")
				lasting(t, "the rest of the wait", 0, 15*time.Second, func() { receive(t, p.b, "under way,sent later,sent after the mend") })
				if d := time.Since(start); d < test.arrival+fastest || d > test.arrival+slowest {
					t.Errorf("arrived after %s, want %s and a delay", d, test.arrival)
				}
				send(t, p.b, "as ever")
				receive(t, p.a, "as ever")
				time.Sleep(time.Hour)
				if !p.a.Idle() || !p.b.Idle() {
					t.Error("the conn was reset later")
				}
			})
		})
	}
}

func TestResetAfterGivingUp(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		p.n.Cut(ipA, ipB)
		time.Sleep(5 * time.Second) // of a cut that nothing meets
		send(t, p.a, "held")
		lasting(t, "giving up", giveUp, giveUp, func() { failing(t, "Read", syscall.ECONNRESET, reading(p.a)) })
		failing(t, "Write", syscall.ECONNRESET, writing(p.a))

		// The other side cannot be told: what it writes arrives nowhere, and it gives up itself.
		synctest.Wait()
		if !p.b.Idle() {
			t.Fatal("the reset passed the cut")
		}
		send(t, p.b, "anybody?")
		lasting(t, "giving up", giveUp, giveUp, func() { failing(t, "Read", syscall.ECONNRESET, reading(p.b)) })
	})
}

// Where the way of the reset is open, the other side has it after a delay. A cut of the acknowledgements resets a conn too.
func TestResetTellsTheOtherSide(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		p.n.Cut(ipB, ipA)
		send(t, p.a, "arrives, without thanks")
		receive(t, p.b, "arrives, without thanks")
		lasting(t, "giving up", giveUp-slowest, giveUp, func() { failing(t, "Read", syscall.ECONNRESET, reading(p.a)) })
		lasting(t, "the reset", fastest, slowest, func() { failing(t, "Read", syscall.ECONNRESET, reading(p.b)) })
	})
}

// Without acknowledgements the window stays full, whatever is read.
func TestCutOfAcknowledgementsFillsTheWindow(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		p.n.Cut(ipB, ipA)
		go io.Copy(io.Discard, p.b)
		p.a.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := p.a.Write(make([]byte, 2*window))
		if n != window || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("Write = %d, %v; want %d and a timeout", n, err, window)
		}
		p.n.Mend(ipB, ipA)
		p.a.SetWriteDeadline(time.Time{})
		send(t, p.a, "goes on")

		p.n.Cut(ipB, ipA)
		time.AfterFunc(time.Second, p.n.MendAll)
		lasting(t, "a Write that waits for the mend", time.Second, time.Second+10*slowest, func() { send(t, p.a, string(make([]byte, 2*window))) })
	})
}

// Each cut that holds something has its own 15 s.
func TestCutAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		for range 3 {
			p.n.Cut(ipA, ipB)
			send(t, p.a, "held")
			time.Sleep(10 * time.Second)
			p.n.Mend(ipA, ipB)
			receive(t, p.b, "held")
			time.Sleep(10 * time.Second)
		}
	})
}

func TestEndIsHeld(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		p.n.Cut(ipA, ipB)
		if err := p.a.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, p.n.MendAll)
		lasting(t, "the end", 1400*time.Millisecond+fastest, 1400*time.Millisecond+slowest, func() { failing(t, "Read", io.EOF, reading(p.b)) })
	})
}

// What is held for a side that has closed meanwhile is answered by a reset.
func TestHeldForOneThatClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		p.n.Cut(ipA, ipB)
		send(t, p.a, "held")
		p.b.Close()
		failing(t, "Read", io.EOF, reading(p.a))
		p.n.Mend(ipA, ipB)
		time.Sleep(firstRetry + 2*slowest)
		failing(t, "Write", syscall.ECONNRESET, writing(p.a))
	})
}

// A conn that was reset gets nothing any more, but what came before can be read.
func TestNothingArrivesAfterReset(t *testing.T) {
	for _, underway := range []bool{true, false} {
		inBubble(t, func(t *testing.T, p *pair) {
			send(t, p.b, "in time")
			time.Sleep(slowest)
			p.n.SetDelay(ipB, ipA, 10*time.Second, 0)
			p.n.Cut(ipA, ipB)
			send(t, p.a, "held")
			time.Sleep(giveUp - time.Second)
			if underway {
				send(t, p.b, "under way at the reset")
			}
			time.Sleep(2 * time.Second)
			send(t, p.b, "sent after it")
			time.Sleep(time.Minute)
			receive(t, p.a, "in time")
			failing(t, "Read", syscall.ECONNRESET, reading(p.a))
		})
	}
}

// A cut that comes and goes does not begin the wait anew each time.
func TestStrobe(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		p.n.Cut(ipA, ipB)
		send(t, p.a, "held")
		stop := make(chan struct{})
		go func() { // open for 1 ms in each 100, and never when something is repeated
			defer close(stop)
			time.Sleep(50 * time.Millisecond)
			for range 300 {
				p.n.Mend(ipA, ipB)
				time.Sleep(time.Millisecond)
				p.n.Cut(ipA, ipB)
				time.Sleep(99 * time.Millisecond)
			}
		}()
		lasting(t, "giving up", giveUp, giveUp, func() { failing(t, "Read", syscall.ECONNRESET, reading(p.a)) })
		<-stop
	})
}

func TestKeepAlive(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		p.n.Cut(ipA, ipB)
		time.Sleep(keepAlive - time.Second)
		p.n.Mend(ipA, ipB)
		time.Sleep(time.Hour)
		if !p.a.Idle() || !p.b.Idle() {
			t.Fatal("a cut shorter than keep-alive's patience broke an idle conn")
		}
		p.n.Cut(ipA, ipB)
		lasting(t, "keep-alive", keepAlive, keepAlive, func() { failing(t, "Read", syscall.ECONNRESET, reading(p.a)) })
		lasting(t, "keep-alive of the other side", 0, slowest, func() { failing(t, "Read", syscall.ECONNRESET, reading(p.b)) })
	})
}

// A side that was left half open hears so when the way opens.
func TestHalfOpenAfterMend(t *testing.T) {
	for _, writes := range []bool{false, true} {
		inBubble(t, func(t *testing.T, p *pair) {
			p.n.Cut(ipA, ipB)
			send(t, p.a, "held")
			failing(t, "Read", syscall.ECONNRESET, reading(p.a))
			p.n.Mend(ipA, ipB)
			low, high := keepProbe, keepProbe
			if writes {
				send(t, p.b, "anybody?")
				low, high = 2*fastest, 2*slowest
			}
			lasting(t, "the reset", low, high, func() { failing(t, "Read", syscall.ECONNRESET, reading(p.b)) })
		})
	}
}
