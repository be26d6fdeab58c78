package ledger

import (
	"encoding/binary"
	"math/bits"

	"github.com/gaplessdb/gapless/frame"
)

// stream reads one stream and enters it. Counters are taken as they are: should they be wrong, the balance says so after a restart too.
func (in *restore) stream(d *decoder) {
	id := frame.StreamID(d.within("stream id", 1<<32-1))
	key, f := in.name(d)
	if d.err != nil {
		return
	}
	if err := in.l.vacant(id, key); err != nil || uint64(id) < in.l.streams.slots {
		d.fail("stream %d %q after %d ids: %v", id, key, in.l.streams.slots, err)
		return
	}
	in.l.define(id, f, key.Device) // the policy's limit may have been lowered below what was there
	s := in.l.own(id)
	cur, previous, trial := d.uvarint(), d.uvarint(), d.uvarint()
	s.trialAge = uint16(d.within("age of the probation", 1<<16-1))
	s.suspect = d.within("suspect", MaxSeq+1)
	s.proven = d.flags(1) != 0
	count := d.uvarint()
	for i := uint64(0); i < count && d.err == nil; i++ {
		s.epochs = append(s.epochs, d.epoch(uint32(i+1)))
	}
	if cur > count || previous > count || trial > count || cur == 0 != (count == 0) {
		d.fail("epochs %d, %d and %d of %d", cur, previous, trial, count)
	}
	if d.err != nil {
		return
	}
	s.cur, s.previous, s.trial = s.epoch(uint32(cur)), uint32(previous), uint32(trial)
	if t := s.epoch(s.trial); t != nil && t.rare == nil {
		d.fail("epoch %d is in probation without a cause", s.trial)
	}
}

// name reads a stream's name and finds its family, which nearly always is that of the stream before.
func (in *restore) name(d *decoder) (frame.StreamKey, *family) {
	tenant, device, name := d.raw(frame.MaxNameBytes), d.text(frame.MaxNameBytes), d.raw(frame.MaxNameBytes)
	if f := in.family; f == nil || string(tenant) != f.tenant || string(name) != f.stream {
		in.family = in.l.names.family(string(tenant), string(name))
	}
	return frame.StreamKey{Tenant: in.family.tenant, Device: device, Stream: in.family.stream}, in.family
}

func (d *decoder) epoch(ordinal uint32) *epoch {
	e := &epoch{ordinal: ordinal, source: Source(d.within("source", uint64(SourceDeclared))), maxTime: noTime}
	is, has := d.flags(6), d.flags(4)
	e.begun, e.probation, e.ambiguous, e.unseq, e.zero = is&1 != 0, is&2 != 0, is&4 != 0, is&8 != 0, is&16 != 0
	e.value = d.text(frame.MaxEpochBytes)
	e.base = d.within("base", MaxSeq+1)
	e.next = e.base + d.within("expected", MaxSeq+1-e.base)
	e.stored = d.uvarint()
	if is&32 != 0 {
		e.maxTime = d.varint()
	}
	d.runs(&e.cov)
	if has&1 != 0 {
		d.ring(e)
	}
	if has&2 != 0 {
		e.said = d.said()
	}
	if has&4 != 0 {
		e.pace = d.pace()
	}
	if has&8 != 0 {
		e.rare = d.rare()
	}
	if d.err != nil {
		return e
	}
	if err := e.checkRuns(); err != nil {
		d.fail("epoch %d: %v", ordinal, err)
	} else if err := e.checkGaps(); err != nil {
		d.fail("epoch %d: %v", ordinal, err)
	} else if e.less().after >= ordinal || e.less().linked && e.less().after == 0 || e.source == 0 || is&32 != 0 && e.maxTime == noTime {
		d.fail("epoch %d is from %d, split from %d", ordinal, e.source, e.less().after)
	}
	return e
}

