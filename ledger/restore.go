package ledger

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger/canon"
)

// Restore replaces the ledger, policy included, by what Checkpoint wrote. It reads not a byte more. Damage is ErrCorrupt, another
// version ErrVersion; then, and when the reader fails, the ledger is as before.
func (l *Ledger) Restore(r io.Reader) error {
	in := &restore{r: r, rules: l.rules}
	if err := in.header(); err != nil {
		return err
	}
	for in.err == nil {
		kind, content := in.record()
		if kind == recordEnd {
			break
		}
		in.take(kind, content)
	}
	in.finish()
	if in.err != nil {
		return in.err
	}
	*l = *in.l
	return nil
}

// restore reads with a running checksum and keeps the first error.
type restore struct {
	r   io.Reader
	crc uint32
	at  int64 // bytes read
	err error

	buf       bytes.Buffer
	rules     rules   // stay
	l         *Ledger // nil before the state record
	family    *family // of the newest stream
	slots     uint64
	streams   uint64
	deadlines uint64
}

func (in *restore) corrupt(format string, args ...any) {
	if in.err == nil {
		in.err = fmt.Errorf("%w: at byte %d: %s", ErrCorrupt, in.at, fmt.Sprintf(format, args...))
	}
}

// read returns n bytes, or fewer and an error; they are valid until the next call. Memory grows with what is really there, not with what a length claims.
func (in *restore) read(n int64) []byte {
	if in.err != nil {
		return nil
	}
	in.buf.Reset()
	got, err := io.CopyN(&in.buf, in.r, n)
	in.at += got
	switch {
	case err == io.EOF:
		in.corrupt("ends %d bytes too early", n-got)
	case err != nil:
		in.err = fmt.Errorf("ledger: reading the checkpoint: %w", err)
	}
	in.crc = crc32.Update(in.crc, castagnoli, in.buf.Bytes())
	return in.buf.Bytes()
}

func (in *restore) header() error {
	head := in.read(int64(len(checkpointMagic) + 1))
	if in.err != nil {
		return in.err
	}
	if magic := string(head[:len(checkpointMagic)]); magic != checkpointMagic {
		in.corrupt("magic %q, want %q", magic, checkpointMagic)
		return in.err
	}
	if version := head[len(checkpointMagic)]; version != checkpointVersion {
		return fmt.Errorf("ledger: checkpoint version %d, this program reads %d: %w", version, checkpointVersion, ErrVersion)
	}
	return nil
}

func (in *restore) record() (kind byte, content []byte) {
	head := in.read(5)
	if in.err != nil {
		return recordEnd, nil
	}
	length := int64(binary.LittleEndian.Uint32(head))
	if kind = head[4]; length > maxRecordBytes || kind == recordEnd && length > 0 {
		in.corrupt("record of kind %d has %d bytes", kind, length)
		return recordEnd, nil
	}
	return kind, in.read(length)
}

// take enters one record.
func (in *restore) take(kind byte, content []byte) {
	if in.err != nil {
		return
	}
	if (kind == recordState) != (in.l == nil) {
		in.corrupt("record of kind %d is out of order", kind)
		return
	}
	d := &decoder{canon.Decoder{Src: content}}
	switch kind {
	case recordState:
		in.state(d)
	case recordStreams:
		for d.Err == nil && d.At < len(d.Src) {
			in.stream(d)
		}
	case recordDeadline:
		for d.Err == nil && d.At < len(d.Src) {
			in.deadline(d)
		}
	default:
		in.corrupt("record of unknown kind %d", kind)
	}
	if err := d.End(); err != nil {
		in.corrupt("record of kind %d: %v", kind, err)
	}
}

// finish compares what came with what the state record announced, and the checksum.
func (in *restore) finish() {
	want := in.crc
	sum := in.read(4)
	switch {
	case in.err != nil:
	case in.l == nil:
		in.corrupt("no state record")
	case binary.LittleEndian.Uint32(sum) != want:
		in.corrupt("checksum %08x, the bytes have %08x", binary.LittleEndian.Uint32(sum), want)
	case uint64(in.l.Len()) != in.streams || uint64(in.l.queue.len()) != in.deadlines || in.l.streams.slots > in.slots:
		in.corrupt("%d streams, %d deadlines and %d ids, announced are %d, %d and %d",
			in.l.Len(), in.l.queue.len(), in.l.streams.slots, in.streams, in.deadlines, in.slots)
	}
	if in.err == nil && in.l.streams.slots < in.slots {
		in.corrupt("the last of %d ids has no stream", in.slots)
	}
}

func (in *restore) state(d *decoder) {
	p := Policy{GraceMS: d.Varint(), SkewLimitMS: d.Varint()}
	p.MisorderWindow, p.RestartBelow, p.RestartDrop = d.Uvarint(), d.Uvarint(), d.Uvarint()
	p.MaxJump, p.RateTolerancePPM = d.Uvarint(), d.Uvarint()
	p.FinalisePerTick, p.MaxStreams = int(d.Within("finalise_per_tick", maxPolicyCount)), int(d.Within("max_streams", maxPolicyCount))
	p.MaxEpochs, p.MaxRuns = int(d.Within("max_epochs", maxPolicyCount)), int(d.Within("max_runs", maxPolicyCount))
	p.ProtocolZero = d.Flags(1) != 0
	if err := p.Validate(); err != nil || p != p.WithDefaults() {
		d.Fail("policy %+v: %v", p, err)
	}
	now := d.Varint()
	in.slots, in.streams, in.deadlines = d.Uvarint(), d.Uvarint(), d.Uvarint()
	in.l = New(p)
	in.l.nowMS, in.l.rules = now, in.rules
}

func (in *restore) deadline(d *decoder) {
	dl := deadline{stream: frame.StreamID(d.Within("stream id", 1<<32-1)), epoch: uint32(d.Within("epoch", 1<<32-1))}
	dl.span = d.span(0)
	dl.sinceMS = d.Varint()
	s := in.l.stream(dl.stream)
	if d.Err != nil {
		return
	}
	if s == nil || s.epoch(dl.epoch) == nil || s.epoch(dl.epoch).rare == nil {
		d.Fail("deadline of epoch %d of stream %d, which has no gaps", dl.epoch, dl.stream)
		return
	}
	in.l.queue.push(dl)
}

// span is a distance from at and a length, at most up to MaxSeq.
func (d *decoder) span(at uint64) span {
	s := span{first: at + d.Within("distance", MaxSeq+1-at)}
	s.end = s.first + d.Within("length", MaxSeq+1-s.first)
	if s.empty() {
		d.Fail("empty range at %d", s.first)
	}
	return s
}
