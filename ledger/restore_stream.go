package ledger

import (
	"encoding/binary"
	"math/bits"

	"github.com/gaplessdb/gapless/frame"
)

// stream reads one stream and enters it. Counters are taken as they are: should they be wrong, the balance says so after a restart too.
func (in *restore) stream(d *decoder) {
	id := frame.StreamID(d.Within("stream id", 1<<32-1))
	key, f := in.name(d)
	if d.Err != nil {
		return
	}
	if err := in.l.vacant(id, key); err != nil || uint64(id) < in.l.streams.slots {
		d.Fail("stream %d %q after %d ids: %v", id, key, in.l.streams.slots, err)
		return
	}
	in.l.define(id, f, key.Device) // the policy's limit may have been lowered below what was there
	s := in.l.own(id)
	cur, previous, trial := d.Uvarint(), d.Uvarint(), d.Uvarint()
	s.trialAge = uint16(d.Within("age of the probation", 1<<16-1))
	s.suspect = d.Within("suspect", MaxSeq+1)
	s.proven = d.Flags(1) != 0
	count := d.Uvarint()
	for i := uint64(0); i < count && d.Err == nil; i++ {
		s.epochs = append(s.epochs, d.epoch(uint32(i+1)))
	}
	if cur > count || previous > count || trial > count || cur == 0 != (count == 0) {
		d.Fail("epochs %d, %d and %d of %d", cur, previous, trial, count)
	}
	if d.Err != nil {
		return
	}
	s.cur, s.previous, s.trial = s.epoch(uint32(cur)), uint32(previous), uint32(trial)
	if t := s.epoch(s.trial); t != nil && t.rare == nil {
		d.Fail("epoch %d is in probation without a cause", s.trial)
	}
}

// name reads a stream's name and finds its family, which nearly always is that of the stream before.
func (in *restore) name(d *decoder) (frame.StreamKey, *family) {
	tenant, device, name := d.Raw(frame.MaxNameBytes), d.Text(frame.MaxNameBytes), d.Raw(frame.MaxNameBytes)
	if f := in.family; f == nil || string(tenant) != f.tenant || string(name) != f.stream {
		in.family = in.l.names.family(string(tenant), string(name))
	}
	return frame.StreamKey{Tenant: in.family.tenant, Device: device, Stream: in.family.stream}, in.family
}

func (d *decoder) epoch(ordinal uint32) *epoch {
	e := &epoch{ordinal: ordinal, source: Source(d.Within("source", uint64(SourceDeclared))), maxTime: noTime}
	is, has := d.Flags(6), d.Flags(4)
	e.begun, e.probation, e.ambiguous, e.unseq, e.zero = is&1 != 0, is&2 != 0, is&4 != 0, is&8 != 0, is&16 != 0
	e.value = d.Text(frame.MaxEpochBytes)
	e.base = d.Within("base", MaxSeq+1)
	e.next = e.base + d.Within("expected", MaxSeq+1-e.base)
	e.stored = d.Uvarint()
	if is&32 != 0 {
		e.maxTime = d.Varint()
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
	if d.Err != nil {
		return e
	}
	if err := e.checkRuns(); err != nil {
		d.Fail("epoch %d: %v", ordinal, err)
	} else if err := e.checkGaps(); err != nil {
		d.Fail("epoch %d: %v", ordinal, err)
	} else if e.less().after >= ordinal || e.less().linked && e.less().after == 0 || e.source == 0 || is&32 != 0 && e.maxTime == noTime {
		d.Fail("epoch %d is from %d, split from %d", ordinal, e.source, e.less().after)
	}
	return e
}

func (d *decoder) runs(r *Runs) {
	count := d.Uvarint()
	if count > 1 {
		r.ended().reserve(min(count-1, uint64(len(d.Src)-d.At)/2)) // a run has two bytes at least
	}
	at := uint64(0)
	for i := uint64(0); i < count && d.Err == nil; i++ {
		s := d.span(at)
		if i > 0 && s.first == at {
			d.Fail("run %d touches the one before at %d", i, at)
		}
		if d.Err == nil {
			r.push(s)
		}
		at = s.end
	}
}

func (d *decoder) ring(e *epoch) {
	e.ring = new([ringSize]uint32)
	if len(d.Src)-d.At < 8 {
		d.Fail("fingerprints end too early")
	}
	if d.Err != nil {
		return
	}
	e.ringSet = binary.LittleEndian.Uint64(d.Src[d.At:])
	d.At += 8
	if len(d.Src)-d.At < 4*bits.OnesCount64(e.ringSet) {
		d.Fail("%d fingerprints in %d bytes", bits.OnesCount64(e.ringSet), len(d.Src)-d.At)
		return
	}
	for left := e.ringSet; left != 0; left &= left - 1 {
		e.ring[bits.TrailingZeros64(left)] = binary.LittleEndian.Uint32(d.Src[d.At:])
		d.At += 4
	}
}

func (d *decoder) said() *said {
	f := d.Flags(5)
	s := &said{hasFirst: f&1 != 0, hasMark: f&2 != 0, sealed: f&4 != 0, hasCount: f&8 != 0, succeeded: f&16 != 0}
	for _, n := range []*uint64{&s.first, &s.mark, &s.sealLast, &s.sealCount, &s.successor} {
		*n = d.Within("declared number", MaxSeq+1)
	}
	s.markMS, s.sealMS, s.successorMS = d.Varint(), d.Varint(), d.Varint()
	return s
}

func (d *decoder) pace() *pace {
	p := &pace{bits: d.Byte(), full: d.Byte(), early: d.Byte(), known: d.Flags(1) != 0}
	p.number, p.offset = d.Within("number", MaxSeq), d.Within("offset", MaxSeq)
	p.startN, p.shortest = d.Within("start of the block", p.number), d.Uvarint()
	for i := range p.blocks {
		p.blocks[i] = d.Uvarint()
	}
	p.timeNS, p.recvMS, p.startNS = d.Varint(), d.Varint(), d.Varint()
	if p.bits != 8 && p.bits != 16 && p.bits != 32 || p.full > paceBlocks || p.early > earlyBlocks {
		d.Fail("counter of %d bits with %d blocks and %d early ones", p.bits, p.full, p.early)
		return p
	}
	p.refresh()
	return p
}

func (d *decoder) rare() *rare {
	r := &rare{}
	at := uint64(0)
	for i, count := uint64(0), d.Uvarint(); i < count && d.Err == nil; i++ {
		g := openGap{span: d.span(at), nacks: uint32(d.Within("requests", 1<<32-1)), sinceMS: d.Varint()}
		r.open.push(g)
		at = g.end
	}
	at = 0
	for i, count := uint64(0), d.Uvarint(); i < count && d.Err == nil; i++ {
		f := fact{span: d.span(at), cause: frame.Cause(d.Within("cause", 255)), reason: d.Text(MaxReasonBytes)}
		r.facts.push(f)
		at = f.end
	}
	for i, count := uint64(0), d.Within("unsettled", maxUnsettled); i < count && d.Err == nil; i++ {
		u := unsettled{d.Within("unsettled number", MaxSeq), uint32(d.Within("duplicates", 1<<32-1))}
		if last, any := r.unsettled.last(); u.times == 0 || any && last.n >= u.n {
			d.Fail("unsettled number %d out of order", u.n)
		}
		r.unsettled.push(u)
	}
	for _, c := range r.counters() {
		*c = d.Uvarint()
	}
	r.after = uint32(d.Within("epoch", 1<<32-1))
	r.linked = d.Flags(1) != 0
	return r
}
