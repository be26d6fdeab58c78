package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// chaos is three hosts that send each other streams while everything happens to them. The byte at each offset of a stream is known, so
// that one that is lost, doubled or out of place shows; and in the end nobody may still wait.
type chaos struct {
	t      *testing.T
	n      *Network
	random *rand.Rand
	ips    []string
	tasks  sync.WaitGroup
	over   chan struct{} // closed when the faults have ended

	mu            sync.Mutex // protects the counts below
	whole, broken int        // streams that were read to their end, and not
	bytes         int
}

func TestChaos(t *testing.T) {
	var whole, broken, bytes int
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &chaos{
					t: t, n: New(seed), random: rand.New(rand.NewPCG(seed, 1)),
					ips: []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"}, over: make(chan struct{}),
				}
				c.run()
				whole, broken, bytes = whole+c.whole, broken+c.broken, bytes+c.bytes
			})
		})
	}
	t.Logf("%d streams whole, %d broken, %d bytes", whole, broken, bytes)
	if whole < 100 || broken < 100 {
		t.Errorf("%d streams whole, %d broken; want many of each", whole, broken)
	}
}

func (c *chaos) run() {
	for _, ip := range c.ips {
		c.listen(ip)
	}
	for i := range 6 {
		random := rand.New(rand.NewPCG(c.random.Uint64(), 2))
		c.tasks.Go(func() { c.dialAll(c.ips[i%3], c.ips[(i+1+i/3)%3], random) })
	}
	for range 60 {
		c.fault()
		time.Sleep(time.Duration(c.random.Int64N(int64(6 * time.Second))))
	}
	for _, ip := range c.ips {
		c.up(ip)
	}
	c.n.Calm()
	close(c.over)
	time.Sleep(2 * time.Minute)
	if left := c.n.registered(); left > 0 {
		c.t.Errorf("%d streams neither ended nor broke after all faults were mended", left)
	}
	for _, ip := range c.ips {
		c.n.Host(ip).Down(false)
	}
	c.tasks.Wait()
}

func (c *chaos) fault() {
	from, to := c.ips[c.random.IntN(3)], c.ips[c.random.IntN(3)]
	switch c.random.IntN(10) {
	case 0, 1, 2:
		c.n.Cut(from, to)
	case 3, 4:
		c.n.Mend(from, to)
	case 5:
		c.n.MendAll()
	case 6:
		c.n.SetLoss(from, to, c.random.Float64()/2)
	case 7:
		c.n.SetDelay(from, to, time.Duration(c.random.Int64N(int64(time.Second))), 100*time.Millisecond)
	case 8:
		c.n.Host(from).Down(c.random.IntN(2) == 0)
	case 9:
		c.up(from)
	}
}

func (c *chaos) up(ip string) {
	if h := c.n.Host(ip); h.down {
		h.Up()
		c.listen(ip)
	}
}

func (c *chaos) listen(ip string) {
	ln, err := c.n.Host(ip).Listen("tcp", ":7000")
	if err != nil {
		c.t.Error(err)
		return
	}
	c.tasks.Go(func() {
		for i := uint64(0); ; i++ {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			c.tasks.Go(func() { c.talk(conn.(*Conn), rand.New(rand.NewPCG(i, 3))) })
		}
	})
}

// dialAll opens one conn after another, until the faults are over.
func (c *chaos) dialAll(from, to string, random *rand.Rand) {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		conn, err := c.n.Host(from).Dial(ctx, "tcp", to+":7000")
		cancel()
		if err == nil {
			c.talk(conn.(*Conn), random)
		}
		select {
		case <-c.over:
			return
		case <-time.After(time.Duration(random.Int64N(int64(time.Second)))):
		}
	}
}

// talk writes a stream for a while, and reads the other's.
func (c *chaos) talk(conn *Conn, random *rand.Rand) {
	defer conn.Close()
	var writer sync.WaitGroup
	writer.Go(func() {
		at := 0
		for range 10 + random.IntN(100) {
			b := make([]byte, 1+random.IntN(3000))
			for i := range b {
				b[i] = content(at + i)
			}
			n, err := conn.Write(b)
			if at += n; err != nil {
				return
			}
			time.Sleep(time.Duration(random.Int64N(int64(300 * time.Millisecond))))
		}
		// The last eight bytes say how long the stream was.
		conn.Write(fmt.Appendf(nil, "%8d", at))
		conn.CloseWrite()
	})
	got, err := io.ReadAll(conn)
	writer.Wait()
	c.judge(got, err)
}

func content(at int) byte { return byte(at*2654435761>>13) | 0x80 }

func (c *chaos) judge(got []byte, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes += len(got)
	body := got
	if err == nil {
		c.whole++
		body = got[:max(0, len(got)-8)]
		if length := fmt.Sprintf("%8d", len(body)); length != string(got[len(body):]) {
			c.t.Errorf("a stream of %q bytes ended after %s", got[len(body):], length)
		}
	} else {
		c.broken++
		if errors.Is(err, io.ErrUnexpectedEOF) {
			c.t.Error(err)
		}
	}
	for i, b := range body {
		if b != content(i) && (err == nil || i < len(body)-8) { // the length may be the last that arrived
			c.t.Errorf("byte %d of %d is %x, want %x", i, len(body), b, content(i))
			return
		}
	}
}
