package ledger

import (
	"encoding/binary"

	"github.com/gaplessdb/gapless/ledger/canon"
)

// Seal is a device's word that an epoch ended: Last is the last number it will ever have.
type Seal struct {
	Subject
	Last     uint64
	HasCount bool
	Count    uint64 // how many frames the device numbered in the epoch
}

// SealResult is what a seal did. A count that differs from the numbers between the epoch's ends is reported and never resolved: either the head is
// not known, or the device does not count up by one.
type SealResult struct {
	Epoch         uint32 `json:"epoch"`
	Last          uint64 `json:"last_seq"`
	Expected      uint64 `json:"expected"`
	Stored        uint64 `json:"stored"`
	Missing       uint64 `json:"missing"`
	CountMismatch int64  `json:"count_mismatch,omitempty"` // the device's count less expected
	Again         bool   `json:"again,omitempty"`          // the same seal was known
}

// Append appends the body of version CommandVersion.
func (c *Seal) Append(dst []byte) []byte {
	dst = canon.AppendFlags(c.append(dst), c.HasCount)
	dst = binary.AppendUvarint(dst, c.Last)
	if c.HasCount {
		dst = binary.AppendUvarint(dst, c.Count)
	}
	return dst
}

// ParseSeal is the inverse of Append. A malformed body is a *CommandError, another version ErrVersion.
func ParseSeal(version uint8, body []byte) (c Seal, err error) {
	d := decoder{canon.Decoder{Src: body}}
	c.parse(&d)
	c.HasCount = d.Flags(1) != 0
	c.Last = d.Uvarint()
	if c.HasCount {
		c.Count = d.Uvarint()
	}
	return c, parsed("seal", version, &d)
}

// Seal applies one. An error is a *CommandError and nothing changed but the clock.
func (l *Ledger) Seal(commitMS int64, c *Seal) (*SealResult, error) {
	l.advance(commitMS)
	if err := c.check(c.Last); err != nil {
		return nil, err
	}
	if c.Count > MaxSeq+1 {
		return nil, refuse(CodeSeqOutOfRange, "numbers end at 2^63-1", "count is %d", c.Count)
	}
	s, err := l.subject(&c.Subject, true)
	if err != nil {
		return nil, err
	}
	e, err := s.named(c.Epoch)
	if err != nil {
		return nil, err
	}
	last := c.Last
	if e != nil {
		if last, err = l.sealAt(s, e, c, reading{timeless: true, recvMS: commitMS}); err != nil {
			return nil, err
		}
	} else if e, err = l.declareEpoch(s, c.Epoch, sourceOf(c.Epoch), s.ruledFirst(last+1), last+1); err != nil {
		return nil, err
	}
	if c.wide() {
		l.learn(s, e, last, c.Last)
		l.link(s, e)
	}
	return l.seal(s, e, c, last), nil
}

// sealAt is the seal's last number in the numbers of e, if it contradicts nothing.
func (l *Ledger) sealAt(s owned, e *epoch, c *Seal, r reading) (uint64, error) {
	last, err := l.number(s, e, c.Bits, c.Last, r)
	if err == nil {
		err = l.plausible(e, last+1)
	}
	switch {
	case err != nil:
		return 0, err
	case e.said != nil && e.said.sealed && e.said.sealLast != last:
		return 0, refuse(CodeContradiction, "an epoch ends once", "epoch %d is sealed at %d, not %d", e.ordinal, e.said.sealLast, last)
	case e.begun && last+1 < e.next && (e.said == nil || !e.said.sealed):
		return 0, refuse(CodeContradiction, "seal the epoch with its last number", "epoch %d goes to %d, the seal says %d", e.ordinal, e.next-1, last)
	}
	return last, nil
}

func (l *Ledger) seal(s owned, e *epoch, c *Seal, last uint64) *SealResult {
	d := e.word()
	res := &SealResult{Epoch: e.ordinal, Last: last, Again: d.sealed}
	if !d.sealed {
		d.sealed, d.sealLast, d.sealMS = true, last, l.nowMS
	}
	if c.HasCount && !d.hasCount {
		d.hasCount, d.sealCount = true, c.Count
	}
	e.begin(last + 1)
	l.raise(s, e, last+1)
	res.Expected, res.Stored = e.expected(), e.stored
	res.Missing = res.Expected - res.Stored
	res.CountMismatch = e.countMismatch()
	return res
}
