package ledger

import (
	"encoding/binary"
	"fmt"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger/canon"
)

// Kinds of the ledger's commands in the replicated log, and the version of their bodies that this program writes.
const (
	KindHeartbeat   uint16 = 16
	KindSeal        uint16 = 17
	KindDeclareLost uint16 = 18
	KindVerdict     uint16 = 19

	CommandVersion uint8 = 1
)

// Subject names the counter that a command is about.
type Subject struct {
	ID    frame.StreamID  // 0 if the proposer does not know it: then Key decides, and defines a stream that is new
	Key   frame.StreamKey // empty tenant and stream stand for the defaults
	Epoch string          // the device's own value; "" for its current epoch
	Bits  uint8           // width of the numbers in the command; 0 or 64: whole numbers, else low bits that are unwrapped like a frame's
}

func (s *Subject) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(s.ID))
	dst = canon.AppendText(dst, s.Key.Tenant)
	dst = canon.AppendText(dst, s.Key.Device)
	dst = canon.AppendText(dst, s.Key.Stream)
	dst = canon.AppendText(dst, s.Epoch)
	return append(dst, s.Bits)
}

// decoder reads commands and checkpoints.
type decoder struct{ canon.Decoder }

func (s *Subject) parse(d *decoder) {
	s.ID = frame.StreamID(d.Within("stream id", 1<<32-1))
	s.Key.Tenant = d.Text(frame.MaxNameBytes)
	s.Key.Device = d.Text(frame.MaxNameBytes)
	s.Key.Stream = d.Text(frame.MaxNameBytes)
	s.Epoch = d.Text(frame.MaxEpochBytes)
	s.Bits = d.Byte()
}

// Named is the stream that the body of any command is about, by its id where that is known, else by its name; false where it names none.
func (l *Ledger) Named(body []byte) (frame.StreamKey, bool) {
	d := decoder{canon.Decoder{Src: body}}
	var sub Subject
	sub.parse(&d)
	if key, ok := l.Key(sub.ID); ok {
		return key, true
	}
	return sub.Key.WithDefaults(), d.Err == nil && sub.Key.Device != ""
}

// parsed finishes a command's parser.
func parsed(what string, version uint8, d *decoder) error {
	if version != CommandVersion {
		return fmt.Errorf("ledger: %s version %d, this program reads %d: %w", what, version, CommandVersion, ErrVersion)
	}
	if err := d.End(); err != nil {
		return refuse(CodeBadCommand, "the proposer is of another release or at fault", "%s: %v", what, err)
	}
	return nil
}

// wide reports whether the command's numbers are whole.
func (s *Subject) wide() bool { return s.Bits == 0 || s.Bits == 64 }

// before is the number before next, where next is of the command's width. Wide 0 has none.
func (s *Subject) before(next uint64) uint64 {
	if s.wide() {
		return next - 1
	}
	return (next - 1) & (1<<s.Bits - 1)
}

// past is a number of the command's width that was counted from first on: it wrapped when it is lower.
func (s *Subject) past(first, n uint64) uint64 {
	if n < first && !s.wide() {
		return n + 1<<s.Bits
	}
	return n
}

// extent refuses to begin an epoch with more numbers than a counter may skip.
func (l *Ledger) extent(in span) error {
	if in.count() > l.policy.MaxJump {
		return refuse(CodeImplausibleJump, "check the numbers, or raise max_jump",
			"the epoch would begin with %d numbers from %d on, more than %d", in.count(), in.first, l.policy.MaxJump)
	}
	return nil
}

// check refuses malformed numbers before anything changes.
func (s *Subject) check(numbers ...uint64) error {
	if err := frame.ValidateEpoch(s.Epoch); err != nil {
		return refuse(CodeBadEpoch, "correct the epoch", "%v", err)
	}
	for _, n := range numbers {
		if _, code := widthOf(s.Bits, n); code != "" {
			return refuse(code, "bits is 8, 16, 32 or 64, and numbers have to fit", "number %d with bits %d", n, s.Bits)
		}
	}
	return nil
}

