package network

import (
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// Delay of a segment where SetDelay said nothing: DefaultDelay plus or minus up to DefaultJitter.
const (
	DefaultDelay  = 500 * time.Microsecond
	DefaultJitter = 300 * time.Microsecond
)

const (
	firstRetry = 200 * time.Millisecond // the first repetition of a lost segment; each further one takes twice as long
	maxLosses  = 5                      // of one segment
)

// link is the way from one host to another, one way. The network's lock protects all of it.
type link struct {
	from, to *Host
	back     *link // the other way
	random   *rand.Rand

	cut           bool
	blocked       bool // cut, or a host at one end is without power
	loss          float64
	delay, jitter time.Duration
	slow          bool // delay was set above its default

	held, lost, delayed int64
	pipes               []*pipe // of the conns between the two hosts, what goes this way
}

func newLink(seed uint64, from, to *Host) *link {
	h := fnv.New64a()
	h.Write([]byte(from.name + ">" + to.name))
	return &link{from: from, to: to, random: rand.New(rand.NewPCG(seed, h.Sum64())), delay: DefaultDelay, jitter: DefaultJitter}
}

// latency draws the delay of one segment.
func (l *link) latency() time.Duration {
	d := l.delay
	if l.jitter > 0 {
		d += time.Duration(l.random.Int64N(2*int64(l.jitter)+1)) - l.jitter
	}
	return max(d, 0)
}

// travel draws how long a segment takes with all its repetitions, and whether it arrives; if not, how long the sender tries.
func (l *link) travel() (d time.Duration, arrives bool) {
	d = l.latency()
	if l.slow {
		l.delayed++
	}
	for losses := 0; l.loss > 0 && l.random.Float64() < l.loss; losses++ {
		l.lost++
		d += firstRetry << losses
		if losses+1 == maxLosses {
			return d, false
		}
	}
	return d, true
}

func (l *link) add(p *pipe) {
	p.slot = len(l.pipes)
	l.pipes = append(l.pipes, p)
}

func (l *link) remove(p *pipe) {
	last := len(l.pipes) - 1
	l.pipes[p.slot] = l.pipes[last]
	l.pipes[p.slot].slot = p.slot
	l.pipes[last] = nil
	l.pipes = l.pipes[:last]
}
