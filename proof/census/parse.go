package census

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/ledger/canon"
)

var (
	// ErrMalformed is found by errors.Is when bytes are not those of a leaf: changed, or forged.
	ErrMalformed = errors.New("census: not a leaf")
	// ErrVersion is found by errors.Is when they are those of a leaf of another version: they may be fine, but this program cannot read them.
	ErrVersion = errors.New("census: version of the leaf is not supported")
)

// leastEpoch is how many bytes an epoch has at least: five flags and names, an empty value, base and expected.
const leastEpoch = 8

// Parse is the inverse of Append. What it takes is the one form of its leaf, and its runs and gaps fill the numbers from base to next exactly;
// all else is ErrMalformed or ErrVersion. The leaf shares no memory with b.
func Parse(b []byte) (*Leaf, error) {
	family := magic[:len(magic)-1]
	switch head := string(b[:min(len(b), len(magic))]); {
	case head == magic:
	case strings.HasPrefix(head, family) && len(head) == len(magic):
		return nil, fmt.Errorf("%w: %q, this program reads %q", ErrVersion, head, magic)
	default:
		return nil, fmt.Errorf("%w: it begins with %q, want %q", ErrMalformed, head, magic)
	}
	d := &decoder{canon.Decoder{Src: b, At: len(magic)}}
	l := &Leaf{}
	l.Key = frame.StreamKey{Tenant: d.Text(frame.MaxNameBytes), Device: d.Text(frame.MaxNameBytes), Stream: d.Text(frame.MaxNameBytes)}
	if count := d.Within("number of epochs", uint64(len(b)-d.At)/leastEpoch); count > 0 {
		l.Epochs = make([]Epoch, count)
	}
	for i := range l.Epochs {
		l.Epochs[i].Ordinal = uint32(i + 1)
		if d.epoch(&l.Epochs[i]); d.Err != nil {
			break
		}
	}
	err := d.End()
	if err == nil {
		err = l.check()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return l, nil
}

type decoder struct{ canon.Decoder }

func (d *decoder) epoch(e *Epoch) {
	is, has := d.Flags(4), d.Flags(7)
	e.Begun, e.Unnumbered, e.Probation, e.Ambiguous = is&1 != 0, is&2 != 0, is&4 != 0, is&8 != 0
	e.Sealed, e.Counted, e.Linked = has&1 != 0, has&2 != 0, has&8 != 0
	e.Source, e.Head, e.Tail = ledger.Source(d.Byte()), Head(d.Byte()), Tail(d.Byte())
	e.Value = d.Text(frame.MaxEpochBytes)
	if e.Tail != TailLastSeen {
		e.TailMS = d.Varint()
	}
	e.Base = d.Within("base", ledger.MaxSeq+1)
	e.Next = e.Base + d.Within("expected", ledger.MaxSeq+1-e.Base)
	after := uint64(0)
	for i, n := range []*uint64{&e.SealLast, &e.SealCount, &after, &e.LinkDelta, &e.Offset} {
		if has>>i&1 != 0 {
			*n = d.Uvarint()
		}
	}
	if e.After = uint32(after); uint64(e.After) != after || after == 0 && has&4 != 0 {
		d.Fail("split from epoch %d", after)
	}
	if e.Offset == 0 && has&16 != 0 {
		d.Fail("an offset of 0 is none")
	}
	if has&32 != 0 {
		if e.Wraps = [2]uint64{d.Uvarint(), d.Uvarint()}; e.Wraps[1] == 0 {
			d.Fail("no wraps are none")
		}
	}
	if has&64 != 0 {
		for _, c := range e.counters() {
			*c = d.Uvarint()
		}
		if !e.counted() {
			d.Fail("counters of 0 are none")
		}
	}
	d.pieces(e)
}

// pieces reads runs and gaps until they fill the epoch.
func (d *decoder) pieces(e *Epoch) {
	for at := e.Base; at < e.Next && d.Err == nil; {
		kind := d.Byte()
		count := d.Within("numbers of a piece", e.Next-at)
		if d.Err == nil && count == 0 {
			d.Fail("empty piece at number %d", at)
		}
		first, last := at, at+count-1
		at += count
		if kind == kindStored {
			e.Runs = append(e.Runs, ledger.Run{First: first, Last: last})
			continue
		}
		g, ok := gapOf(kind)
		g.First, g.Last = first, last
		if !ok {
			d.Fail("piece of unknown kind %d at number %d", kind, first)
		}
		if kind&kindReason != 0 {
			if g.Reason = d.Text(ledger.MaxReasonBytes); g.Reason == "" {
				d.Fail("an empty reason is none")
			}
		}
		e.Gaps = append(e.Gaps, g)
	}
}
