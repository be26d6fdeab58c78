package ledger

import (
	"encoding/binary"

	"github.com/gaplessdb/gapless/ledger/canon"
)

// Verdict settles unverified duplicates: the proposer compared their bytes with what is stored.
type Verdict struct {
	Subject          // Epoch and Bits are not used
	Ordinal   uint32 // server's ordinal of the epoch
	From, To  uint64 // the epoch's own numbers, both included: one duplicate of each that waits is settled
	Identical bool   // else the proposer kept the second ones as evidence of a conflict
}

// VerdictResult is what a verdict did.
type VerdictResult struct {
	Epoch      uint32 `json:"epoch"`
	Settled    uint64 `json:"settled"`
	Unverified uint64 `json:"unverified"` // that still wait in the epoch
}

// Append appends the body of version CommandVersion.
func (c *Verdict) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(c.append(dst), uint64(c.Ordinal))
	dst = binary.AppendUvarint(dst, c.From)
	dst = binary.AppendUvarint(dst, c.To)
	return canon.AppendFlags(dst, c.Identical)
}

// ParseVerdict is the inverse of Append. A malformed body is a *CommandError, another version ErrVersion.
func ParseVerdict(version uint8, body []byte) (c Verdict, err error) {
	d := decoder{canon.Decoder{Src: body}}
	c.parse(&d)
	c.Ordinal = uint32(d.Within("epoch", 1<<32-1))
	c.From, c.To = d.Uvarint(), d.Uvarint()
	c.Identical = d.Flags(1) != 0
	return c, parsed("verdict", version, &d)
}

// Verdict applies one. An error is a *CommandError and nothing changed but the clock. A verdict that comes twice settles nothing the second time.
func (l *Ledger) Verdict(commitMS int64, c *Verdict) (*VerdictResult, error) {
	l.advance(commitMS)
	if c.From > c.To || c.To > MaxSeq {
		return nil, refuse(CodeBadRange, "from is the lower end", "from %d to %d", c.From, c.To)
	}
	s, err := l.subject(&c.Subject, false)
	if err != nil {
		return nil, err
	}
	e := s.epoch(c.Ordinal)
	if e == nil {
		return nil, refuse(CodeUnknownEpoch, "check the ordinal", "stream %q has %d epochs, none is %d", s.key(), len(s.epochs), c.Ordinal)
	}
	r := e.rare
	settled := uint64(0)
	if r != nil {
		settled = r.settle(c.From, c.To)
	}
	if settled == 0 {
		return nil, refuse(CodeNotUnverified, "it may be settled already", "no duplicate of %d to %d of epoch %d waits", c.From, c.To, e.ordinal)
	}
	r.unverified -= settled
	if c.Identical {
		r.identical += settled
	} else {
		r.conflict += settled
		s.suspectRestart(e, c.To, l.window(s.stream))
	}
	return &VerdictResult{Epoch: e.ordinal, Settled: settled, Unverified: r.unverified}, nil
}

// suspectRestart draws a conclusion from a proven conflict far behind the newest number of a counter whose epochs are not declared: if the
// next number comes too, the counter began again.
func (s owned) suspectRestart(e *epoch, n, window uint64) {
	if top, any := e.top(); any && e == s.cur && e.value == "" && top-min(n, top) > window {
		s.suspect, s.proven = n+1, true
	}
}
