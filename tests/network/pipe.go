package network

import "time"

const (
	window     = 256 << 10 // bytes of one direction of a conn that may be under way or unread
	maxSegment = 64 << 10
)

// segment is that many bytes of a pipe, which can be read from due on. The one without bytes is the end.
type segment struct {
	due  time.Duration
	size int
}

// pipe is one direction of a conn.
type pipe struct {
	link     *link
	slot     int   // where link has it
	from, to *Conn // the side that writes, the side that reads

	bytes    queue[byte]
	segments queue[segment]
	last     time.Duration // when the newest segment arrives
	unacked  int           // bytes that were read while no acknowledgement came through: they still fill the window
	dead     bool          // nothing more leaves: the sender has given up
}

func (p *pipe) room() int { return window - p.bytes.len() - p.unacked }

// push sends as much of b as the window takes.
func (p *pipe) push(b []byte, now time.Duration) int {
	b = b[:min(len(b), max(p.room(), 0))]
	for rest := b; len(rest) > 0; {
		size := min(len(rest), maxSegment)
		p.bytes.add(rest[:size]...)
		p.send(size, now)
		rest = rest[size:]
	}
	return len(b)
}

func (p *pipe) send(size int, now time.Duration) {
	due := p.depart(now)
	p.segments.add(segment{due, size})
	p.to.rd.expect(due, now)
}

// depart returns when a segment that leaves now arrives.
func (p *pipe) depart(now time.Duration) time.Duration {
	if p.link.blocked {
		p.link.held++
		return never
	}
	if p.dead {
		return never
	}
	d, arrives := p.link.travel()
	if !arrives {
		p.dead = true
		p.from.doom(now+d, now)
		return never
	}
	p.last = max(p.last, now+d)
	return p.last
}

// take copies what has arrived. At the end it returns true with the last bytes read before.
func (p *pipe) take(b []byte, now time.Duration) (n int, end bool) {
	for n < len(b) && p.segments.len() > 0 {
		s := &p.segments.live()[0]
		if s.due > now {
			break
		}
		if s.size == 0 {
			return n, n == 0
		}
		k := copy(b[n:], p.bytes.live()[:s.size])
		p.bytes.drop(k)
		n += k
		if s.size -= k; s.size == 0 {
			p.segments.drop(1)
		}
	}
	if p.link.back.blocked {
		p.unacked += n
	}
	if n > 0 && p.from.wr.waiting && p.room() >= window/4 { // a writer that is woken for little sends little segments
		p.from.wr.notify()
	}
	return n, false
}

// arrival is when there is something to read.
func (p *pipe) arrival() time.Duration {
	if p.segments.len() == 0 {
		return never
	}
	return p.segments.live()[0].due
}

// underway says whether anything has not arrived.
func (p *pipe) underway(now time.Duration) bool {
	s := p.segments.live()
	return len(s) > 0 && s[len(s)-1].due > now
}

// hold takes back what has not arrived.
func (p *pipe) hold(now time.Duration) {
	s := p.segments.live()
	for i := len(s) - 1; i >= 0 && s[i].due > now; i-- {
		if s[i].due != never {
			p.link.held++
		}
		s[i].due = never
	}
}

// release sends what was held, when TCP would next repeat it.
func (p *pipe) release(now time.Duration) {
	if p.dead || !p.underway(now) {
		return
	}
	p.last = p.from.repetition(now) + p.link.latency()
	s := p.segments.live()
	for i := len(s) - 1; i >= 0 && s[i].due == never; i-- {
		s[i].due = p.last
	}
	p.to.rd.expect(p.arrival(), now)
}
