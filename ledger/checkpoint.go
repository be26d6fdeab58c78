package ledger

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"math/bits"

	"github.com/gaplessdb/gapless/ledger/canon"
)

// Checkpoint format, version 1. Integers are uvarints or zigzag varints unless a size is given.
//
//	file    = magic (8 bytes), version u8, records, CRC32C u32 little endian of all bytes before
//	record  = length u32 little endian, kind u8, content (length bytes)
//	kind 1  = state: policy, commit time, id slots, streams, deadlines; the first record, once
//	kind 2  = streams, ascending by id; a stream is in one record
//	kind 3  = deadlines, oldest first
//	kind 0  = end: the last record, empty
//
// Nothing in it depends on memory layout, map order or time of writing: equal ledgers have equal bytes.
const (
	checkpointMagic   = "gplsldgr"
	checkpointVersion = 1

	recordEnd      = 0
	recordState    = 1
	recordStreams  = 2
	recordDeadline = 3

	recordBytes    = 64 << 10 // a record is closed once it is larger
	maxRecordBytes = limitBytes
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checkpoint writes the whole ledger. It only reads it.
func (l *Ledger) Checkpoint(w io.Writer) error {
	c := &checkpoint{w: w}
	c.write(append([]byte(checkpointMagic), checkpointVersion))
	c.record(recordState, l.appendState(nil))
	records(c, recordStreams, l.streams.all(), (*stream).append)
	records(c, recordDeadline, l.queue.all(), deadline.append)
	c.record(recordEnd, nil)
	c.write(binary.LittleEndian.AppendUint32(nil, c.crc))
	return c.err
}

// checkpoint writes with a running checksum and keeps the first error.
type checkpoint struct {
	w   io.Writer
	crc uint32
	err error
}

func (c *checkpoint) write(b []byte) {
	if c.err != nil {
		return
	}
	c.crc = crc32.Update(c.crc, castagnoli, b)
	if _, err := c.w.Write(b); err != nil {
		c.err = fmt.Errorf("ledger: writing the checkpoint: %w", err)
	}
}

// records writes items one behind the other, in as many records as they need.
func records[T any](c *checkpoint, kind byte, items iter.Seq[T], add func(T, []byte) []byte) {
	buf := make([]byte, 0, recordBytes*2)
	for it := range items {
		if buf = add(it, buf); len(buf) >= recordBytes {
			c.record(kind, buf)
			buf = buf[:0]
		}
		if c.err != nil {
			return
		}
	}
	c.record(kind, buf)
}

// record writes one record. Only the end is empty.
func (c *checkpoint) record(kind byte, content []byte) {
	if len(content) == 0 && kind != recordEnd {
		return
	}
	if len(content) > maxRecordBytes && c.err == nil {
		c.err = fmt.Errorf("ledger: checkpoint record of %d bytes, the limit is %d", len(content), maxRecordBytes)
	}
	c.write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(content))), kind))
	c.write(content)
}

func (l *Ledger) appendState(dst []byte) []byte {
	p := l.policy
	dst = binary.AppendVarint(dst, p.GraceMS)
	dst = binary.AppendVarint(dst, p.SkewLimitMS)
	dst = appendUvarints(dst, p.MisorderWindow, p.RestartBelow, p.RestartDrop, p.MaxJump, p.RateTolerancePPM,
		uint64(p.FinalisePerTick), uint64(p.MaxStreams), uint64(p.MaxEpochs), uint64(p.MaxRuns))
	dst = canon.AppendFlags(dst, p.ProtocolZero)
	dst = binary.AppendVarint(dst, l.nowMS)
	return appendUvarints(dst, l.streams.slots, uint64(l.Len()), uint64(l.queue.len()))
}

func (d deadline) append(dst []byte) []byte {
	dst = appendUvarints(dst, uint64(d.stream), uint64(d.epoch), d.first, d.count())
	return binary.AppendVarint(dst, d.sinceMS)
}

func (s *stream) append(dst []byte) []byte {
	key := s.key()
	dst = binary.AppendUvarint(dst, uint64(s.id))
	dst = canon.AppendText(dst, key.Tenant)
	dst = canon.AppendText(dst, key.Device)
	dst = canon.AppendText(dst, key.Stream)
	cur := uint64(0)
	if s.cur != nil {
		cur = uint64(s.cur.ordinal)
	}
	dst = appendUvarints(dst, cur, uint64(s.previous), uint64(s.trial), uint64(s.trialAge), s.suspect)
	dst = canon.AppendFlags(dst, s.proven)
	dst = binary.AppendUvarint(dst, uint64(len(s.epochs)))
	for _, e := range s.epochs {
		dst = e.append(dst)
	}
	return dst
}

