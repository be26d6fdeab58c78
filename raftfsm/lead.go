package raftfsm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// Bounds of what one lead has in flight (the knee of throughput lies at 64 to 256 KiB per entry and 0.5 to 4 MiB in all).
const (
	maxEntryBytes    = 256 << 10 // a larger request travels alone
	sendBytes        = 64 << 10  // enough to send although an earlier write of the log is still under way
	maxInflight      = 16
	maxInflightBytes = 4 << 20
)

// lead is one term of leadership: it packs parts into entries and delivers what apply answers.
type lead struct {
	*Proposer
	term    uint64
	parts   chan *pending
	done    chan struct{} // closed by end
	packed  chan struct{} // closed when pack has returned
	closing sync.Once

	// Owned by pack.
	next    frame.StreamID                     // next number to assign
	defined map[frame.StreamKey]frame.StreamID // assigned in this term, kept until the entry that defines them is applied

	flights chan *flight // entries in log order, to deliver
	landed  chan *flight // answered entries, back to pack
}

// pending is a part that waits for its answer.
type pending struct {
	part   *Part
	answer chan answerOf // buffered
}

type answerOf struct {
	result PartResult
	err    error
}

// flight is one proposed entry.
type flight struct {
	future  raft.ApplyFuture
	parts   []*pending
	defines []frame.StreamKey
	bytes   int
}

func newLead(p *Proposer, term uint64) *lead {
	l := &lead{
		Proposer: p, term: term,
		parts: make(chan *pending), done: make(chan struct{}), packed: make(chan struct{}),
		defined: map[frame.StreamKey]frame.StreamID{},
		flights: make(chan *flight, maxInflight), landed: make(chan *flight, maxInflight),
	}
	p.state.View(func(v View) { l.next = v.Ledger.NextID() })
	go l.pack()
	go l.deliver()
	return l
}

// end stops the lead and waits until it hands nothing more to Raft: the numbers of the next lead start where this one's ended.
func (l *lead) end() {
	l.closing.Do(func() { close(l.done) })
	<-l.packed
}

func (l *lead) propose(ctx context.Context, part *Part) (PartResult, error) {
	p := &pending{part: part, answer: make(chan answerOf, 1)}
	select {
	case l.parts <- p:
	case <-l.done:
		return PartResult{}, ErrNotLeader
	case <-ctx.Done():
		return PartResult{}, fmt.Errorf("%w: %w", ErrOverloaded, ctx.Err())
	}
	select {
	case a := <-p.answer:
		return a.result, a.err
	case <-ctx.Done():
		l.metrics.Unknown.Inc()
		return PartResult{}, fmt.Errorf("%w: %w", ErrUnknown, ctx.Err())
	}
}

// packer is what pack has gathered and has in flight.
type packer struct {
	parts    []*pending
	bytes    int
	inflight int
	flying   int  // bytes in flight
	stored   bool // a write of the log returned since the last entry was sent
}

// room says whether another part may be gathered; due whether the entry should go now.
func (k *packer) room() bool { return k.bytes < maxEntryBytes }

func (k *packer) due(pressure int) bool {
	if pressure >= pressed && k.inflight > 0 {
		return false // the flusher is behind
	}
	if len(k.parts) == 0 || k.inflight >= maxInflight || (k.inflight > 0 && k.flying+k.bytes > maxInflightBytes) {
		return false
	}
	return k.inflight == 0 || k.stored || k.bytes >= sendBytes
}

func (k *packer) add(p *pending) {
	k.parts = append(k.parts, p)
	k.bytes += len(p.part.Batch)
}

// pack gathers parts and sends an entry as soon as nothing is in flight, the last write of the log returned, or enough is there.
// It uses no timer.
func (l *lead) pack() {
	defer close(l.packed)
	defer close(l.flights)
	var k packer
	for {
		l.gather(&k)
		if k.due(l.state.Pressure()) {
			l.send(&k)
			continue
		}
		var parts chan *pending
		if k.room() {
			parts = l.parts
		}
		select {
		case p := <-parts:
			k.add(p)
		case <-l.stored:
			k.stored = true
		case f := <-l.landed:
			k.inflight--
			k.flying -= f.bytes
			l.forget(f.defines)
		case <-l.done:
			for _, p := range k.parts {
				p.answer <- answerOf{err: ErrNotLeader}
			}
			return
		}
	}
}