// subject finds the stream of a command, ready to be written. With define a name that is new becomes a stream.
func (l *Ledger) subject(sub *Subject, define bool) (owned, error) {
	key := sub.Key.WithDefaults()
	if s := l.own(sub.ID); s.stream != nil {
		if sub.Key.Device != "" && s.key() != key {
			return s, refuse(CodeStreamMismatch, "leave the id out", "stream id %d is %q, not %q", sub.ID, s.key(), key)
		}
		return s, nil
	}
	id, known := l.ID(key)
	if !known && (!define || key.Device == "") {
		return owned{}, refuse(CodeUnknownStream, "check device and stream", "stream %q with id %d is unknown", key, sub.ID)
	}
	if !known {
		var err error
		if id, err = l.Intern(key); err != nil {
			return owned{}, err
		}
	}
	return l.own(id), nil
}

// named finds the epoch that a command's value leads to, nil when there is none yet.
func (s owned) named(value string) (*epoch, error) {
	if value == "" && s.cur != nil && s.cur.unseq || s.line(value, false) == nil && s.line(value, true) != nil {
		return nil, refuse(CodeNoNumbers, "only a stream with numbers of its own has them to declare", "stream %q has no numbers", s.key())
	}
	return s.target(value), nil
}

// number turns a number of a command into the epoch's own, without changing anything.
func (l *Ledger) number(s owned, e *epoch, bits uint8, seq uint64, r reading) (uint64, error) {
	r.low, r.bits = seq, bits
	if bits == 0 || bits == 64 {
		if n, ok := l.trueNumber(s, e, r); ok {
			return n, nil
		}
		return 0, refuse(CodeWrapAmbiguous, "send a heartbeat with the whole number first", "how often the counter wrapped before number %d is unknown", seq)
	}
	p := e.pace
	switch {
	case p == nil && e.begun && e.next > 0 && !e.atDeclaredFirst():
		p = newPace(bits, e.next-1, r.timeNS, r.recvMS)
	case p == nil && e.begun:
		return firstLike(r, e.base), nil
	case p == nil:
		return seq, nil
	}
	u := p.unwrap(r, l.policyOf(s.stream))
	if u.fit == fitOne {
		return u.n, nil
	}
	return 0, refuse(CodeWrapAmbiguous, "send the whole number, without bits", "how often the counter of %d bits wrapped before %d is unknown", bits, seq)
}

// plausible refuses a next number that no counter can have reached.
func (l *Ledger) plausible(e *epoch, next uint64) error {
	if next-1 > MaxSeq && next > 0 {
		return refuse(CodeSeqOutOfRange, "numbers end at 2^63-1", "number %d", next-1)
	}
	if e != nil && e.begun && next > e.next && next-e.next > l.policy.MaxJump {
		return refuse(CodeImplausibleJump, "check the number, or raise max_jump",
			"%d is the next number of epoch %d, declared is %d: more than %d are skipped", e.next, e.ordinal, next, l.policy.MaxJump)
	}
	return nil
}

// ruledFirst is the first number that the device's rule declares of an epoch whose numbers are below end; nil where there is none.
func (s owned) ruledFirst(end uint64) *uint64 {
	if s.rule == nil || s.rule.First == nil || *s.rule.First > end {
		return nil
	}
	return s.rule.First
}

// declareEpoch opens the epoch that a command names first, and makes it current. first is nil, or what the device's rule says of it; end is behind its
// last number.
func (l *Ledger) declareEpoch(s owned, value string, source Source, first *uint64, end uint64) (*epoch, error) {
	if first != nil {
		if err := l.extent(span{*first, end}); err != nil {
			return nil, err
		}
	}
	e := l.open(s, value, source)
	if e == nil {
		return nil, refuse(CodeTooManyEpochs, "raise max_epochs", "stream %q has %d epochs, the limit is %d", s.key(), len(s.epochs), l.policy.MaxEpochs)
	}
	s.makeCurrent(e)
	if first != nil {
		l.declareFirst(s, e, *first)
	}
	return e, nil
}

// sourceOf is how an epoch with this value is known.
func sourceOf(value string) Source {
	if value == "" {
		return SourceInferred
	}
	return SourceDeclared
}