func (e *epoch) append(dst []byte) []byte {
	dst = append(dst, byte(e.source))
	dst = canon.AppendFlags(dst, e.begun, e.probation, e.ambiguous, e.unseq, e.zero, e.maxTime != noTime)
	dst = canon.AppendFlags(dst, e.ring != nil, e.said != nil, e.pace != nil, e.rare != nil)
	dst = canon.AppendText(dst, e.value)
	dst = appendUvarints(dst, e.base, e.expected(), e.stored)
	if e.maxTime != noTime {
		dst = binary.AppendVarint(dst, e.maxTime)
	}
	dst = e.cov.append(dst)
	if e.ring != nil {
		dst = binary.LittleEndian.AppendUint64(dst, e.ringSet)
		for left := e.ringSet; left != 0; left &= left - 1 {
			dst = binary.LittleEndian.AppendUint32(dst, e.ring[bits.TrailingZeros64(left)])
		}
	}
	if e.said != nil {
		dst = e.said.append(dst)
	}
	if e.pace != nil {
		dst = e.pace.append(dst)
	}
	if e.rare != nil {
		dst = e.rare.append(dst)
	}
	return dst
}

// append writes the number of runs, and of each the distance from the end of the one before, and its length.
func (r *Runs) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(r.Len()))
	at := uint64(0)
	for s := range r.from(0) {
		dst = appendUvarints(dst, s.first-at, s.count())
		at = s.end
	}
	return dst
}

func (d *said) append(dst []byte) []byte {
	dst = canon.AppendFlags(dst, d.hasFirst, d.hasMark, d.sealed, d.hasCount, d.succeeded)
	dst = appendUvarints(dst, d.first, d.mark, d.sealLast, d.sealCount, d.successor)
	dst = binary.AppendVarint(dst, d.markMS)
	dst = binary.AppendVarint(dst, d.sealMS)
	return binary.AppendVarint(dst, d.successorMS)
}

func (p *pace) append(dst []byte) []byte {
	dst = append(dst, p.bits, p.full, p.early)
	dst = canon.AppendFlags(dst, p.known)
	dst = appendUvarints(dst, p.number, p.offset, p.startN, p.shortest)
	dst = appendUvarints(dst, p.blocks[:]...)
	dst = binary.AppendVarint(dst, p.timeNS)
	dst = binary.AppendVarint(dst, p.recvMS)
	return binary.AppendVarint(dst, p.startNS)
}

func (r *rare) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(r.open.count))
	at := uint64(0)
	for g := range r.open.all() {
		dst = appendUvarints(dst, g.first-at, g.count(), uint64(g.nacks))
		dst = binary.AppendVarint(dst, g.sinceMS)
		at = g.end
	}
	dst, at = binary.AppendUvarint(dst, uint64(r.facts.count)), 0
	for f := range r.facts.all() {
		dst = appendUvarints(dst, f.first-at, f.count(), uint64(f.cause))
		dst = canon.AppendText(dst, f.reason)
		at = f.end
	}
	dst = binary.AppendUvarint(dst, uint64(r.unsettled.count))
	for u := range r.unsettled.all() {
		dst = appendUvarints(dst, u.n, uint64(u.times))
	}
	for _, c := range r.counters() {
		dst = binary.AppendUvarint(dst, *c)
	}
	dst = binary.AppendUvarint(dst, uint64(r.after))
	return canon.AppendFlags(dst, r.linked)
}

// counters is every counter in the order of the format.
func (r *rare) counters() []*uint64 {
	return []*uint64{
		&r.nOpen, &r.nLost, &r.nDeclared, &r.nShed, &r.nRejected, &r.nExpired,
		&r.identical, &r.conflict, &r.unverified, &r.suspected, &r.lateClosed, &r.reordered,
		&r.skewed, &r.contradictions, &r.ambiguities, &r.linkDelta, &r.wraps[0], &r.wraps[1],
	}
}

func appendUvarints(dst []byte, numbers ...uint64) []byte {
	for _, n := range numbers {
		dst = binary.AppendUvarint(dst, n)
	}
	return dst
}
