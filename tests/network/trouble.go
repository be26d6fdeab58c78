package network

import (
	"syscall"
	"time"
)

const (
	giveUp    = 15 * time.Second  // for so long a sender waits for an acknowledgement
	keepProbe = 15 * time.Second  // after so long keep-alive asks whether the other side is there
	keepAlive = 150 * time.Second // and after so long without an answer it resets the conn
)

// trouble is what one side of a conn knows of its faults. The times are since the network was made.
type trouble struct {
	reset   time.Duration // a reset arrives
	stuck   time.Duration // since when something sent is unacknowledged; old when resumed is not never
	resumed time.Duration // when what was stuck has arrived; never while it is stuck
	quiet   time.Duration // since when nothing can come from the other side
	timer   *time.Timer   // for the first of the times at which one of these breaks the conn
}

var noTrouble = trouble{reset: never, stuck: never, quiet: never}

// orphan says whether the other side no longer knows the conn.
func (c *Conn) orphan() bool { return c.peer.err != nil }

func (c *Conn) blocked() bool { return c.out.link.blocked || c.in.link.blocked }

// sent looks at what becomes of bytes that left now.
func (c *Conn) sent(now time.Duration) {
	c.unanswered(now)
	if !c.blocked() && (c.peer.closed || c.orphan()) { // bytes for a conn that is not there are answered by a reset
		c.doom(max(c.out.last, now+c.out.link.latency())+c.in.link.latency(), now)
	}
}

// unanswered starts the clock of a side that has sent what will not be acknowledged.
func (c *Conn) unanswered(now time.Duration) {
	if c.blocked() {
		c.stick(now)
		c.arm(now)
	}
}

func (c *Conn) stick(now time.Duration) {
	if now >= c.resumed {
		c.stuck = now
	}
	c.resumed = never
}

// shut is told when the way there or back is blocked.
func (c *Conn) shut(now time.Duration) {
	c.quiet = min(c.quiet, now)
	if c.out.underway(now) {
		c.stick(now)
	}
	c.arm(now)
}

// opened is told when the way there or back is no longer blocked.
func (c *Conn) opened(now time.Duration) {
	if c.blocked() {
		return
	}
	c.out.unacked = 0
	c.wr.notify()
	switch waited := c.resumed == never; {
	case c.orphan() && waited:
		c.reset = min(c.reset, c.repetition(now)+c.out.link.latency()+c.in.link.latency())
	case c.orphan():
		c.reset = min(c.reset, now+keepProbe)
	case c.peer.closed && waited && c.out.bytes.len() > 0:
		c.reset = min(c.reset, max(c.out.last, now)+c.in.link.latency())
	}
	c.quiet = never
	if c.resumed == never {
		c.resumed = max(now, c.out.last)
	}
	c.arm(now)
}

// repetition is when TCP next repeats what is stuck: 200 ms after it was sent first, then twice as long after each time, and once at last.
func (c *Conn) repetition(now time.Duration) time.Duration {
	at := c.stuck
	for wait := firstRetry; at <= now; wait *= 2 {
		at += wait
	}
	return min(at, c.stuck+giveUp)
}

// doom makes the conn be reset at a time.
func (c *Conn) doom(at, now time.Duration) {
	c.reset = min(c.reset, at)
	c.arm(now)
}

// limit is when the conn will be reset, as things are.
func (c *Conn) limit() time.Duration {
	at := c.reset
	if c.blocked() {
		at = min(at, c.quiet+keepAlive)
		if c.resumed == never {
			at = min(at, c.stuck+giveUp)
		}
	}
	return at
}

// arm sets the timer.
func (c *Conn) arm(now time.Duration) {
	switch at := c.limit(); {
	case c.err != nil || at >= never:
		c.disarm()
	case c.timer == nil:
		c.timer = time.AfterFunc(at-now, c.expire)
	default:
		c.timer.Reset(at - now)
	}
}

func (c *Conn) disarm() {
	if c.timer != nil {
		c.timer.Stop()
	}
}

func (c *Conn) expire() {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if now := c.n.now(); now >= c.limit() {
		c.breakOff(now)
	}
}

// breakOff resets this side now, and tells the other if it can be told.
func (c *Conn) breakOff(now time.Duration) {
	if c.err != nil {
		return
	}
	c.err = syscall.ECONNRESET
	c.in.hold(now) // what arrived before can still be read
	c.in.dead = true
	c.out.dead = true
	c.disarm()
	c.notify()
	if other := c.peer; !c.orphan() {
		if c.out.link.blocked {
			other.quiet = min(other.quiet, now)
			other.arm(now)
		} else {
			other.doom(max(c.out.last, now+c.out.link.latency()), now)
		}
	}
	c.retire()
}

// retire forgets a conn that both sides have done with.
func (c *Conn) retire() {
	for _, side := range []*Conn{c, c.peer} {
		if !side.closed && side.err == nil {
			return
		}
	}
	for _, side := range []*Conn{c, c.peer} {
		if side.out.slot >= 0 {
			side.disarm()
			side.out.link.remove(side.out)
			side.out.slot = -1
		}
	}
}