// gather takes what waits already.
func (l *lead) gather(k *packer) {
	for k.room() {
		select {
		case p := <-l.parts:
			k.add(p)
		default:
			return
		}
	}
}

// send proposes what was gathered as one entry, or its first parts where one is too large to share.
func (l *lead) send(k *packer) {
	n, size := 0, 0
	for n < len(k.parts) && (n == 0 || size+len(k.parts[n].part.Batch) <= maxEntryBytes) {
		size += len(k.parts[n].part.Batch)
		n++
	}
	f := l.encode(k.parts[:n])
	k.parts = append([]*pending(nil), k.parts[n:]...)
	k.bytes -= size
	if f == nil {
		return
	}
	k.inflight++
	k.flying += f.bytes
	k.stored = false
	l.metrics.InflightEntries.Inc()
	l.flights <- f
}

// encode rebases the parts to replicated stream numbers and hands the entry to Raft. A part that cannot be rebased is answered.
func (l *lead) encode(parts []*pending) *flight {
	f := &flight{}
	var body []byte
	l.state.View(func(v View) {
		for _, p := range parts {
			batch, err := frame.Rebase(nil, p.part.Batch, func(d frame.Def) (frame.StreamID, bool) { return l.number(v, f, d.Key) })
			if err != nil {
				p.answer <- answerOf{err: err}
				continue
			}
			f.parts = append(f.parts, p)
			body = appendPart(body, p.part, batch)
		}
	})
	if len(f.parts) == 0 {
		return nil
	}
	entry := beginCommand(make([]byte, 0, commandHeader+binary.MaxVarintLen64+len(body)), KindBatch, commandVersion, l.term)
	entry = binary.AppendUvarint(entry, uint64(len(f.parts)))
	entry = endCommand(append(entry, body...))
	f.bytes = len(entry)
	l.metrics.EntryBytes.Observe(float64(len(entry)))
	l.metrics.EntryParts.Observe(float64(len(f.parts)))
	f.future = l.raft.Load().ApplyLog(raft.Log{Data: entry}, 0)
	return f
}

// number finds the replicated number of a stream, or assigns the next one.
func (l *lead) number(v View, f *flight, key frame.StreamKey) (id frame.StreamID, define bool) {
	if id, ok := v.Ledger.ID(key); ok {
		return id, false
	}
	if id, ok := l.defined[key]; ok {
		return id, false
	}
	id = l.next
	l.next += ledger.IDStep
	l.defined[key] = id
	f.defines = append(f.defines, key)
	return id, true
}

// forget drops definitions whose entry was answered: the ledger knows them, or they were refused and their numbers are free.
func (l *lead) forget(keys []frame.StreamKey) {
	for _, key := range keys {
		delete(l.defined, key)
	}
	if len(keys) > 0 && len(l.defined) == 0 {
		l.state.View(func(v View) { l.next = v.Ledger.NextID() })
	}
}

// deliver answers parts in log order.
func (l *lead) deliver() {
	for f := range l.flights {
		err := f.future.Error()
		results, ok := f.future.Response().([]PartResult)
		switch {
		case err != nil:
			err = proposeError(err)
		case !ok:
			err = fmt.Errorf("%w: batch was answered with %v", ErrUnknown, f.future.Response())
		}
		if errors.Is(err, ErrUnknown) {
			l.metrics.Unknown.Add(float64(len(f.parts)))
		}
		for i, p := range f.parts {
			if err != nil {
				p.answer <- answerOf{err: err}
				continue
			}
			p.answer <- answerOf{results[i], results[i].Err}
		}
		l.metrics.InflightEntries.Dec()
		select {
		case l.landed <- f:
		case <-l.done:
		}
	}
}