func (d *decoder) runs(r *Runs) {
	count := d.uvarint()
	if count > 1 {
		r.ended().reserve(min(count-1, uint64(len(d.b)-d.at)/2)) // a run has two bytes at least
	}
	at := uint64(0)
	for i := uint64(0); i < count && d.err == nil; i++ {
		s := d.span(at)
		if i > 0 && s.first == at {
			d.fail("run %d touches the one before at %d", i, at)
		}
		if d.err == nil {
			r.push(s)
		}
		at = s.end
	}
}

func (d *decoder) ring(e *epoch) {
	e.ring = new([ringSize]uint32)
	if len(d.b)-d.at < 8 {
		d.fail("fingerprints end too early")
	}
	if d.err != nil {
		return
	}
	e.ringSet = binary.LittleEndian.Uint64(d.b[d.at:])
	d.at += 8
	if len(d.b)-d.at < 4*bits.OnesCount64(e.ringSet) {
		d.fail("%d fingerprints in %d bytes", bits.OnesCount64(e.ringSet), len(d.b)-d.at)
		return
	}
	for left := e.ringSet; left != 0; left &= left - 1 {
		e.ring[bits.TrailingZeros64(left)] = binary.LittleEndian.Uint32(d.b[d.at:])
		d.at += 4
	}
}

func (d *decoder) said() *said {
	f := d.flags(5)
	s := &said{hasFirst: f&1 != 0, hasMark: f&2 != 0, sealed: f&4 != 0, hasCount: f&8 != 0, succeeded: f&16 != 0}
	for _, n := range []*uint64{&s.first, &s.mark, &s.sealLast, &s.sealCount, &s.successor} {
		*n = d.within("declared number", MaxSeq+1)
	}
	s.markMS, s.sealMS, s.successorMS = d.varint(), d.varint(), d.varint()
	return s
}

func (d *decoder) pace() *pace {
	p := &pace{bits: d.byte(), full: d.byte(), early: d.byte(), known: d.flags(1) != 0}
	p.number, p.offset = d.within("number", MaxSeq), d.within("offset", MaxSeq)
	p.startN, p.shortest = d.within("start of the block", p.number), d.uvarint()
	for i := range p.blocks {
		p.blocks[i] = d.uvarint()
	}
	p.timeNS, p.recvMS, p.startNS = d.varint(), d.varint(), d.varint()
	if p.bits != 8 && p.bits != 16 && p.bits != 32 || p.full > paceBlocks || p.early > earlyBlocks {
		d.fail("counter of %d bits with %d blocks and %d early ones", p.bits, p.full, p.early)
		return p
	}
	p.refresh()
	return p
}

func (d *decoder) rare() *rare {
	r := &rare{}
	at := uint64(0)
	for i, count := uint64(0), d.uvarint(); i < count && d.err == nil; i++ {
		g := openGap{span: d.span(at), nacks: uint32(d.within("requests", 1<<32-1)), sinceMS: d.varint()}
		r.open.push(g)
		at = g.end
	}
	at = 0
	for i, count := uint64(0), d.uvarint(); i < count && d.err == nil; i++ {
		f := fact{span: d.span(at), cause: frame.Cause(d.within("cause", 255)), reason: d.text(MaxReasonBytes)}
		r.facts.push(f)
		at = f.end
	}
	for i, count := uint64(0), d.within("unsettled", maxUnsettled); i < count && d.err == nil; i++ {
		u := unsettled{d.within("unsettled number", MaxSeq), uint32(d.within("duplicates", 1<<32-1))}
		if last, any := r.unsettled.last(); u.times == 0 || any && last.n >= u.n {
			d.fail("unsettled number %d out of order", u.n)
		}
		r.unsettled.push(u)
	}
	for _, c := range r.counters() {
		*c = d.uvarint()
	}
	r.after = uint32(d.within("epoch", 1<<32-1))
	r.linked = d.flags(1) != 0
	return r
}
