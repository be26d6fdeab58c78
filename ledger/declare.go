package ledger

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger/canon"
)

// MaxReasonBytes bounds the device's words about a loss.
const MaxReasonBytes = 256

// DeclareLost is a device's word that it will never send some numbers that it used.
type DeclareLost struct {
	Subject
	From, To uint64 // both included
	Reason   string // at most MaxReasonBytes of UTF-8
}

// DeclareLostResult is what a declaration did. Numbers that are stored stay stored, and the first cause of a number stands:
// declared + stored + already = to - from + 1.
type DeclareLostResult struct {
	Epoch    uint32 `json:"epoch"`
	From     uint64 `json:"from"`
	To       uint64 `json:"to"`
	Declared uint64 `json:"declared"` // got the cause now
	Stored   uint64 `json:"stored"`   // are there: the device was wrong
	Already  uint64 `json:"already"`  // had a cause before
}

// Append appends the body of version CommandVersion.
func (c *DeclareLost) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(c.append(dst), c.From)
	dst = binary.AppendUvarint(dst, c.To)
	return canon.AppendText(dst, c.Reason)
}

// ParseDeclareLost is the inverse of Append. A malformed body is a *CommandError, another version ErrVersion.
func ParseDeclareLost(version uint8, body []byte) (c DeclareLost, err error) {
	d := decoder{canon.Decoder{Src: body}}
	c.parse(&d)
	c.From, c.To = d.Uvarint(), d.Uvarint()
	c.Reason = d.Text(MaxReasonBytes)
	return c, parsed("declare-lost", version, &d)
}

// DeclareLost applies one. An error is a *CommandError and nothing changed but the clock.
func (l *Ledger) DeclareLost(commitMS int64, c *DeclareLost) (*DeclareLostResult, error) {
	l.advance(commitMS)
	if err := c.validate(); err != nil {
		return nil, err
	}
	s, err := l.subject(&c.Subject, true)
	if err != nil {
		return nil, err
	}
	e, err := s.named(c.Epoch)
	if err != nil {
		return nil, err
	}
	in := span{c.From, c.past(c.From, c.To) + 1}
	if e != nil {
		if in, err = l.lostSpan(s, e, c, reading{timeless: true, recvMS: commitMS}); err != nil {
			return nil, err
		}
	} else if err = l.extent(in); err != nil {
		return nil, err
	} else if e, err = l.declareEpoch(s, c.Epoch, sourceOf(c.Epoch), s.ruledFirst(in.end), in.end); err != nil {
		return nil, err
	}
	return l.declareLost(s, e, in, c.Reason)
}

func (c *DeclareLost) validate() error {
	if err := c.check(c.From, c.To); err != nil {
		return err
	}
	if c.wide() && c.From > c.To {
		return refuse(CodeBadRange, "from is the lower end", "from %d is above to %d", c.From, c.To)
	}
	if len(c.Reason) > MaxReasonBytes || !utf8.ValidString(c.Reason) {
		return refuse(CodeBadReason, "use at most 256 bytes of UTF-8", "reason of %d bytes", len(c.Reason))
	}
	return nil
}

// lostSpan is the declared range in the numbers of e. A narrow counter's range may lie behind the newest number.
func (l *Ledger) lostSpan(s owned, e *epoch, c *DeclareLost, r reading) (span, error) {
	last, err := l.number(s, e, c.Bits, c.To, r)
	if err != nil && !c.wide() && e.pace != nil {
		r.low, r.bits = c.To, c.Bits
		if behind, any := e.pace.behind(r); any && e.missing(behind) {
			last, err = behind, nil
		}
	}
	if err == nil {
		err = l.plausible(e, last+1)
	}
	if err != nil {
		return span{}, err
	}
	if e.sealedBelow(last) {
		return span{}, e.afterSeal(last)
	}
	width := c.To - c.From
	if !c.wide() {
		width &= 1<<c.Bits - 1
	}
	if width > last {
		return span{}, refuse(CodeBadRange, "check the range", "%d numbers end at %d of epoch %d", width+1, last, e.ordinal)
	}
	if first := last - width; e.begun && e.base > first && e.base-first > l.policy.MaxJump {
		return span{}, refuse(CodeImplausibleJump, "check the range, or raise max_jump", "epoch %d begins at %d, declared lost from %d", e.ordinal, e.base, first)
	}
	return span{last - width, last + 1}, nil
}

func (l *Ledger) declareLost(s owned, e *epoch, in span, reason string) (*DeclareLostResult, error) {
	declared, ok := l.explain(s, e, in, frame.CauseDeclaredLost, reason)
	if !ok {
		return nil, refuse(CodeTooManyCauses, "raise max_runs", "epoch %d would have more than %d causes", e.ordinal, l.policy.MaxRuns)
	}
	res := &DeclareLostResult{Epoch: e.ordinal, From: in.first, To: in.end - 1, Declared: declared, Stored: in.count()}
	for hole := range e.cov.holes(in.first, in.end) {
		res.Stored -= hole.count()
	}
	res.Already = in.count() - res.Declared - res.Stored
	l.include(s, e, in)
	l.declareNext(s, e, in.end)
	return res, nil
}
