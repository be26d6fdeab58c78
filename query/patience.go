package query

import (
	"net"
	"time"
)

// Patience is how long a client may take for an answer that is written piece by piece: the deadline of its connection is renewed for each. It is for one
// goroutine.
type Patience struct {
	Conn  net.Conn      // nil, or one without deadlines, ends in another way
	Stall time.Duration // in which it has to take a piece
	Rate  int64         // bytes a second that it has to take of the whole, beyond a first Stall; 0: however few

	allowed int64         // bytes
	waited  time.Duration // for the client: what making the pieces takes is not its fault
	since   time.Time     // the last piece was allowed; zero: it was taken
}

// Taken says that the client has taken what was allowed, and that the next piece is made.
func (p *Patience) Taken() {
	if !p.since.IsZero() {
		p.waited += time.Since(p.since)
		p.since = time.Time{}
	}
}

// Allow gives the client time for n bytes that are written next.
func (p *Patience) Allow(n int) {
	p.Taken()
	p.since = time.Now()
	p.allowed += int64(n)
	left := p.Stall
	if p.Rate > 0 {
		whole := p.Stall + time.Duration(float64(p.allowed)/float64(p.Rate)*float64(time.Second))
		left = min(left, whole-p.waited)
	}
	if p.Conn != nil {
		_ = p.Conn.SetWriteDeadline(p.since.Add(left))
	}
}
