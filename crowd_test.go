package gapless

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestLongestIdleGivesWay: for a connection too many, the one that has been without a request longest is closed, and no other.
func TestLongestIdleGivesWay(t *testing.T) {
	testDoor(t, func(t *testing.T) {
		d := newDoor(t, 3)
		first, second, silent := d.meet(), d.meet(), d.meet()
		first.must()
		time.Sleep(10 * time.Second)
		second.must()
		time.Sleep(20 * time.Second)
		first.must() // silent has said nothing for 30 s, second for 20 s
		time.Sleep(5 * time.Second)

		d.meet().must()
		if !silent.ended() || second.ended() || first.ended() {
			t.Errorf("ended: silent %v, second %v, first %v", silent.ended(), second.ended(), first.ended())
		}
		d.meet().must()
		if !second.ended() || first.ended() {
			t.Errorf("ended: second %v, first %v", second.ended(), first.ended())
		}
		if waited, gave := d.counted(); waited != 2 || gave != 2 || d.all.count() != 3 {
			t.Errorf("%v waited, %v gave way, %d are open", waited, gave, d.all.count())
		}
		if lines := strings.Count(d.log.String(), "HTTP connections wait"); lines != 1 {
			t.Errorf("%d lines in a minute: %s", lines, &d.log)
		}
		d.end()
	})
}

// TestYoungConnectionsAreGivenTime: a client that has just connected, or was just answered, is not cut off before it can go on.
func TestYoungConnectionsAreGivenTime(t *testing.T) {
	testDoor(t, func(t *testing.T) {
		d := newDoor(t, 1)
		young := d.meet()
		start := time.Now()
		next := d.meet()
		time.Sleep(givesWayAfter / 2)
		if last, err := young.ask("/"); !last || err != nil { // somebody waits: this answer is its last
			t.Errorf("last %v, %v", last, err)
		}
		next.must()
		if waited := time.Since(start); waited != givesWayAfter/2 {
			t.Errorf("the next one waited for %s", waited)
		}
		d.end()
	})
}

// TestBusyIsNeverCut: a request in work, and one that is half here, hold their places as long as they take. The next one gets the first that is free.
func TestBusyIsNeverCut(t *testing.T) {
	testDoor(t, func(t *testing.T) {
		d := newDoor(t, 2)
		working, half := d.meet(), d.meet()
		worked := make(chan bool)
		go func() {
			last, err := working.ask("/wait")
			worked <- !last && err == nil
		}()
		half.must()
		fmt.Fprint(half, "GET / HTTP/1.1\r\nHost:")
		next := d.meet()
		asked := make(chan struct{})
		go func() { next.must(); close(asked) }()
		time.Sleep(readTimeout - time.Second)
		select {
		case <-asked:
			t.Error("a third one has a place of two that work")
		default:
		}
		fmt.Fprint(half, " n\r\n\r\n")
		if resp, err := http.ReadResponse(half.r, nil); err != nil || !resp.Close {
			t.Errorf("the half request: %v, %v, want that it is the last one", resp, err)
		}
		<-asked
		close(d.release)
		if !<-worked {
			t.Error("the request in work has no answer, or the last one, although nobody waits any more")
		}
		if _, gave := d.counted(); gave != 0 {
			t.Errorf("%v gave way", gave)
		}
		d.end()
	})
}

// TestHalfAfterWholeIsBusy: the first half of a request that came together with the one before is no idleness.
func TestHalfAfterWholeIsBusy(t *testing.T) {
	testDoor(t, func(t *testing.T) {
		d := newDoor(t, 1)
		c := d.meet()
		go fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: n\r\n\r\nGET / HTTP/1.1\r\nHost:")
		if resp, err := http.ReadResponse(c.r, nil); err != nil || resp.Close {
			t.Errorf("the whole request: %v, %v", resp, err)
		}
		next := d.meet()
		time.Sleep(10 * givesWayAfter)
		fmt.Fprint(c, " n\r\n\r\n")
		if resp, err := http.ReadResponse(c.r, nil); err != nil || !resp.Close {
			t.Errorf("the half request: %v, %v, want that it is the last one", resp, err)
		}
		next.must()
		d.end()
	})
}

// TestBusyClientsShare: clients that ask again and again on their connections do not keep others out.
func TestBusyClientsShare(t *testing.T) {
	testDoor(t, func(t *testing.T) {
		d := newDoor(t, 4)
		var mu sync.Mutex
		answers := map[int]int{}
		var working sync.WaitGroup
		start := time.Now()
		for i := range 20 {
			working.Go(func() {
				c := d.dial()
				for time.Since(start) < time.Minute {
					last, err := c.ask("/")
					if err != nil {
						t.Errorf("client %d: %v", i, err)
						return
					}
					mu.Lock()
					answers[i]++
					mu.Unlock()
					if last {
						c.Close()
						c = d.dial()
					}
					if n := d.all.count(); n > 4 {
						t.Errorf("%d connections have a place", n)
					}
					time.Sleep(50 * time.Millisecond)
				}
				c.Close()
			})
		}
		working.Wait()
		for i := range 20 {
			if answers[i] < 20 {
				t.Errorf("client %d was answered %d times in a minute: %v", i, answers[i], answers)
			}
		}
		time.Sleep(time.Second)
		d.end()
	})
}

// TestCloseWhileOneWaits: who waits for a place does not hold up the end, and is let go.
func TestCloseWhileOneWaits(t *testing.T) {
	testDoor(t, func(t *testing.T) {
		d := newDoor(t, 1)
		busy, waiting := d.meet(), d.meet()
		go busy.ask("/wait")
		time.Sleep(time.Minute)
		go func() {
			time.Sleep(time.Second)
			close(d.release)
		}()
		d.end()
		if !waiting.ended() {
			t.Error("the connection that waited is open")
		}
	})
}
