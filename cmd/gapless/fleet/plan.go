package fleet

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// plan draws a whole fleet: sources in a fixed order, each from its own seed.
func plan(o *Options) []*source {
	var sources []*source
	left, counters := o.Frames, 0
	for i := range o.Devices {
		counters += len(kinds[i%len(kinds)].streams)
	}
	if o.Frames >= 100_000 {
		left -= fastNumbers
	}
	for i := range o.Devices {
		k := &kinds[i%len(kinds)]
		numbers := max(left/counters, minPerDevice/2)
		if i == 0 && left != o.Frames {
			k, numbers = &turbine, fastNumbers
		}
		device := fmt.Sprintf("demo/%s-%02d", k.name, i+1)
		for _, stream := range k.streams {
			s := &source{device: device, stream: stream, kind: k, seed: o.Seed<<20 + uint64(len(sources))<<4}
			s.plan(numbers, o)
			sources = append(sources, s)
		}
	}
	return sources
}

// plan draws what one source does with about so many numbers.
func (s *source) plan(numbers int, o *Options) {
	rng := rand.New(rand.NewPCG(s.seed, 0x9e3779b97f4a7c15))
	perLife := numbers / s.kind.lives
	total := perLife * s.kind.lives
	s.every = s.kind.every
	born := o.Start.Add(-time.Duration(total) * s.every)
	if o.Duration > 0 && !s.kind.backlog {
		born, s.every = o.Start, max(o.Duration/time.Duration(total), time.Microsecond)
	}
	s.bornNS = born.Truncate(time.Millisecond).UnixNano()
	for i := range s.kind.lives {
		s.lives = append(s.lives, s.newLife(i, perLife))
	}
	p := &planner{source: s, rng: rng}
	for i := range s.lives {
		p.live(i)
	}
	p.release(true)
}

// newLife bounds the i'th life of n numbers.
func (s *source) newLife(i, n int) life {
	k := s.kind
	l := life{
		epoch: strconv.Itoa(i + 1), first: k.first, head: headFirstSeen, tail: k.ends,
		bornNS: s.bornNS + int64(i*n)*int64(s.every),
	}
	if k.noEpoch {
		l.epoch = ""
	}
	if k.declares {
		l.head = headDeclared
	}
	if k.wraps {
		l.first = 1<<k.bits - uint64(n/2)
	}
	if k.ends == endSuccessor && i == k.lives-1 {
		l.tail = endWatermark // nobody comes after it
	}
	l.last = l.first + uint64(n) - 1
	return l
}

// run is a stretch of numbers of one life.
type run struct {
	life     int
	from, to uint64
	due      uint64 // held runs: sent once the device has reached this number
}

// planner turns the lives of one source into requests.
type planner struct {
	source *source
	rng    *rand.Rand
	life   int
	now    []ref           // the request being filled
	recent []uint64        // numbers sent lately in this life, oldest first
	used   map[uint64]bool // numbers of this life already repeated or contradicted
	held   []run           // kept back, oldest first
	top    uint64          // one more than the highest number sent in this life
	quiet  int             // requests since the last heartbeat
}

// live plans one life from boot to end.
func (p *planner) live(i int) {
	s, k := p.source, p.source.kind
	l := &s.lives[i]
	p.life, p.recent, p.used, p.top, p.quiet = i, nil, map[uint64]bool{}, l.first, 0
	if i > 0 && k.ends == endSuccessor {
		p.emit(op{kind: opHeartbeat, life: i, next: l.first, previous: true})
	}
	fates := p.fates(int(l.last - l.first + 1))
	declared := p.holdAndDeclare(fates)
	for n, offset := range p.order(fates) {
		p.send(l.first + uint64(offset))
		if n == 2*len(fates)/5 {
			p.release(false) // what the life before left behind
		}
	}
	p.flush()
	if k.narrow() {
		p.release(true)
	}
	for _, r := range declared {
		p.emit(op{kind: opDeclare, life: i, from: r.from, to: r.to})
	}
	p.end()
}

// end tells how far the numbers went, where the kind does.
func (p *planner) end() {
	l := &p.source.lives[p.life]
	switch l.tail {
	case endSeal:
		p.emit(op{kind: opSeal, life: p.life, next: l.last + 1})
	case endWatermark:
		p.emit(op{kind: opHeartbeat, life: p.life, next: l.last + 1})
	}
}

func (p *planner) emit(o op) { p.source.ops = append(p.source.ops, o) }

// flush closes the request being filled and may add a heartbeat.
func (p *planner) flush() {
	if len(p.now) == 0 {
		return
	}
	p.emit(op{kind: opFrames, life: p.life, frames: p.now})
	p.now = nil
	if hb := p.source.kind.heartbeat; hb > 0 {
		if p.quiet++; p.quiet >= hb {
			p.quiet = 0
			p.emit(op{kind: opHeartbeat, life: p.life, next: p.top})
		}
	}
}

// release sends held runs that belong to earlier lives or are due, or all of them, each in requests of its own.
func (p *planner) release(all bool) {
	var keep []run
	for _, r := range p.held {
		if !all && r.life == p.life && p.top < r.due {
			keep = append(keep, r)
			continue
		}
		p.flush()
		frames := make([]ref, 0, r.to-r.from+1)
		for seq := r.from; seq <= r.to; seq++ {
			frames = append(frames, ref{seq: seq})
		}
		p.emit(op{kind: opFrames, life: r.life, frames: frames})
	}
	p.held = keep
}
