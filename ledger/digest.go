package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/gaplessdb/gapless/frame"
)

// Digest is the SHA-256 of a set, a stream or a ledger. It is computed over canonical ranges, never over bytes of some representation,
// so two ledgers that know the same have the same digest however they keep it.
type Digest [sha256.Size]byte

// Domains keep digests of different things apart.
const (
	runsDomain   = "gapless/runs/v1"
	streamDomain = "gapless/stream/v1"
	rootDomain   = "gapless/ledger/v1"
)

// Digest is SHA-256("gapless/runs/v1", u64 runs, runs x { u64 first, u64 last }), little endian.
func (r *Runs) Digest() Digest {
	h := newHasher(runsDomain)
	h.runs(r)
	return h.sum()
}

// hasher feeds fixed-width little-endian integers and length-prefixed text to SHA-256.
type hasher struct {
	h   hash.Hash
	buf []byte
}

func newHasher(domain string) *hasher {
	h := &hasher{h: sha256.New(), buf: make([]byte, 0, 4096)}
	h.text(domain)
	return h
}

// room makes sure that n bytes fit, n <= cap(buf).
func (h *hasher) room(n int) {
	if len(h.buf)+n > cap(h.buf) {
		h.h.Write(h.buf) // a hash never fails
		h.buf = h.buf[:0]
	}
}

func (h *hasher) u64(n uint64) {
	h.room(8)
	h.buf = binary.LittleEndian.AppendUint64(h.buf, n)
}

// text takes names and epoch values, which are short.
func (h *hasher) text(s string) {
	h.u64(uint64(len(s)))
	h.room(len(s))
	h.buf = append(h.buf, s...)
}

func (h *hasher) digest(d Digest) {
	h.room(len(d))
	h.buf = append(h.buf, d[:]...)
}

func (h *hasher) runs(r *Runs) {
	h.u64(uint64(r.Len()))
	for s := range r.from(0) {
		h.u64(s.first)
		h.u64(s.end - 1)
	}
}

// sum is the digest so far.
func (h *hasher) sum() (d Digest) {
	h.h.Write(h.buf)
	h.buf = h.buf[:0]
	h.h.Sum(d[:0])
	return d
}

// restart forgets everything and begins another digest.
func (h *hasher) restart(domain string) {
	h.h.Reset()
	h.buf = h.buf[:0]
	h.text(domain)
}

// Digest covers what is known of a stream's numbers: its name, and of every epoch the ordinal, the device's value, the bounds with their bases, the
// coverage, the gaps still open and the causes. Times, counters of duplicates and everything that serves inference are not in it.
// It is false for an unknown stream.
func (l *Ledger) Digest(id frame.StreamID) (Digest, bool) {
	s := l.stream(id)
	if s == nil {
		return Digest{}, false
	}
	return s.digest(newHasher(streamDomain)), true
}

func (s *stream) digest(h *hasher) Digest {
	key := s.key()
	h.text(key.Tenant)
	h.text(key.Device)
	h.text(key.Stream)
	h.u64(uint64(len(s.epochs)))
	for _, e := range s.epochs {
		e.feed(h)
	}
	return h.sum()
}

func (e *epoch) feed(h *hasher) {
	h.u64(uint64(e.ordinal))
	h.text(e.value)
	h.u64(uint64(e.source))
	h.u64(e.base)
	h.u64(e.next)
	h.text(e.headBasis())
	h.text(e.tailBasis())
	h.runs(&e.cov)
	h.gaps(e)
}

// gaps feeds what is open and what has an exact cause, adjacent ranges of one cause as one.
func (h *hasher) gaps(e *epoch) {
	var last span
	var of frame.Cause
	feed := func(s span, cause frame.Cause) {
		if s.first == last.end && cause == of && !last.empty() {
			last.end = s.end
			return
		}
		if !last.empty() {
			h.u64(last.first)
			h.u64(last.end)
			h.u64(uint64(of))
		}
		last, of = s, cause
	}
	r := e.less()
	for g := range r.open.all() {
		feed(g.span, 0)
	}
	for f := range r.facts.all() {
		feed(f.span, f.cause)
	}
	feed(span{}, frame.CauseNeverArrived) // out with the last one
	h.u64(0)
}

// Root is one digest over all streams, sorted by (tenant, device, stream): replicas that applied the same commands have the same.
// It reads every run of every stream.
func (l *Ledger) Root() Digest {
	h := newHasher(rootDomain)
	h.u64(uint64(l.Len()))
	each := newHasher("")
	for id := range l.names.order.all() {
		each.restart(streamDomain)
		h.digest(l.stream(id).digest(each))
	}
	return h.sum()
}
