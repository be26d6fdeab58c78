package ledger

import (
	"slices"

	"github.com/gaplessdb/gapless/frame"
)

// owned is a stream that no frozen checkpoint reads: the only one that may be written. Whoever writes gets it from own and its epochs from its methods,
// which hide those of the stream that it wraps. The version of what is written is always the ledger's; what has an older one belongs to the checkpoints that
// were frozen since, and a copy takes its place first. The current epoch of an owned stream is always its own.
//
//	ledger, version 2 --> stream, version 2 --> epoch 2, version 2: cur
//	                                      \
//	                                       +--> epoch 1, version 0: not written since
//	                                      /
//	frozen checkpoint --> stream, version 0 --> epoch 2, version 0: cur
type owned struct{ *stream }

// own is the stream with an id, ready to be written; it wraps nil for an unknown one.
func (l *Ledger) own(id frame.StreamID) owned {
	s := l.streams.get(id)
	if s == nil || s.version == l.version {
		return owned{s}
	}
	return l.renew(s)
}

// renew puts a copy in the place of a stream that a frozen checkpoint may read.
func (l *Ledger) renew(s *stream) owned {
	c := *s
	c.version = l.version
	c.epochs = slices.Clone(s.epochs)
	o := owned{&c}
	c.cur = o.own(s.cur)
	l.streams.set(&c)
	return o
}

// own is an epoch of the stream, ready to be written; nil stays nil.
func (s owned) own(e *epoch) *epoch {
	if e == nil || e.version == s.version {
		return e
	}
	c := e.clone()
	c.version = s.version
	s.epochs[e.ordinal-1] = c
	return c
}

// epoch is that of the stream, ready to be written.
func (s owned) epoch(ordinal uint32) *epoch { return s.own(s.stream.epoch(ordinal)) }

// line is that of the stream, ready to be written.
func (s owned) line(value string, unseq bool) *epoch { return s.own(s.stream.line(value, unseq)) }

// clone copies all of an epoch that a write may change. Lists are forked, not copied.
func (e *epoch) clone() *epoch {
	c := *e
	c.ring, c.said, c.pace = cloned(e.ring), cloned(e.said), cloned(e.pace)
	c.cov = e.cov.fork()
	if c.rare = cloned(e.rare); c.rare != nil {
		c.rare.open, c.rare.facts, c.rare.unsettled = e.rare.open.fork(), e.rare.facts.fork(), e.rare.unsettled.fork()
	}
	return &c
}

func cloned[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}
